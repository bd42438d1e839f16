/** What is offered to repair signals of each reason. */
import type { RowOf } from '../../api/client.ts';

export type Reason = RowOf<'GET /api/v1/quarantine'>['reason'];

/** What can be done about signals: see fix-fields.tsx. */
export type Fix =
  | 'customer'
  | 'declare-customer'
  | 'declare-dimension'
  | 'unit'
  | 'aggregation'
  | 'credits'
  | 'own-values'
  | 'correct'
  | 'replay'
  | 'dismiss';

/** What mends just this; what a meter's rule must say is no repair of this page. */
const OWN: Readonly<Partial<Record<Reason, readonly Fix[]>>> = {
  missing_customer: ['customer'],
  unknown_dimension: ['declare-dimension'],
  wrong_unit: ['unit', 'own-values'],
  level_into_sum: ['aggregation'],
  credits_not_allowed: ['credits'],
  event_conflict: ['own-values'],
  baseline: ['own-values'],
  unknown_customer: ['declare-customer', 'customer'],
  before_baseline: ['dismiss'],
};

const ALWAYS: readonly Fix[] = ['correct', 'replay', 'dismiss'];

/** The fixes of a reason, the one to try first in front; without a reason those that fit any. */
export function fixesOf(reason: Reason | undefined): Fix[] {
  // It stands in the address: `constructor` has no fixes.
  const own = reason !== undefined && Object.hasOwn(OWN, reason) ? OWN[reason] : undefined;
  return [...new Set([...(own ?? []), ...ALWAYS])];
}
