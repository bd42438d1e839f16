/**
 * What a journal frame means: rows, definitions and changes for the ledger. Live requests and frames that recovery or
 * a rebuild reads go the same way.
 *
 * Pure but for its caches: no I/O, no clock. Frames that a replay of quarantined signals looks back at are handed in.
 */
import { type Change, ChangeRequest, type RecordInput, type SignalReference } from '../storage/changes.ts';
import type { JournalFrame } from '../storage/journal/journal.ts';
import {
  type BodyEncoding,
  encodingOf,
  FRAME_CHANGES,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_RECORDS,
  FRAME_TRACES,
  type OtlpFrame,
  RecordsFrame,
} from './frames.ts';
import { inflate } from './inflate.ts';
import { corrected, type ReadSignal, readEvent, readPoint } from './metering/as-claimed.ts';
import type { BatchQueue, RowColumns } from './metering/batch-queue.ts';
import { BUILTIN_METER_ID } from './metering/builtin-meter.ts';
import { API_METER_ID, correctionKey, recordKey, replacementKey } from './metering/event-metering.ts';
import { Metering, type MeteringOptions, type MeteringOutcome } from './metering/metering.ts';
import { emptyOutcome } from './metering/outcome.ts';
import type { Registry } from './metering/registry.ts';
import { ByteInterner } from './otlp/attribute-interner.ts';
import type { EventSignal } from './otlp/event-signals.ts';
import { decodeLogsJson } from './otlp/logs-json.ts';
import { decodeLogsProtobuf } from './otlp/logs-protobuf.ts';
import { MetricColumns, selectPoints } from './otlp/metric-columns.ts';
import { decodeMetricsJson } from './otlp/metrics-json.ts';
import { decodeMetricsProtobuf } from './otlp/metrics-protobuf.ts';
import { SignalGroups } from './otlp/signal-groups.ts';
import { decodeTracesJson } from './otlp/traces-json.ts';
import { decodeTracesProtobuf } from './otlp/traces-protobuf.ts';

/** Frames by their sequence. */
export type FrameSet = ReadonlyMap<number, JournalFrame>;

export class Interpreter {
  readonly registry: Registry;
  readonly metering: Metering;
  readonly #queue: BatchQueue;
  readonly #interner = new ByteInterner();
  readonly #groups = new SignalGroups();
  readonly #columns = new MetricColumns();

  constructor(registry: Registry, queue: BatchQueue, options: MeteringOptions = {}) {
    this.registry = registry;
    this.#queue = queue;
    this.metering = new Metering(registry, this.#interner, queue, options);
  }

  /**
   * Decodes and meters a request. The caller ends the frame if anything was claimed.
   * @param body inflated
   * @throws DecodeError and TooMany…Error before anything was written; any other error leaves rows half written
   */
  signals(
    kind: OtlpFrame,
    body: Uint8Array,
    encoding: BodyEncoding,
    sequence: number,
    receivedAtUnixNano: bigint,
  ): MeteringOutcome {
    this.metering.trim();
    this.#groups.trim();
    if (kind === FRAME_METRICS) {
      this.#decodePoints(body, encoding);
      return this.metering.meter(this.#columns, sequence, receivedAtUnixNano);
    }
    const events = this.#decodeEvents(kind, body, encoding);
    return this.metering.meterEvents(events, sequence, receivedAtUnixNano);
  }

  records(records: readonly RecordInput[], sequence: number, receivedAtUnixNano: bigint): MeteringOutcome {
    this.metering.trim();
    return this.metering.meterRecords(records, sequence, receivedAtUnixNano);
  }

  /**
   * Makes changes, which Registry.check has let pass. The frame is a batch alone: between BatchQueue.beginChanges,
   * which this calls, and endChanges, which the caller does after it has ended the frame.
   * @param frames those that {@link framesOf} names
   */
  changes(
    { changes, actor }: ChangeRequest,
    sequence: number,
    receivedAtUnixNano: bigint,
    frames: FrameSet,
  ): MeteringOutcome {
    const forLedger = changes.map((change) => this.registry.apply(change, receivedAtUnixNano));
    this.metering.trim();
    this.#groups.trim();
    this.#queue.beginChanges(actor ?? null);
    const outcome = emptyOutcome();
    for (const [i, change] of changes.entries()) {
      const known = forLedger[i];
      if (known !== null) this.#queue.recordChange(known);
      if (change.type === 'quarantine_replayed') {
        this.#replay(change, sequence, receivedAtUnixNano, frames, outcome);
      } else if (change.type === 'record_corrected' && change.replacement !== null) {
        const rows = this.#queue.replayRows(1);
        const row = rows.length;
        const key = replacementKey(change.recordId, sequence);
        this.metering.events.meterCorrected(change.replacement, API_METER_ID, key, {
          ordinal: i,
          sequence,
          receivedAtUnixNano,
          outcome,
          rows,
        });
        rows.originSequence[row] = sequence;
      }
    }
    return outcome;
  }

  /** Interprets a frame that stands in the journal. @throws RangeError for one that a newer version wrote */
  frame(frame: JournalFrame, frames: FrameSet): void {
    const { sequence, receivedAtUnixNano } = frame;
    switch (frame.kind) {
      case FRAME_METRICS:
      case FRAME_LOGS:
      case FRAME_TRACES: {
        const encoding = encodingOf(frame.encoding);
        this.signals(
          frame.kind,
          inflate(frame.payload, encoding.compression),
          encoding,
          sequence,
          receivedAtUnixNano,
        );
        return;
      }
      case FRAME_RECORDS:
        this.records(recordsOf(frame), sequence, receivedAtUnixNano);
        return;
      case FRAME_CHANGES:
        this.changes(changesOf(frame), sequence, receivedAtUnixNano, frames);
        return;
      default:
        throw new RangeError(
          `journal frame ${sequence} has the unknown kind ${frame.kind}: written by a newer version?`,
        );
    }
  }

  #replay(
    { signals, correction, note }: Extract<Change, { type: 'quarantine_replayed' }>,
    sequence: number,
    receivedAtUnixNano: bigint,
    frames: FrameSet,
    outcome: MeteringOutcome,
  ): void {
    const settled: SignalReference[] = [];
    for (const [origin, references] of bySequence(signals)) {
      const frame = frames.get(origin);
      // Released from the journal since it was quarantined: it stays where it is.
      if (frame === undefined) continue;
      this.#groups.trim();
      if (correction === null) {
        settled.push(...this.#judgeAgain(frame, references, sequence, receivedAtUnixNano, outcome));
        continue;
      }
      const read = this.#readerOf(frame);
      for (const reference of references) {
        const signal = read(reference);
        const fixed = signal === null ? 'customerId' : corrected(signal, correction, this.registry);
        if (typeof fixed === 'string') continue;
        const record = { ...fixed, id: null };
        if (this.metering.events.checkRecord(record, receivedAtUnixNano) !== 0) continue;
        const rows = this.#queue.replayRows(1);
        const row = rows.length;
        const { ordinal, meterId } = reference;
        const key = correctionKey(origin, ordinal, meterId);
        this.metering.events.meterCorrected(record, meterId, key, {
          ordinal,
          sequence,
          receivedAtUnixNano,
          outcome,
          rows,
        });
        rows.originSequence[row] = origin;
        settled.push(reference);
      }
    }
    if (settled.length === 0) return;
    this.#queue.recordChange(
      correction === null
        ? { type: 'quarantine_rejudged', signals: settled }
        : { type: 'quarantine_corrected', signals: settled, note },
    );
  }

  /** @returns those that a meter claims now: what has become of them stands in the rows */
  #judgeAgain(
    frame: JournalFrame,
    references: readonly SignalReference[],
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
  ): SignalReference[] {
    const ordinals = [...new Set(references.map(({ ordinal }) => ordinal))].sort((a, b) => a - b);
    const rows = this.#queue.replayRows(ordinals.length);
    const first = rows.length;
    this.#meterAgain(frame, ordinals, sequence, receivedAtUnixNano, outcome, rows);
    const claimed = new Set<number>();
    for (let row = first; row < rows.length; row++) {
      rows.ordinal[row] = ordinals[rows.ordinal[row]];
      rows.originSequence[row] = frame.sequence;
      claimed.add(rows.ordinal[row]);
    }
    return references.filter(({ ordinal }) => claimed.has(ordinal));
  }

  /** Meters some signals of a frame; the rows' ordinals are places among them. */
  #meterAgain(
    frame: JournalFrame,
    ordinals: readonly number[],
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
    rows: RowColumns,
  ): void {
    const arrivedAt = frame.receivedAtUnixNano;
    const { series, events } = this.metering;
    if (frame.kind === FRAME_METRICS) {
      this.#decodePoints(...bodyOf(frame));
      const points = selectPoints(this.#columns, ordinals);
      series.meter(points, sequence, receivedAtUnixNano, outcome, rows, arrivedAt);
    } else if (frame.kind === FRAME_LOGS || frame.kind === FRAME_TRACES) {
      const all = this.#decodeEvents(frame.kind, ...bodyOf(frame));
      const signals = ordinals.flatMap((ordinal) => all[ordinal] ?? []);
      events.meter(signals, sequence, receivedAtUnixNano, outcome, rows, arrivedAt);
    } else if (frame.kind === FRAME_RECORDS) {
      const records = recordsOf(frame);
      for (const [i, ordinal] of ordinals.entries()) {
        if (ordinal >= records.length) break;
        const key = recordKey(records[ordinal], frame.sequence, ordinal);
        events.meterCorrected(records[ordinal], API_METER_ID, key, {
          ordinal: i,
          sequence,
          receivedAtUnixNano,
          outcome,
          rows,
        });
      }
    }
  }

  /**
   * Decodes a frame, once for all its quarantined signals. What it returns holds until the next frame is decoded.
   * @returns a signal as its meter reads it now; null where the frame has none such
   */
  #readerOf(frame: JournalFrame): (reference: SignalReference) => ReadSignal | null {
    // A signal that says to be a record by hand was read by the built-in meter.
    const readerId = (meterId: string) => (meterId === API_METER_ID ? BUILTIN_METER_ID : meterId);
    const meterOf = (meterId: string) =>
      this.registry.meters.find(({ id }) => id === readerId(meterId)) ?? null;
    if (frame.kind === FRAME_METRICS) {
      this.#decodePoints(...bodyOf(frame));
      const columns = this.#columns;
      return ({ ordinal, meterId }) =>
        ordinal < columns.length ? readPoint(columns, ordinal, this.#interner, meterOf(meterId)) : null;
    }
    if (frame.kind !== FRAME_LOGS && frame.kind !== FRAME_TRACES) return () => null;
    const signals = this.#decodeEvents(frame.kind, ...bodyOf(frame));
    return ({ ordinal, meterId }) =>
      ordinal < signals.length
        ? readEvent(signals[ordinal], meterOf(meterId), frame.receivedAtUnixNano)
        : null;
  }

  #decodePoints(body: Uint8Array, { format }: BodyEncoding): void {
    this.#columns.clear();
    if (format === 'protobuf') decodeMetricsProtobuf(body, this.#interner, this.#columns);
    else decodeMetricsJson(body, this.#interner, this.#columns);
  }

  #decodeEvents(
    kind: typeof FRAME_LOGS | typeof FRAME_TRACES,
    body: Uint8Array,
    { format }: BodyEncoding,
  ): EventSignal[] {
    if (kind === FRAME_LOGS)
      return format === 'protobuf'
        ? decodeLogsProtobuf(body, this.#groups)
        : decodeLogsJson(body, this.#groups);
    return format === 'protobuf'
      ? decodeTracesProtobuf(body, this.#groups)
      : decodeTracesJson(body, this.#groups);
  }
}

/** The earlier frames that changes look back at, each once, ascending. */
export function framesOf({ changes }: ChangeRequest): number[] {
  const sequences = new Set<number>();
  for (const change of changes) {
    if (change.type !== 'quarantine_replayed') continue;
    for (const { sequence } of change.signals) sequences.add(sequence);
  }
  return [...sequences].sort((a, b) => a - b);
}

/** The changes that a frame with this payload holds. */
export function changesOf({ payload }: Pick<JournalFrame, 'payload'>): ChangeRequest {
  return ChangeRequest.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
}

function recordsOf(frame: JournalFrame): RecordInput[] {
  return RecordsFrame.parse(JSON.parse(Buffer.from(frame.payload).toString('utf8'))).records;
}

function bodyOf(frame: JournalFrame): [body: Uint8Array, encoding: BodyEncoding] {
  const encoding = encodingOf(frame.encoding);
  return [inflate(frame.payload, encoding.compression), encoding];
}

function bySequence(signals: readonly SignalReference[]): Map<number, SignalReference[]> {
  const groups = new Map<number, SignalReference[]>();
  for (const signal of signals) {
    const group = groups.get(signal.sequence);
    if (group === undefined) groups.set(signal.sequence, [signal]);
    else group.push(signal);
  }
  return new Map([...groups].sort(([a], [b]) => a - b));
}
