/** Compares the decoders with their judge (see otlp-proto.ts) on random and damaged bodies. */
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import type { EventSignal } from '../../../receiver/otlp/event-signals.ts';
import { decodeLogsProtobuf } from '../../../receiver/otlp/logs-protobuf.ts';
import {
  DecodeError,
  MetricColumns,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
} from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesProtobuf } from '../../../receiver/otlp/traces-protobuf.ts';
import { encode, mutateBytes, mutateTree, Random, randomRequest, type Signal } from './otlp-generator.ts';
import {
  attributesText,
  doubleText,
  LogsRequest,
  plainText,
  type Row,
  referenceRows,
  signalsOfMessage,
  TraceRequest,
} from './otlp-proto.ts';

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
export function randomBody(signal: Signal, seed: number, index: number): Uint8Array {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const request = randomRequest(random, signal);
  const form = random.below(10);
  if (form < 2) return encode(request);
  if (form < 3) return encode(request, random);
  if (form < 7) {
    mutateTree(random, request);
    return encode(request, random.oneIn(2) ? random : undefined);
  }
  if (form < 8) mutateTree(random, request);
  return mutateBytes(random, encode(request), encode(randomRequest(random, signal)));
}

export interface Outcome {
  accepted: number;
  refused: number;
  /** Data points, log records or spans of the accepted. */
  signals: number;
  /** The first bodies on which the two disagree. */
  disagreements: { index: number; body: string; own: string; reference: string }[];
}

/** Both readers over `count` bodies, with columns and caches reused from body to body as in the receiver. */
export function compareDecoders(signal: Signal, seed: number, count: number): Outcome {
  const { own: readOwn, reference: readReference } = READERS[signal]();
  const outcome: Outcome = { accepted: 0, refused: 0, signals: 0, disagreements: [] };
  for (let index = 0; index < count && outcome.disagreements.length < 5; index++) {
    const body = randomBody(signal, seed, index);
    const own = describe(() => readOwn(body));
    const reference = describe(() => readReference(body));
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
      outcome.signals += own.count;
    }
  }
  return outcome;
}

type Reader = (body: Uint8Array) => unknown[];

const READERS: Record<Signal, () => { own: Reader; reference: Reader }> = {
  metrics: () => {
    const interner = new ByteInterner({ entries: 5000, bytes: 1_000_000 });
    const columns = new MetricColumns();
    return { own: (body) => ownRows(body, interner, columns), reference: referenceRows };
  },
  logs: () => eventReaders(decodeLogsProtobuf, LogsRequest),
  traces: () => eventReaders(decodeTracesProtobuf, TraceRequest),
};

function eventReaders(
  decode: (body: Uint8Array, groups: SignalGroups) => EventSignal[],
  request: typeof LogsRequest,
) {
  const groups = new SignalGroups({ groups: 2000, bytes: 200_000 });
  const own = (body: Uint8Array) => {
    groups.trim();
    return refusing(() => decode(body, groups));
  };
  return { own, reference: (body: Uint8Array) => signalsOfMessage(request.decode(body)) };
}

export function ownRows(
  body: Uint8Array,
  interner: ByteInterner = new ByteInterner(),
  columns: MetricColumns = new MetricColumns(),
): Row[] {
  columns.clear();
  interner.trim();
  refusing(() => decodeMetricsProtobuf(body, interner, columns));
  return rowsOfColumns(columns, interner);
}

/** Any other error than a refusal is a fault of ours, which must not pass as one. */
function refusing<Result>(decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw new Fault(error);
    throw error;
  }
}

class Fault extends Error {
  constructor(cause: unknown) {
    super('the decoder failed', { cause });
  }
}

function describe(read: () => unknown[]): { text?: string; count: number; error: string } {
  try {
    const found = read();
    return { text: plainText(found), count: found.length, error: '' };
  } catch (error) {
    if (error instanceof Fault) throw error.cause;
    return { count: 0, error: `refused: ${(error as Error).message}` };
  }
}
