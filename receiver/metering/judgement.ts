/** What the registry says of an attribution: whether it can be counted, and in which unit. Pure. */
import { codeNumber } from '../../storage/quarantine-codes.ts';
import { type Registry, takesLevels } from './registry.ts';
import { type Conversion, conversion } from './units.ts';

/**
 * usage: each value adds. level: how much there is. signed: differences that go both ways. event: usage whose sign is
 * judged with each value.
 */
export type Nature = 'usage' | 'level' | 'signed' | 'event';

export interface Attributed {
  /** With aliases resolved; null = missing, which is not judged here. */
  customerId: string | null;
  dimensionId: string | null;
  /** UCUM unit of the values. */
  unit: string;
  nature: Nature;
}

export interface Judgement {
  /** A quarantine code's number, or 0. */
  code: number;
  /** From the values' unit to the dimension's; null where there is nothing to convert. */
  conversion: Conversion | null;
}

const UNKNOWN_CUSTOMER = codeNumber('unknown_customer');
const UNKNOWN_DIMENSION = codeNumber('unknown_dimension');
const WRONG_UNIT = codeNumber('wrong_unit');
const LEVEL_INTO_SUM = codeNumber('level_into_sum');
const CREDITS_NOT_ALLOWED = codeNumber('credits_not_allowed');

export function judge(registry: Registry, { customerId, dimensionId, unit, nature }: Attributed): Judgement {
  const { discovery } = registry.settings;
  const dimension = dimensionId === null ? undefined : registry.dimensions.get(dimensionId);
  const customerCode =
    discovery || customerId === null || registry.customers.has(customerId) ? 0 : UNKNOWN_CUSTOMER;
  if (dimension === undefined) {
    // Usage creates its dimension; levels do not, for nobody has said what they should come to.
    const discovers = discovery && dimensionId !== null && (nature === 'usage' || nature === 'event');
    if (!discovers) return { code: UNKNOWN_DIMENSION, conversion: null };
    // It may have usage of a time when it was known: what comes now is added to that.
    const converts = conversion(unit, registry.unitOf(dimensionId) ?? unit);
    if (converts === null) return { code: WRONG_UNIT, conversion: null };
    return { code: customerCode, conversion: converts === 'same' ? null : converts };
  }
  const converts = conversion(unit, dimension.unit);
  if (converts === null) return { code: WRONG_UNIT, conversion: null };
  const factor = converts === 'same' ? null : converts;
  if (nature === 'level' && !takesLevels(dimension.aggregation))
    return { code: LEVEL_INTO_SUM, conversion: factor };
  if (nature === 'signed' && !dimension.creditsAllowed)
    return { code: CREDITS_NOT_ALLOWED, conversion: factor };
  return { code: customerCode, conversion: factor };
}
