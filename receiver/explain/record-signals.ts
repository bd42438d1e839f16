/** The signals that usage records were made of, as they were received, out of the journal. */
import type { ChangeRequest, SignalCorrection } from '../../storage/changes.ts';
import { scaledFromText } from '../../storage/decimal.ts';
import { JournalError, type JournalFrame } from '../../storage/journal/journal.ts';
import type { MeterInForce, ReadingOrigin, RecordOrigin } from '../../storage/query/index.ts';
import { instantFromText, textFromInstant } from '../../storage/query/instant.ts';
import {
  type BodyCompression,
  encodingOf,
  FRAME_CHANGES,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_TRACES,
} from '../frames.ts';
import { inflate } from '../inflate.ts';
import type { Ingest } from '../ingest.ts';
import { changesOf } from '../interpreter.ts';
import { correctionKey, replacementKey } from '../metering/event-metering.ts';
import { FrameRows, type RecordMeter, type SignalKey } from './frame-rows.ts';
import { type MessageSlice, messageSlices } from './message-slices.ts';
import { signalsAsJson } from './signal-json.ts';

/** Where the bytes of a signal stand in a request's body, inflated. */
export interface SignalBytes extends MessageSlice {
  /** message: of the signal itself, without its resource and scope. body: of all of the request, which is JSON. */
  of: 'message' | 'body';
  /** Absent where they are more than are to be shown: then it is told where they stand. */
  base64?: string;
}

/** A signal as it was received. */
export interface ReceivedSignal {
  /** The journal frame that brought it, and its place among the signals of it, from 0. */
  sequence: number;
  ordinal: number;
  /** RFC 3339 in UTC, by the receiver's clock. */
  receivedAt: string;
  kind: 'metric' | 'log' | 'span' | 'record';
  contentType: string;
  /** identity, gzip or deflate: how the body came. */
  contentEncoding: BodyCompression;
  /** OTLP JSON with its resource and scope; a record by hand as it was taken. */
  signal: object;
  bytes: SignalBytes;
  /** The change by which it counts, where it did not with its own frame. */
  counted?: CountedBy;
}

/** What a person did so that a signal counts. */
export interface CountedBy {
  change: 'quarantine_replayed' | 'record_corrected';
  sequence: number;
  receivedAt: string;
  /** What was said to be otherwise than it came. */
  correction?: SignalCorrection | null;
  note?: string | null;
  /** The record in whose place it counts, and why. */
  recordId?: string;
  reason?: string;
}

/** Why there is no signal to show. */
export interface LostSignal {
  sequence: number;
  /** released: the journal's retention is over. lost: its frame is gone for another reason, as a repair. */
  gone: 'released' | 'lost';
  detail: string;
}

export type RecordSignal = ReceivedSignal | LostSignal;

/** What one record was made of. */
export interface RecordSignals {
  /** The signal; of a running total, its reading. */
  signal: RecordSignal;
  /** Of a running total: the reading that it counts from. null: it is the first. */
  previous?: RecordSignal | null;
  /** Of a correction: the readings that came late. */
  late?: RecordSignal[];
}

/** One signal to find. */
interface Wanted {
  sequence: number;
  key: SignalKey;
  meter: RecordMeter;
  found: RecordSignal | null;
}

interface WantedOfRecord {
  signal: Wanted;
  previous?: Wanted | null;
  late?: Wanted[];
}

/**
 * Finds what records were made of. Each frame of the journal is read and decoded once.
 * @param meters of the same answer as the records
 * @param maxBytes of one signal that are shown at most
 * @throws JournalError
 */
export async function recordSignals(
  ingest: Ingest,
  records: readonly RecordOrigin[],
  meters: readonly MeterInForce[],
  maxBytes: number,
): Promise<RecordSignals[]> {
  const wanted: Wanted[] = [];
  const want = (record: RecordOrigin, { sequence, timestamp, value }: ReadingOrigin): Wanted => {
    const one: Wanted = {
      sequence,
      key: {
        seriesHash: record.seriesHash,
        eventKey: record.eventKey,
        timeUnixNano: unixNano(timestamp),
        startUnixNano: record.startTime === undefined ? 0n : unixNano(record.startTime),
        scaled: scaledFromText(value)!,
      },
      meter: meterAt(record, sequence, meters),
      found: null,
    };
    wanted.push(one);
    return one;
  };
  const ofRecords = records.map((record): WantedOfRecord => {
    const { reading, lateReadings } = record;
    if (reading === undefined) {
      const { recordValue: value, timestamp, sequence } = record;
      return { signal: want(record, { value, timestamp, sequence }) };
    }
    const { previous } = reading;
    return {
      signal: want(record, reading),
      previous: previous === null ? null : want(record, previous),
      ...(lateReadings === undefined ? {} : { late: lateReadings.map((late) => want(record, late)) }),
    };
  });
  await new SignalSearch(ingest, maxBytes).find(wanted);
  return ofRecords.map(({ signal, previous, late }) => ({
    signal: signal.found!,
    ...(previous === undefined ? {} : { previous: previous?.found ?? null }),
    ...(late === undefined ? {} : { late: late.map(({ found }) => found!) }),
  }));
}

/** The rule that a signal of a frame was read by. */
function meterAt(
  { meterId, meterVersion }: RecordOrigin,
  sequence: number,
  meters: readonly MeterInForce[],
): RecordMeter {
  const inForce = meters
    .filter((meter) => meter.id === meterId && meter.sequence <= sequence)
    .reduce<MeterInForce | null>((a, b) => (a === null || b.version > a.version ? b : a), null);
  if (inForce === null) return { id: meterId, version: meterVersion, rule: null };
  const { version, rule, since } = inForce;
  return { id: meterId, version, rule: { text: JSON.stringify(rule), sinceUnixNano: unixNano(since) } };
}

class SignalSearch {
  readonly #ingest: Ingest;
  readonly #maxBytes: number;
  /** By meter and version. */
  readonly #rows = new Map<string, FrameRows>();

  constructor(ingest: Ingest, maxBytes: number) {
    this.#ingest = ingest;
    this.#maxBytes = maxBytes;
  }

  async find(wanted: readonly Wanted[]): Promise<void> {
    for (const [sequence, ofFrame] of groupedBy(wanted, (one) => one.sequence)) {
      const frame = await this.#frameAt(sequence);
      if ('gone' in frame) for (const one of ofFrame) one.found = frame;
      else if (frame.kind === FRAME_CHANGES) await this.#findChanged(frame, ofFrame);
      else this.#findIn(frame, ofFrame, undefined);
      for (const one of ofFrame) one.found ??= unfound(sequence);
    }
  }

  /** What a person has replayed, corrected, or put in a record's place. */
  async #findChanged(frame: JournalFrame, wanted: readonly Wanted[]): Promise<void> {
    const { sequence } = frame;
    const receivedAt = textFromInstant(frame.receivedAtUnixNano);
    for (const [ordinal, change] of changesOf(frame).changes.entries()) {
      const open = wanted.filter(({ found }) => found === null);
      if (change.type === 'record_corrected') {
        const { recordId, reason, replacement } = change;
        if (replacement === null) continue;
        const key = replacementKey(recordId, sequence);
        for (const one of open) {
          if (one.key.eventKey !== key) continue;
          const counted: CountedBy = { change: change.type, sequence, receivedAt, recordId, reason };
          one.found = received(frame, frame.payload, this.#maxBytes, {
            ordinal,
            kind: 'record',
            signal: replacement,
            slice: null,
            counted,
          });
        }
      } else if (change.type === 'quarantine_replayed') {
        const { correction, note } = change;
        const counted: CountedBy = { change: change.type, sequence, receivedAt, correction, note };
        await this.#findReplayed(change, open, counted);
      }
    }
  }

  async #findReplayed(
    { signals, correction }: Replay,
    wanted: readonly Wanted[],
    counted: CountedBy,
  ): Promise<void> {
    for (const [origin, references] of groupedBy(signals, ({ sequence }) => sequence)) {
      const open = wanted.filter(({ found }) => found === null);
      if (open.length === 0) return;
      const places = new Map<Wanted, number>();
      if (correction !== null) {
        const byKey = new Map(
          references.map(({ ordinal, meterId }) => [correctionKey(origin, ordinal, meterId), ordinal]),
        );
        for (const one of open) {
          const ordinal = byKey.get(one.key.eventKey ?? '');
          if (ordinal !== undefined) places.set(one, ordinal);
        }
        if (places.size === 0) continue;
      }
      const frame = await this.#frameAt(origin);
      if ('gone' in frame) {
        // Of a correction it is known whose frame is gone; of others only where there is no other.
        const lost =
          correction !== null
            ? [...places.keys()]
            : signals.every(({ sequence }) => sequence === origin)
              ? open
              : [];
        for (const one of lost) one.found = frame;
      } else if (correction === null) this.#findIn(frame, open, counted);
      else this.#show(frame, places, counted);
    }
  }

  #findIn(frame: JournalFrame, wanted: readonly Wanted[], counted: CountedBy | undefined): void {
    const places = new Map<Wanted, number>();
    for (const [name, ofMeter] of groupedBy(wanted, ({ meter }) => `${meter.version} ${meter.id}`)) {
      const keys = ofMeter.map(({ key }) => key);
      const ordinals = this.#rowsOf(name, ofMeter[0].meter).ordinalsOf(frame, keys);
      for (const [i, one] of ofMeter.entries()) if (ordinals[i] !== null) places.set(one, ordinals[i]);
    }
    this.#show(frame, places, counted);
  }

  #rowsOf(name: string, meter: RecordMeter): FrameRows {
    let rows = this.#rows.get(name);
    if (rows === undefined) {
      rows = new FrameRows(meter, this.#ingest.registry.dimensions.values());
      this.#rows.set(name, rows);
    }
    return rows;
  }

  #show(frame: JournalFrame, places: ReadonlyMap<Wanted, number>, counted: CountedBy | undefined): void {
    if (places.size === 0) return;
    const ordinals = [...new Set(places.values())];
    const signals = signalsAsJson(frame, ordinals);
    const body = bodyOf(frame);
    const slices = slicesOf(frame, body);
    const shown = new Map<number, ReceivedSignal>();
    for (const [i, ordinal] of ordinals.entries()) {
      const signal = signals[i];
      if (signal === null) continue;
      const slice = slices?.[ordinal] ?? null;
      shown.set(
        ordinal,
        received(frame, body, this.#maxBytes, { ordinal, kind: kindOf(frame), signal, slice, counted }),
      );
    }
    for (const [one, ordinal] of places) one.found = shown.get(ordinal) ?? null;
  }

  async #frameAt(sequence: number): Promise<JournalFrame | LostSignal> {
    try {
      const frame = await this.#ingest.frameAt(sequence);
      if (frame !== undefined) return frame;
    } catch (error) {
      // A segment may be released while it is read.
      const isReleased = sequence < this.#ingest.journal.firstSequence;
      if (!(error instanceof JournalError) || !isReleased) throw error;
    }
    const { firstSequence } = this.#ingest.journal;
    if (sequence >= firstSequence) return unfound(sequence);
    return {
      sequence,
      gone: 'released',
      detail: `journal frame ${sequence} was released when its retention was over: the journal begins at ${firstSequence}`,
    };
  }
}

type Replay = Extract<ChangeRequest['changes'][number], { type: 'quarantine_replayed' }>;

function unfound(sequence: number): LostSignal {
  return { sequence, gone: 'lost', detail: `journal frame ${sequence} does not have the signal any more` };
}

function kindOf({ kind }: JournalFrame): ReceivedSignal['kind'] {
  if (kind === FRAME_METRICS) return 'metric';
  if (kind === FRAME_LOGS) return 'log';
  return kind === FRAME_TRACES ? 'span' : 'record';
}

function bodyOf({ encoding, payload }: JournalFrame): Uint8Array {
  return inflate(payload, encodingOf(encoding).compression);
}

/** The messages of a protobuf request; null for JSON, whose signals are shown with all of it. */
function slicesOf({ kind, encoding }: JournalFrame, body: Uint8Array): MessageSlice[] | null {
  if (kind !== FRAME_METRICS && kind !== FRAME_LOGS && kind !== FRAME_TRACES) return null;
  return encodingOf(encoding).format === 'protobuf' ? messageSlices(kind, body) : null;
}

function received(
  { sequence, receivedAtUnixNano, encoding }: JournalFrame,
  body: Uint8Array,
  maxBytes: number,
  found: {
    ordinal: number;
    kind: ReceivedSignal['kind'];
    signal: object;
    slice: MessageSlice | null;
    counted: CountedBy | undefined;
  },
): ReceivedSignal {
  const { slice, counted, ordinal, kind, signal } = found;
  const { format, compression } = encodingOf(encoding);
  const { offset, length } = slice ?? { offset: 0, length: body.length };
  const bytes = Buffer.from(body.buffer, body.byteOffset + offset, length);
  return {
    sequence,
    ordinal,
    receivedAt: textFromInstant(receivedAtUnixNano),
    kind,
    contentType: format === 'protobuf' ? 'application/x-protobuf' : 'application/json',
    contentEncoding: compression,
    signal,
    bytes: {
      of: slice === null ? 'body' : 'message',
      offset,
      length,
      ...(length > maxBytes ? {} : { base64: bytes.toString('base64') }),
    },
    ...(counted === undefined ? {} : { counted }),
  };
}

/** In ascending order of the key. */
function groupedBy<T, Key extends string | number>(
  items: readonly T[],
  keyOf: (item: T) => Key,
): [Key, T[]][] {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Of a text of our own. */
function unixNano(text: string): bigint {
  return instantFromText(text, 'UTC') as bigint;
}
