/** What a dry run tells: plain data, made from the totals of two ledgers. Pure. */
import { divideHalfEven, FRACTION_DIGITS, textFromScaled } from '../../storage/decimal.ts';
import type { QuarantineCode } from '../../storage/quarantine-codes.ts';
import type {
  MeterQuarantine,
  MeterTotal,
  MeterTotalsAnswer,
  QuarantinedSignal,
  UsageRecord,
} from '../../storage/query/index.ts';
import type { Discovery } from './tested-rows.ts';

export interface DryRunReport {
  meterId: string;
  /** The rule that the meter has now, with which this one is compared; null where it has none that holds. 0: of a file. */
  inForceVersion: number | null;
  /** Requests of the kinds of signals that one of both rules names; all others are passed over. */
  requests: number;
  /** Data points, log records and spans in them. */
  signals: number;
  /** Those that the rule claims. */
  matched: number;
  matchedInForce: number;
  /** Those that it does not: `signals` − `matched`. */
  ignored: number;
  /** Of `matched`: those that came before, and do not count again. */
  duplicates: number;
  /** Why the rest was not looked at; null where everything was. */
  stoppedBy: 'max_signals' | 'time_limit' | null;
  /** When the first and the last request came, RFC 3339 in UTC; null where there is none or nobody knows. */
  receivedFrom: string | null;
  receivedUntil: string | null;
  /** By dimension, all customers together. */
  totals: UsageDifference[];
  /** By customer and dimension, the greatest differences first. */
  customers: UsageDifference[];
  /** `customers` has not all of them. */
  hasMoreCustomers: boolean;
  /** In the order in which the reasons apply. */
  quarantined: QuarantinedReason[];
  /** What other meters count less, because this one replaces them. */
  replaced: ReplacedUsage[];
  /** Customers and dimensions that nobody has declared, and that the rule's usage would create. */
  discovered: { customers: string[]; customerCount: number; dimensions: { id: string; unit: string }[] };
  /** The first records by their time. */
  records: UsageRecord[];
  /** Requests that are none: each was left out. */
  unreadable: { requests: number; samples: Unreadable[] };
}

export interface Unreadable {
  /** File and line, or the like. */
  origin: string;
  message: string;
}

/** Usage of one customer (null: of all) in one dimension, by this rule and by the one in force. */
export interface UsageDifference {
  customerId: string | null;
  dimensionId: string;
  unit: string;
  /** How the quantities are made of the records' values, before increments, intervals and rounding. */
  aggregation: string;
  /**
   * Exact decimals; an average to 12 places. null without records, and where the aggregation (unique, time_weighted,
   * time_integral) means nothing outside of a window.
   */
  quantity: string | null;
  records: number;
  inForceQuantity: string | null;
  inForceRecords: number;
  /** `quantity` − `inForceQuantity`, a missing one taken for 0; null where the aggregation has none. */
  difference: string | null;
}

export interface QuarantinedReason {
  reason: QuarantineCode;
  signals: number;
  signalsInForce: number;
  /** What they would have counted. */
  dimensions: { dimensionId: string | null; signals: number; quantity: string | null }[];
  samples: QuarantinedSample[];
}

/** A signal as the ledger lists it, without what means nothing outside of the dry run. */
export interface QuarantinedSample
  extends Pick<
    QuarantinedSignal,
    | 'customerId'
    | 'dimensionId'
    | 'value'
    | 'unit'
    | 'timestamp'
    | 'startTime'
    | 'metadata'
    | 'metricName'
    | 'kind'
  > {
  /** Where it stood: file and line, or the journal's sequence; null where its request was not kept. */
  origin: string | null;
  /** As received, in OTLP/JSON with its resource and scope; null where it was not kept. */
  signal: unknown;
}

export interface ReplacedUsage {
  meterId: string;
  dimensionId: string;
  unit: string;
  /** With the rule in force, and with this one. */
  before: string | null;
  after: string | null;
  recordsBefore: number;
  recordsAfter: number;
  difference: string | null;
}

/** What both ledgers hold. `inForce` is null where nothing was run beside the rule. */
export interface Totals {
  meterId: string;
  rule: MeterTotalsAnswer;
  inForce: MeterTotalsAnswer | null;
  aggregationOf: (dimensionId: string) => string;
}

/** The parts of a report that follow from the totals. */
export function compared(
  totals: Totals,
): Pick<DryRunReport, 'totals' | 'customers' | 'hasMoreCustomers' | 'replaced'> {
  const { meterId, rule, inForce, aggregationOf } = totals;
  const ofMeter = (rows: readonly MeterTotal[] = []) => rows.filter((row) => row.meterId === meterId);
  const known = commonRows(
    ofMeter(rule.customers),
    rule.hasMore,
    ofMeter(inForce?.customers),
    inForce?.hasMore ?? false,
  );
  return {
    totals: differences(ofMeter(rule.totals), ofMeter(inForce?.totals), aggregationOf),
    customers: differences(known.rule, known.inForce, aggregationOf).sort(byChange),
    hasMoreCustomers: rule.hasMore || (inForce?.hasMore ?? false),
    replaced: inForce === null ? [] : replacedUsage(totals, inForce),
  };
}

/** How many of the rule's rows count nothing because they came before. */
export function duplicatesOf(meterId: string, matched: number, rule: MeterTotalsAnswer): number {
  let distinct = 0;
  for (const total of rule.totals) if (total.meterId === meterId) distinct += total.records;
  for (const { meterId: of, reason, signals } of rule.quarantine) {
    // A baseline is a record of zero as well.
    if (of === meterId && reason !== 'baseline') distinct += signals;
  }
  return matched - distinct;
}

/** Reasons with their counts; the samples come from elsewhere. */
export function quarantinedReasons(
  meterId: string,
  rule: readonly MeterQuarantine[],
  inForce: readonly MeterQuarantine[],
): Omit<QuarantinedReason, 'samples'>[] {
  const reasons = new Map<QuarantineCode, Omit<QuarantinedReason, 'samples'>>();
  for (const { meterId: of, reason, dimensionId, signals, quantity } of rule) {
    if (of !== meterId) continue;
    const entry = reasons.get(reason) ?? { reason, signals: 0, signalsInForce: 0, dimensions: [] };
    entry.signals += signals;
    entry.dimensions.push({ dimensionId, signals, quantity });
    reasons.set(reason, entry);
  }
  for (const { meterId: of, reason, signals } of inForce) {
    if (of !== meterId) continue;
    const entry = reasons.get(reason) ?? { reason, signals: 0, signalsInForce: 0, dimensions: [] };
    entry.signalsInForce += signals;
    reasons.set(reason, entry);
  }
  return [...reasons.values()];
}

/** What the rule makes known and the one in force does not. */
export function discoveredByRule(
  rule: Discovery,
  inForce: Discovery | null,
  mostCustomers: number,
): DryRunReport['discovered'] {
  const customers = [...rule.customers].filter((id) => inForce?.customers.has(id) !== true).sort();
  return {
    customers: customers.slice(0, mostCustomers),
    customerCount: customers.length,
    dimensions: [...rule.dimensions]
      .filter(([id]) => inForce?.dimensions.has(id) !== true)
      .map(([id, { unit }]) => ({ id, unit }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/**
 * Where one of both lists was cut off, rows behind its end may be missing from it: they are left out of the other too.
 * Both are in the order of customers and dimensions.
 */
function commonRows(
  rule: MeterTotal[],
  ruleHasMore: boolean,
  inForce: MeterTotal[],
  inForceHasMore: boolean,
): { rule: MeterTotal[]; inForce: MeterTotal[] } {
  const ends = [...(ruleHasMore ? [rule.at(-1)] : []), ...(inForceHasMore ? [inForce.at(-1)] : [])].filter(
    (row) => row !== undefined,
  );
  const isKnown = (row: MeterTotal) => ends.every((end) => byName(row, end) <= 0);
  return { rule: rule.filter(isKnown), inForce: inForce.filter(isKnown) };
}

function differences(
  rule: readonly MeterTotal[],
  inForce: readonly MeterTotal[],
  aggregationOf: (dimensionId: string) => string,
): UsageDifference[] {
  const pairs = new Map<string, { rule?: MeterTotal; inForce?: MeterTotal }>();
  const nameOf = ({ customerId, dimensionId }: MeterTotal) => JSON.stringify([customerId, dimensionId]);
  for (const total of rule) pairs.set(nameOf(total), { rule: total });
  for (const total of inForce) pairs.set(nameOf(total), { ...pairs.get(nameOf(total)), inForce: total });
  return [...pairs.values()].map(({ rule: with_, inForce: without }) => {
    const { customerId, dimensionId, unit } = (with_ ?? without)!;
    const aggregation = aggregationOf(dimensionId);
    const quantity = aggregated(with_, aggregation);
    const inForceQuantity = aggregated(without, aggregation);
    return {
      customerId,
      dimensionId,
      unit,
      aggregation,
      quantity: textOrNull(quantity),
      records: with_?.records ?? 0,
      inForceQuantity: textOrNull(inForceQuantity),
      inForceRecords: without?.records ?? 0,
      difference: OF_WINDOWS.has(aggregation)
        ? null
        : textFromScaled((quantity ?? 0n) - (inForceQuantity ?? 0n)),
    };
  });
}

/** The greatest change first, then the greatest quantity, then by name. */
function byChange(a: UsageDifference, b: UsageDifference): number {
  const magnitude = (text: string | null) => Math.abs(Number(text ?? 0));
  return (
    magnitude(b.difference) - magnitude(a.difference) ||
    magnitude(b.quantity) - magnitude(a.quantity) ||
    byName(a, b)
  );
}

type Named = Pick<MeterTotal, 'customerId' | 'dimensionId'>;

/** As the ledger orders them. */
function byName(a: Named, b: Named): number {
  return (
    Buffer.compare(Buffer.from(a.customerId ?? ''), Buffer.from(b.customerId ?? '')) ||
    Buffer.compare(Buffer.from(a.dimensionId), Buffer.from(b.dimensionId))
  );
}

function replacedUsage(
  { meterId, rule, aggregationOf }: Totals,
  inForce: MeterTotalsAnswer,
): ReplacedUsage[] {
  const meters = new Set([...rule.totals, ...inForce.totals].map((total) => total.meterId));
  meters.delete(meterId);
  return [...meters].sort().flatMap((other) => {
    const ofOther = ({ totals }: MeterTotalsAnswer) => totals.filter((total) => total.meterId === other);
    return differences(ofOther(rule), ofOther(inForce), aggregationOf)
      .filter((row) => row.difference !== '0' || row.records !== row.inForceRecords)
      .map(({ dimensionId, unit, quantity, records, inForceQuantity, inForceRecords, difference }) => ({
        meterId: other,
        dimensionId,
        unit,
        before: inForceQuantity,
        after: quantity,
        recordsBefore: inForceRecords,
        recordsAfter: records,
        difference,
      }));
  });
}

/** Aggregations whose quantity depends on more than the records' values and times. */
const OF_WINDOWS: ReadonlySet<string> = new Set(['unique', 'time_weighted', 'time_integral']);

/** Value × 10^12. */
function aggregated(total: MeterTotal | undefined, aggregation: string): bigint | null {
  if (total === undefined || OF_WINDOWS.has(aggregation)) return null;
  switch (aggregation) {
    case 'count':
      return BigInt(total.records) * 10n ** BigInt(FRACTION_DIGITS);
    case 'max':
      return total.greatest;
    case 'min':
      return total.smallest;
    case 'last':
      return total.last;
    case 'average':
      return total.records === 0 ? null : divideHalfEven(total.sum, BigInt(total.records));
    default:
      return total.sum;
  }
}

function textOrNull(scaled: bigint | null): string | null {
  return scaled === null ? null : textFromScaled(scaled);
}
