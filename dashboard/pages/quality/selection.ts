/** Which quarantined signals are meant: as the address says it, as questions ask it, and as changes name them. */
import type { RequestOptions } from '../../api/client.ts';
import type { Reason } from './reasons.ts';
import type { QualitySearch } from './route.ts';

type QuarantineQuery = NonNullable<RequestOptions<'GET /api/v1/quarantine'>['query']>;
export type ReplayBody = RequestOptions<'POST /api/v1/quarantine/replay'>['body'];

/** Signals named one by one, or all that have something in common. */
export type Selection = Pick<
  ReplayBody,
  'ids' | 'reason' | 'meterId' | 'customerId' | 'dimensionId' | 'metadata' | 'timeFrom' | 'timeTo'
>;

/** One that there is not is refused by the receiver: nothing else is shown, or repaired, in its place. */
export function reasonOf({ reason }: QualitySearch): Reason | undefined {
  return reason as Reason | undefined;
}

/** Parameters of the questions about quarantine. */
export function filterOf(search: QualitySearch): QuarantineQuery {
  const { meterId, dimensionId, customerId, missing, metadata, timeFrom, timeTo } = search;
  const reason = reasonOf(search);
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(meterId === undefined ? {} : { meterId }),
    ...(dimensionId === undefined ? {} : { dimensionId }),
    ...(customerId === undefined ? {} : { customerId }),
    ...(missing === undefined ? {} : { missing: missing as ('customerId' | 'dimensionId')[] }),
    ...(metadata === undefined ? {} : { metadata: metadataOf(metadata) }),
    ...(timeFrom === undefined ? {} : { timeFrom }),
    ...(timeTo === undefined ? {} : { timeTo }),
  };
}

/** The same as a change takes it. */
export function selectionOf(search: QualitySearch): Selection {
  const { missing = [], metadata, ...filter } = filterOf(search);
  const orNone = (name: 'customerId' | 'dimensionId') => {
    const id = filter[name] as string | undefined;
    if (!missing.includes(name)) return id === undefined ? {} : { [name]: id };
    return { [name]: id === undefined ? null : [id, null] };
  };
  return {
    ...(filter as Selection),
    ...orNone('customerId'),
    ...orNone('dimensionId'),
    ...(metadata === undefined ? {} : { metadata: metadata as NonNullable<Selection['metadata']> }),
  };
}

export function isEmpty(selection: Selection): boolean {
  return Object.keys(selection).length === 0;
}

function metadataOf(pairs: readonly string[]): Record<string, string[]> {
  const metadata = new Map<string, string[]>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at);
    metadata.set(key, [...(metadata.get(key) ?? []), pair.slice(at + 1)]);
  }
  // Also a key `__proto__` is one: without it, more would be repaired than is shown.
  return Object.fromEntries(metadata);
}
