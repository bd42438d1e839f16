/** Compares the decoder with its judge (see otlp-proto.ts) on random and damaged bodies. */
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import {
  DecodeError,
  MetricColumns,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
} from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { encode, mutateBytes, mutateTree, Random, randomRequest } from './otlp-generator.ts';
import { attributesText, doubleText, type Row, referenceRows } from './otlp-proto.ts';

/** What stands in columns, as rows to compare. */
export function rowsOfColumns(columns: MetricColumns, interner: ByteInterner): Row[] {
  const { metrics } = columns;
  const word64 = (column: Uint32Array, row: number) =>
    (BigInt(column[2 * row + 1]) << 32n) | BigInt(column[2 * row]);
  const value = (row: number): string => {
    const bits = word64(columns.value, row);
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, bits);
    switch (columns.valueType[row]) {
      case VALUE_TYPE_INT64:
        return `int ${BigInt.asIntN(64, bits)}`;
      case VALUE_TYPE_DOUBLE:
        return `double ${doubleText(view.getFloat64(0))}`;
      case VALUE_TYPE_COUNT_AND_SUM:
        return `sum ${doubleText(view.getFloat64(0))}`;
      default:
        // Nothing may be left of an earlier point.
        return bits === 0n ? 'none' : `none, but bits 0x${bits.toString(16)}`;
    }
  };
  return Array.from({ length: columns.length }, (_, row) => {
    const metric = metrics[columns.metric[row]];
    return {
      resource: attributesText(interner.attributes(metric.resourceAttributes)),
      scopeName: metric.scopeName,
      scopeVersion: metric.scopeVersion,
      scope: attributesText(interner.attributes(metric.scopeAttributes)),
      name: metric.name,
      unit: metric.unit,
      kind: metric.kind,
      temporality: metric.temporality,
      monotonic: metric.monotonic,
      attributes: attributesText(interner.attributes(columns.attributes[row])),
      start: word64(columns.startUnixNano, row),
      time: word64(columns.timeUnixNano, row),
      value: value(row),
      count: word64(columns.count, row),
      flags: columns.flags[row],
    };
  });
}

/** Body number `index` of the run `seed`: valid, oddly built, or damaged. */
export function randomBody(seed: number, index: number): Uint8Array {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const request = randomRequest(random);
  const form = random.below(10);
  if (form < 2) return encode(request);
  if (form < 3) return encode(request, random);
  if (form < 7) {
    mutateTree(random, request);
    return encode(request, random.oneIn(2) ? random : undefined);
  }
  if (form < 8) mutateTree(random, request);
  return mutateBytes(random, encode(request), encode(randomRequest(random)));
}

export interface Outcome {
  accepted: number;
  refused: number;
  points: number;
  /** The first bodies on which the two disagree. */
  disagreements: { index: number; body: string; own: string; reference: string }[];
}

/** Both readers over `count` bodies, with columns and interner reused from body to body as in the receiver. */
export function compareDecoders(seed: number, count: number): Outcome {
  const interner = new ByteInterner({ entries: 5000, bytes: 1_000_000 });
  const columns = new MetricColumns();
  const outcome: Outcome = { accepted: 0, refused: 0, points: 0, disagreements: [] };
  for (let index = 0; index < count && outcome.disagreements.length < 5; index++) {
    const body = randomBody(seed, index);
    const own = describe(() => ownRows(body, interner, columns));
    const reference = describe(() => referenceRows(body));
    if (own.text !== reference.text) {
      outcome.disagreements.push({
        index,
        body: Buffer.from(body).toString('hex'),
        own: own.text ?? own.error,
        reference: reference.text ?? reference.error,
      });
    }
    if (own.text === undefined) outcome.refused++;
    else {
      outcome.accepted++;
      outcome.points += columns.length;
    }
  }
  return outcome;
}

export function ownRows(
  body: Uint8Array,
  interner: ByteInterner = new ByteInterner(),
  columns: MetricColumns = new MetricColumns(),
): Row[] {
  columns.clear();
  interner.trim();
  try {
    decodeMetricsProtobuf(body, interner, columns);
  } catch (error) {
    // Any other error is a fault of ours, which must not pass as a refusal.
    if (!(error instanceof DecodeError)) throw new Fault(error);
    throw error;
  }
  return rowsOfColumns(columns, interner);
}

class Fault extends Error {
  constructor(cause: unknown) {
    super('the decoder failed', { cause });
  }
}

function describe(read: () => Row[]): { text?: string; error: string } {
  try {
    return { text: rowsText(read()), error: '' };
  } catch (error) {
    if (error instanceof Fault) throw error.cause;
    return { error: `refused: ${(error as Error).message}` };
  }
}

export function rowsText(rows: Row[]): string {
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
