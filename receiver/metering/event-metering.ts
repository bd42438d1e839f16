/**
 * Log records, spans and records by hand in, rows for the ledger out.
 *
 * Each row is an event: it has a key of its own, made of what names it (DESIGN "Identity and exactly-once"), and is
 * counted where that key is new. What rows share (meter, customer, dimension, metadata) is a slot, as it is for the
 * series of metrics.
 */
import { hash } from 'node:crypto';
import type { RecordInput } from '../../storage/changes.ts';
import { QUANTITY_LIMIT, scaledFromText, writeBigInt } from '../../storage/decimal.ts';
import { VALUE_DECIMAL, VALUE_DOUBLE, VALUE_NONE, VALUE_TEXT } from '../../storage/ledger-batch.ts';
import { codeNumber } from '../../storage/quarantine-codes.ts';
import type { EventSignal, LogSignal, SignalGroup, SpanSignal } from '../otlp/event-signals.ts';
import type { Attribute } from '../otlp/metric-columns.ts';
import type { BatchQueue, RowColumns } from './batch-queue.ts';
import { CanonicalWriter } from './canonical.ts';
import type { EventClaim } from './claims.ts';
import { resourceIdentity } from './identity.ts';
import { judge } from './judgement.ts';
import { MAX_ID_LENGTH, type MeteringOutcome, quarantine, type SlotNumbers } from './outcome.ts';
import type { Registry } from './registry.ts';
import { type Conversion, convertDouble, convertScaled, convertText } from './units.ts';

/** The meter of records that people write: over HTTP, in the dashboard, by an import. */
export const API_METER_ID = 'api';

const MISSING_CUSTOMER = codeNumber('missing_customer');
const DUPLICATE_ATTRIBUTE = codeNumber('duplicate_attribute');
const TIME_ZERO = codeNumber('time_zero');
const START_AFTER_TIME = codeNumber('start_after_time');
const TIME_IN_FUTURE = codeNumber('time_in_future');
const NO_VALUE = codeNumber('no_value');
const NOT_A_NUMBER = codeNumber('not_a_number');
const INFINITE = codeNumber('infinite');
const OUT_OF_RANGE = codeNumber('out_of_range');
const CREDITS_NOT_ALLOWED = codeNumber('credits_not_allowed');
const ID_TOO_LONG = codeNumber('id_too_long');

const NO_KEY: EventKey = Buffer.alloc(16);
const SCALED_LIMIT = QUANTITY_LIMIT * 1_000_000_000_000n;

type EventKind = 'log' | 'span' | 'record';

/** What a signal is to one meter, whichever kind it is. */
interface Event {
  kind: EventKind;
  meterId: string;
  meterVersion: number;
  /** Its key is made of its content: two that are equal in everything look like one. */
  isWeak: boolean;
  customerId: string | null;
  dimensionId: string | null;
  unit: string;
  metadata: Record<string, string>;
  hasDuplicateAttribute: boolean;
  value: EventClaim['value'];
  timeUnixNano: bigint;
  /** See SlotDefinition.timeIsArrival. */
  timeIsArrival: boolean;
  startUnixNano: bigint;
  key: EventKey;
}

/** 128 bits of SHA-256. */
type EventKey = Buffer;

/** Where the row of an event goes, and what it tells of its frame. */
export interface EventPlace {
  ordinal: number;
  sequence: number;
  receivedAtUnixNano: bigint;
  outcome: MeteringOutcome;
  rows: RowColumns;
}

interface EventSlot {
  slot: number;
  customerId: string | null;
  dimensionId: string | null;
  unit: string;
  isTooLong: boolean;
  verdict: number;
  verdictVersion: number;
  conversion: Conversion | null;
  owesDiscovery: boolean;
}

export class EventMetering {
  readonly #registry: Registry;
  readonly #queue: BatchQueue;
  readonly #numbers: SlotNumbers;
  readonly #slots = new Map<string, EventSlot>();
  readonly #contexts = new Map<string, number>();
  /** The hash of each group's resource and scope name. */
  #groups = new WeakMap<SignalGroup, string>();

  constructor(registry: Registry, queue: BatchQueue, numbers: SlotNumbers) {
    this.#registry = registry;
    this.#queue = queue;
    this.#numbers = numbers;
  }

  /** Slots that are remembered. */
  get size(): number {
    return this.#slots.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#slots.clear();
    this.#contexts.clear();
  }

  /**
   * Judges log records or spans and writes a row for each meter that claims one.
   * @param arrivedAtUnixNano when the signals were received, if not with this request (a replay)
   */
  meter(
    signals: readonly EventSignal[],
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
    rows: RowColumns,
    arrivedAtUnixNano = receivedAtUnixNano,
  ): void {
    const { meters } = this.#registry;
    for (let ordinal = 0; ordinal < signals.length; ordinal++) {
      const signal = signals[ordinal];
      let replaced: readonly string[] | null = null;
      let isClaimed = false;
      for (const meter of meters) {
        if (replaced?.includes(meter.id)) continue;
        const claim = meter.claimEvent(signal, arrivedAtUnixNano);
        if (claim === null) continue;
        isClaimed = true;
        if (meter.replaces.length > 0)
          replaced = replaced === null ? meter.replaces : [...replaced, ...meter.replaces];
        const event =
          claim.recordId === undefined
            ? this.#eventOf(signal, claim, meter.id, meter.version)
            : this.#recordOf(signal, claim, claim.recordId);
        this.#write(event, ordinal, sequence, receivedAtUnixNano, outcome, rows, signals.length - ordinal);
      }
      if (!isClaimed) outcome.ignored += 1;
    }
  }

  /** Writes a row for each record by hand. One without an id is known by its place in the journal. */
  meterRecords(
    records: readonly RecordInput[],
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
    rows: RowColumns,
  ): void {
    for (let ordinal = 0; ordinal < records.length; ordinal++) {
      const key = recordKey(records[ordinal], sequence, ordinal);
      const unit = this.#unitOf(records[ordinal].dimensionId);
      const event = eventOfRecord(records[ordinal], API_METER_ID, Buffer.from(key, 'hex'), unit);
      this.#write(event, ordinal, sequence, receivedAtUnixNano, outcome, rows, records.length - ordinal);
    }
  }

  /**
   * Writes a row for a quarantined signal as a person has corrected it.
   * @param meterId the meter that had claimed it
   * @param key 32 hex digits that stand for this signal and meter
   */
  meterCorrected(record: RecordInput, meterId: string, key: string, place: EventPlace): void {
    const { ordinal, sequence, receivedAtUnixNano, outcome, rows } = place;
    const event = eventOfRecord(record, meterId, Buffer.from(key, 'hex'), this.#unitOf(record.dimensionId));
    this.#write(event, ordinal, sequence, receivedAtUnixNano, outcome, rows, 1);
  }

  /** What would be wrong with a record by hand, as a quarantine code's number; 0 if nothing. Writes nothing. */
  checkRecord(record: RecordInput, receivedAtUnixNano: bigint): number {
    // Of a correction, what it leaves as it came may be as long as it came.
    if (Math.max(record.customerId.length, record.dimensionId.length) > MAX_ID_LENGTH) return ID_TOO_LONG;
    const event = eventOfRecord(record, API_METER_ID, NO_KEY, this.#unitOf(record.dimensionId));
    const { code } = judge(this.#registry, {
      customerId: this.#registry.customerOf(record.customerId),
      dimensionId: record.dimensionId,
      unit: event.unit,
      nature: 'event',
    });
    return this.#fault(event, receivedAtUnixNano, this.#readScaled(event.value, null), code);
  }

  #unitOf(dimensionId: string): string {
    return this.#registry.unitOf(dimensionId) ?? '1';
  }

  #eventOf(signal: EventSignal, claim: EventClaim, meterId: string, meterVersion: number): Event {
    const { key, isWeak } = this.#keyOf(signal, claim, meterId);
    return {
      kind: signal.type,
      meterId,
      meterVersion,
      isWeak,
      customerId: claim.customerId,
      dimensionId: claim.dimensionId,
      unit: claim.unit,
      metadata: claim.metadata,
      hasDuplicateAttribute: !claim.allowsDuplicateAttributes && hasDuplicate(signal),
      value: claim.value,
      timeUnixNano: claim.timeUnixNano,
      timeIsArrival: claim.timeIsArrival === true,
      startUnixNano: claim.startUnixNano,
      key,
    };
  }

  /** The record by hand that a signal says to be: nothing tells it from one that came over the API. */
  #recordOf(signal: EventSignal, claim: EventClaim, id: string): Event {
    const { customerId, dimensionId, metadata, value, timeUnixNano, startUnixNano } = claim;
    return {
      kind: 'record',
      meterId: API_METER_ID,
      meterVersion: 0,
      isWeak: false,
      customerId,
      dimensionId,
      unit: dimensionId === null ? '1' : this.#unitOf(dimensionId),
      metadata,
      hasDuplicateAttribute: !claim.allowsDuplicateAttributes && hasDuplicate(signal),
      value,
      timeUnixNano,
      timeIsArrival: false,
      startUnixNano,
      key: Buffer.from(recordKey({ id }, 0, 0), 'hex'),
    };
  }

  #keyOf(signal: EventSignal, claim: EventClaim, meterId: string): { key: EventKey; isWeak: boolean } {
    writer.clear();
    if (claim.eventId !== null) {
      writer.byte(KEY_OF_EVENT_ID);
      writer.text(claim.eventId);
    } else if (signal.type === 'span' && signal.traceId !== '' && signal.spanId !== '') {
      writer.byte(KEY_OF_SPAN);
      writer.text(signal.traceId);
      writer.text(signal.spanId);
    } else {
      writer.byte(KEY_OF_CONTENT);
      writer.text(this.#groupHash(signal.group));
      if (signal.type === 'log') writeLog(signal);
      else writeSpan(signal);
    }
    const isWeak = writer.view()[0] === KEY_OF_CONTENT;
    writer.text(meterId);
    writer.value(
      claim.dimensionId === null ? { type: 'empty' } : { type: 'string', value: claim.dimensionId },
    );
    return { key: hash('sha256', writer.view(), 'buffer'), isWeak };
  }

  #groupHash(group: SignalGroup): string {
    let known = this.#groups.get(group);
    if (known === undefined) {
      known = `${resourceIdentity(group.resourceAttributes).hash} ${group.scopeName}`;
      this.#groups.set(group, known);
    }
    return known;
  }

  #write(
    event: Event,
    ordinal: number,
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
    rows: RowColumns,
    left: number,
  ): void {
    this.#queue.eventRows(left);
    const slot = this.#slotOf(event);
    if (slot.verdictVersion !== this.#registry.version) this.#judge(slot);
    const row = rows.length;
    const reading = this.#readScaled(event.value, slot.conversion);
    let code = this.#fault(event, receivedAtUnixNano, reading, slot.verdict);
    if (code === 0 && slot.isTooLong) code = ID_TOO_LONG;
    if (code === 0 && slot.owesDiscovery) this.#discover(slot, sequence);
    if (code !== 0) quarantine(outcome, code);

    rows.slot[row] = slot.slot;
    write64(rows.startUnixNano, row, event.startUnixNano);
    write64(rows.timeUnixNano, row, event.timeUnixNano);
    writeReading(reading, rows, row);
    rows.code[row] = code;
    rows.ordinal[row] = ordinal;
    writeKey(event.key, rows.event, row * 4);
    rows.length = row + 1;
    outcome.claimed += 1;
  }

  /** The first fault of an event, in the order of the codes. */
  #fault(event: Event, receivedAtUnixNano: bigint, reading: Reading, verdict: number): number {
    if (event.customerId === null) return MISSING_CUSTOMER;
    if (event.hasDuplicateAttribute) return DUPLICATE_ATTRIBUTE;
    const { timeUnixNano, startUnixNano } = event;
    if (timeUnixNano === 0n) return TIME_ZERO;
    if (startUnixNano > timeUnixNano) return START_AFTER_TIME;
    const future = BigInt(this.#registry.settings.maxFutureSeconds) * 1_000_000_000n;
    if (timeUnixNano > receivedAtUnixNano + future) return TIME_IN_FUTURE;
    if (reading.code !== 0) return reading.code;
    const isCredit = reading.scaled !== null && reading.scaled < 0n;
    const { dimensionId } = event;
    if (isCredit && (verdict === 0 || verdict > CREDITS_NOT_ALLOWED)) {
      const dimension = dimensionId === null ? undefined : this.#registry.dimensions.get(dimensionId);
      if (dimension?.creditsAllowed !== true) return CREDITS_NOT_ALLOWED;
    }
    return verdict;
  }

  /** The value in the dimension's unit. */
  #readScaled(value: Event['value'], conversion: Conversion | null): Reading {
    if (value === null || value.type === 'empty') return { code: NO_VALUE, scaled: null, came: null };
    let scaled: bigint | null;
    switch (value.type) {
      case 'int':
        scaled = value.value * 1_000_000_000_000n;
        if (conversion !== null) scaled = convertScaled(scaled, conversion);
        break;
      case 'double': {
        const double = value.value;
        if (Number.isNaN(double)) return { code: NOT_A_NUMBER, scaled: null, came: double };
        if (!Number.isFinite(double)) return { code: INFINITE, scaled: null, came: double };
        scaled = conversion === null ? scaledFromText(String(double)) : convertDouble(double, conversion);
        if (scaled === null) return { code: OUT_OF_RANGE, scaled: null, came: double };
        break;
      }
      case 'string':
      case 'decimal': {
        const text = value.value;
        // The first bounds the work; the longest number that is in range is much shorter.
        if (text.length > 400 || !PLAIN_DECIMAL.test(text))
          return { code: NOT_A_NUMBER, scaled: null, came: text };
        scaled = conversion === null ? scaledFromText(text) : convertText(text, conversion);
        if (scaled === null) return { code: OUT_OF_RANGE, scaled: null, came: text };
        break;
      }
      default:
        return { code: NOT_A_NUMBER, scaled: null, came: value.type };
    }
    if (scaled >= SCALED_LIMIT || scaled <= -SCALED_LIMIT)
      return { code: OUT_OF_RANGE, scaled: null, came: String(value.value) };
    return { code: 0, scaled, came: null };
  }

  #slotOf(event: Event): EventSlot {
    const name = slotName(event);
    const known = this.#slots.get(name);
    if (known !== undefined) return known;

    const metadata = JSON.stringify(event.metadata);
    const rawCustomer = event.customerId?.slice(0, MAX_ID_LENGTH) ?? null;
    const customerId = rawCustomer === null ? null : this.#registry.customerOf(rawCustomer);
    const dimensionId = event.dimensionId?.slice(0, MAX_ID_LENGTH) ?? null;
    const slot: EventSlot = {
      slot: this.#numbers.nextSlot++,
      customerId,
      dimensionId,
      unit: event.unit,
      isTooLong: Math.max(event.customerId?.length ?? 0, event.dimensionId?.length ?? 0) > MAX_ID_LENGTH,
      verdict: 0,
      verdictVersion: -1,
      conversion: null,
      owesDiscovery:
        customerId !== null &&
        dimensionId !== null &&
        !(this.#registry.customers.has(customerId) && this.#registry.dimensions.has(dimensionId)),
    };
    this.#slots.set(name, slot);
    this.#queue.defineSlot({
      slot: slot.slot,
      context: this.#contextOf(event),
      seriesHash: seriesHashOf(event, metadata),
      role: 'event',
      meterId: event.meterId,
      meterVersion: event.meterVersion,
      sinceUnixNano: null,
      customerId,
      dimensionId,
      metadata,
      ...(event.timeIsArrival ? { timeIsArrival: true } : {}),
    });
    return slot;
  }

  #contextOf({ kind, isWeak, unit }: Event): number {
    const name = `${kind} ${isWeak} ${unit}`;
    let context = this.#contexts.get(name);
    if (context === undefined) {
      context = this.#numbers.nextContext++;
      this.#contexts.set(name, context);
      // Where an event came from is found with it in the journal; it is no part of what its rows share.
      this.#queue.defineContext({
        context,
        resource: '{}',
        scopeName: '',
        scopeVersion: '',
        metricName: '',
        unit,
        metricKind: kind,
        temporality: 'delta',
        monotonic: false,
        fromSdk: false,
        weakIdentity: isWeak,
      });
    }
    return context;
  }

  #judge(slot: EventSlot): void {
    const { customerId, dimensionId, unit } = slot;
    const { code, conversion } = judge(this.#registry, { customerId, dimensionId, unit, nature: 'event' });
    slot.verdict = code;
    slot.conversion = conversion;
    slot.verdictVersion = this.#registry.version;
  }

  #discover(slot: EventSlot, sequence: number): void {
    slot.owesDiscovery = false;
    const customerId = slot.customerId!;
    const dimensionId = slot.dimensionId!;
    if (this.#registry.discoverCustomer(customerId))
      this.#queue.recordEvent({ type: 'customer_discovered', sequence, customerId });
    const unit = this.#registry.discoverDimension(dimensionId, slot.unit);
    if (unit !== null) this.#queue.recordEvent({ type: 'dimension_discovered', sequence, dimensionId, unit });
  }
}

/** What all rows of a slot share. The dimension's id is at most as long as it may be. */
function seriesHashOf(event: Event, metadata: string): string {
  const dimensionId = event.dimensionId?.slice(0, MAX_ID_LENGTH) ?? null;
  // The customer as it came, not whom an alias means today: a repetition must look the same tomorrow.
  writer.clear();
  writer.text(event.kind);
  writer.text(event.meterId);
  writer.value({ type: 'int', value: BigInt(event.meterVersion) });
  writer.value(event.customerId === null ? { type: 'empty' } : { type: 'string', value: event.customerId });
  writer.value(dimensionId === null ? { type: 'empty' } : { type: 'string', value: dimensionId });
  writer.text(event.unit);
  writer.byte(event.isWeak ? 1 : 0);
  writer.text(metadata);
  if (event.timeIsArrival) writer.byte(1);
  return shortHash(writer.view());
}

/** The series hash of a record by hand (SlotDefinition.seriesHash), in the unit that its dimension has now. */
export function recordSeriesHash(record: RecordInput, unit: string): string {
  const event = eventOfRecord(record, API_METER_ID, NO_KEY, unit);
  return seriesHashOf(event, JSON.stringify(event.metadata));
}

/** All that the rows of a slot share, as one text. */
function slotName(event: Event): string {
  const { kind, isWeak, timeIsArrival, meterId, meterVersion, customerId, dimensionId, unit, metadata } =
    event;
  const isOf = (isWeak ? 1 : 0) + (timeIsArrival ? 2 : 0);
  let name = `${kind} ${isOf} ${meterVersion} ${sized(meterId)}${sized(unit)}`;
  name += customerId === null ? '-' : sized(customerId);
  name += dimensionId === null ? '-' : sized(dimensionId);
  for (const key in metadata) name += sized(key) + sized(metadata[key]);
  return name;
}

/** A text that says how long it is, so that two of them in a row can be read in one way only. */
function sized(text: string): string {
  return `${text.length}:${text}`;
}

/** The key of a record by hand. */
export function recordKey({ id }: Pick<RecordInput, 'id'>, sequence: number, ordinal: number): string {
  return id === null ? keyOf(['record', sequence, ordinal]) : keyOf(['id', id]);
}

/** The key of what a quarantined signal was counted as by a person. */
export function correctionKey(sequence: number, ordinal: number, meterId: string): string {
  return keyOf(['correction', sequence, ordinal, meterId]);
}

/** The key of what counts in the place of a record. */
export function replacementKey(recordId: string, sequence: number): string {
  return keyOf(['replacement', recordId, sequence]);
}

/** 128 bits of SHA-256, as 32 hex digits. */
function keyOf(parts: (string | number)[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 32);
}

// What a key is made of. The numbers are part of every key: never renumbered.
const KEY_OF_EVENT_ID = 1;
const KEY_OF_SPAN = 2;
const KEY_OF_CONTENT = 3;

const PLAIN_DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

/** A value in the dimension's unit, or what came instead. */
interface Reading {
  code: number;
  scaled: bigint | null;
  came: number | string | null;
}

function writeReading({ scaled, came }: Reading, rows: RowColumns, row: number): void {
  const { quantity, valueKind } = rows;
  if (scaled !== null) {
    valueKind[row] = VALUE_DECIMAL;
    writeBigInt(scaled, quantity, row * 4);
  } else if (typeof came === 'number') {
    valueKind[row] = VALUE_DOUBLE;
    doubles[0] = came;
    quantity.set([doubleBits[0], doubleBits[1], 0, 0], row * 4);
  } else if (came !== null) {
    valueKind[row] = VALUE_TEXT;
    writeKey(hash('sha256', came, 'buffer'), quantity, row * 4);
  } else {
    valueKind[row] = VALUE_NONE;
    quantity.fill(0, row * 4, row * 4 + 4);
  }
}

const doubles = new Float64Array(1);
const doubleBits = new Uint32Array(doubles.buffer);

function eventOfRecord(record: RecordInput, meterId: string, key: EventKey, unit: string): Event {
  const metadata = sortedByKey(record.metadata);
  return {
    kind: 'record',
    meterId,
    meterVersion: 0,
    isWeak: false,
    customerId: record.customerId,
    dimensionId: record.dimensionId,
    unit,
    metadata,
    hasDuplicateAttribute: false,
    value: { type: 'decimal', value: record.recordValue },
    timeUnixNano: BigInt(record.timeUnixNano),
    timeIsArrival: false,
    startUnixNano: BigInt(record.startUnixNano),
    key,
  };
}

/** The pairs themselves where they are sorted, as those who write many records at once do. */
function sortedByKey(pairs: Record<string, string>): Record<string, string> {
  const names = Object.keys(pairs);
  if (names.every((name, i) => i === 0 || names[i - 1] < name)) return pairs;
  const sorted: Record<string, string> = {};
  for (const name of names.sort()) {
    // A plain assignment to "__proto__" would set the prototype and lose the pair.
    Object.defineProperty(sorted, name, {
      value: pairs[name],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return sorted;
}

function hasDuplicate({ attributes, group }: EventSignal): boolean {
  return repeatsKey(attributes) || repeatsKey(group.resourceAttributes) || repeatsKey(group.scopeAttributes);
}

function repeatsKey(attributes: readonly Attribute[]): boolean {
  for (let i = 1; i < attributes.length; i++) {
    for (let j = 0; j < i; j++) if (attributes[i].key === attributes[j].key) return true;
    // Beyond a few, a set is cheaper.
    if (i === 16) return new Set(attributes.map(({ key }) => key)).size < attributes.length;
  }
  return false;
}

/** Every field but the observed time, which differs from delivery to delivery. */
function writeLog(log: LogSignal): void {
  const { timeUnixNano, severityNumber, severityText, body, attributes, eventName, traceId, spanId } = log;
  writer.byte(1);
  writeNumber(timeUnixNano);
  writeNumber(severityNumber);
  writer.text(severityText);
  writer.value(body);
  writer.map(attributes);
  writeNumber(log.droppedAttributesCount);
  writeNumber(log.flags);
  writer.text(eventName);
  writer.text(traceId);
  writer.text(spanId);
}

function writeSpan(span: SpanSignal): void {
  writer.byte(2);
  for (const text of [span.traceId, span.spanId, span.parentSpanId, span.traceState, span.name])
    writer.text(text);
  writeNumber(span.flags);
  writeNumber(span.kind);
  writeNumber(span.startTimeUnixNano);
  writeNumber(span.endTimeUnixNano);
  writer.map(span.attributes);
  writeNumber(span.droppedAttributesCount);
  writeNumber(span.events.length);
  for (const { timeUnixNano, name, attributes, droppedAttributesCount } of span.events) {
    writeNumber(timeUnixNano);
    writer.text(name);
    writer.map(attributes);
    writeNumber(droppedAttributesCount);
  }
  writeNumber(span.droppedEventsCount);
  writeNumber(span.links.length);
  for (const { traceId, spanId, traceState, attributes, droppedAttributesCount, flags } of span.links) {
    for (const text of [traceId, spanId, traceState]) writer.text(text);
    writer.map(attributes);
    writeNumber(droppedAttributesCount);
    writeNumber(flags);
  }
  writeNumber(span.droppedLinksCount);
  writeNumber(span.statusCode);
  writer.text(span.statusMessage);
}

/** As text: every number has one, unsigned 64-bit ones too. */
function writeNumber(value: number | bigint): void {
  writer.text(String(value));
}

const writer = new CanonicalWriter();

function shortHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, 32);
}

/** The first 128 bits of a hash as four words, the lowest first, as the ledger reads 128-bit keys. */
function writeKey(key: Buffer, words: Uint32Array, at: number): void {
  words[at] = key.readUInt32BE(12);
  words[at + 1] = key.readUInt32BE(8);
  words[at + 2] = key.readUInt32BE(4);
  words[at + 3] = key.readUInt32BE(0);
}

function write64(words: Uint32Array, row: number, value: bigint): void {
  words[row * 2] = Number(value & 0xffffffffn);
  words[row * 2 + 1] = Number((value >> 32n) & 0xffffffffn);
}
