/**
 * Metric points in, rows for the ledger out: who is billed for each point, for what, and if not, why not.
 *
 * A point is judged in two halves. What follows from its series and the registry is judged once per series and meter,
 * and kept with its slot; what follows from its numbers is judged per point. Codes are numbered in the order in which
 * they apply, so the verdict is the smaller of the two that is not zero. Where several meters claim a point, their
 * slots are chained.
 */
import { ATTR_OTEL_METRIC_OVERFLOW } from '../../instrumentation/semconv.ts';
import { scaledFromText, writeBigInt, writeDouble, writeInt64 } from '../../storage/decimal.ts';
import {
  type SeriesRole,
  VALUE_DECIMAL,
  VALUE_DISTRIBUTION,
  VALUE_DOUBLE,
  VALUE_NONE,
} from '../../storage/ledger-batch.ts';
import { codeNumber } from '../../storage/quarantine-codes.ts';
import type { SignalGroup } from '../otlp/event-signals.ts';
import {
  type Attribute,
  type AttributeInterner,
  KIND_EXPONENTIAL_HISTOGRAM,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  KIND_SUMMARY,
  type MetricColumns,
  type MetricHeader,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_COUNT_ONLY,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
  VALUE_TYPE_NONE,
} from '../otlp/metric-columns.ts';
import { attributesJson } from './attribute-values.ts';
import type { BatchQueue, RowColumns } from './batch-queue.ts';
import { BUILTIN_METER_ID } from './builtin-meter.ts';
import type { Meter, SeriesClaim, SeriesView } from './claims.ts';
import {
  contextHash,
  instrumentHash,
  meteredSeriesHash,
  type ResourceIdentity,
  resourceIdentity,
  seriesHash,
} from './identity.ts';
import { judge, type Nature } from './judgement.ts';
import { MAX_ID_LENGTH, type MeteringOutcome, quarantine, type SlotNumbers, shortened } from './outcome.ts';
import type { Registry } from './registry.ts';
import { SeriesIndex, SLOT_UNCLAIMED, SLOT_UNKNOWN, SlotIndex } from './slot-table.ts';
import { type Conversion, convertDouble, convertWords } from './units.ts';

const TEMPORALITY_DELTA = 1;
const TEMPORALITY_CUMULATIVE = 2;
/** DataPointFlags.NO_RECORDED_VALUE: a marker that a series ended, not a point. */
const FLAG_NO_RECORDED_VALUE = 1;

const TIME_ZERO = codeNumber('time_zero');
const START_AFTER_TIME = codeNumber('start_after_time');
const TIME_IN_FUTURE = codeNumber('time_in_future');
const NO_VALUE = codeNumber('no_value');
const NOT_A_NUMBER = codeNumber('not_a_number');
const INFINITE = codeNumber('infinite');
const OUT_OF_RANGE = codeNumber('out_of_range');
const NEGATIVE_MONOTONIC = codeNumber('negative_monotonic');

const OTHER_TEMPORALITY = codeNumber('other_temporality');

/** The slot's instrument may have no declared temporality yet. */
const OWES_TEMPORALITY = 1;
/** The slot's customer or dimension is not known yet: {@link Undiscovered} has an entry. */
const OWES_DISCOVERY = 2;

// The fields of a slot, and of an entry, which stands for a slot in a chain that the slot itself is no link of.
const SLOT_FIELDS = 12;
/** The context and attribute block it was last found under. */
const CONTEXT = 0;
const BLOCK = 1;
/** The slot that followed it last time. Exporters send their series in the same order every time. */
const NEXT = 2;
/** The code that follows from series and registry, valid for one version of the registry. */
const VERDICT = 3;
const VERDICT_VERSION = 4;
/** The part of the verdict that no change of the registry alters. */
const FIXED_VERDICT = 5;
/** Index into the ids; -1 without a dimension. */
const DIMENSION = 6;
/** What the next point that comes so far has to do: bits of OWES_*. */
const OWES = 7;
/** The slot or entry for the next meter that claims the same points; {@link NO_SLOT} after the last. */
const SIBLING = 8;
/** Index into the ids; -1 without a customer. */
const CUSTOMER = 10;
/** 1 where {@link SlotRule} says how the value is read, -1 where it is the point's own. */
const SPECIAL = 9;
/** The slot that an entry stands for; of a slot itself. */
const TARGET = 11;

const NO_SLOT = -1;

/** What the ledger keeps of a resource, and of a name, for people to look at. */
const MAX_RESOURCE_JSON = 16_384;

const KIND_NAMES = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];
const TEMPORALITY_NAMES = ['unspecified', 'delta', 'cumulative'];

/** What a meter makes of the points of a slot, where that is not simply their own value. */
interface SlotRule {
  claim: SeriesClaim;
  nature: Nature;
  /** Value of every point, ×10^12; null where points have their own. */
  constant: bigint | null;
  conversion: Conversion | null;
}

/** What is read off a resource once, however many metrics stand under it. */
interface Resource {
  attributes: Attribute[];
  identity: ResourceIdentity;
  duplicateAttribute: boolean;
  fromSdk: boolean;
  json: string;
}

/** A metric stream: what all its series share. */
interface Context {
  id: number;
  header: MetricHeader;
  hash: string;
  group: SignalGroup;
  resource: Resource;
  instrument: string;
  duplicateAttribute: boolean;
  /** Sent to the ledger since the last reset. */
  defined: boolean;
}

/** A slot whose customer or dimension nobody has declared: its first valid point discovers them. */
interface Undiscovered {
  customerId: string;
  dimensionId: string;
  unit: string;
}

export class SeriesMetering {
  readonly #registry: Registry;
  readonly #interner: AttributeInterner;
  readonly #queue: BatchQueue;
  readonly #numbers: SlotNumbers;

  #contexts = new Map<string, Context>();
  /** By attribute block; what many contexts share. */
  #resources = new Map<number, Resource>();
  #scopes = new Map<number, Attribute[]>();
  #texts = new Map<string, number>();
  readonly #slotIndex = new SlotIndex();
  readonly #seriesIndex = new SeriesIndex();
  /** Entries by the slot that they stand for and what follows it. */
  #entries = new Map<string, number>();
  #undiscovered = new Map<number, Undiscovered>();
  #rules = new Map<number, SlotRule>();

  /** What is known of each slot: {@link SLOT_FIELDS} integers, side by side. */
  #slotFields = new Int32Array(1024 * SLOT_FIELDS).fill(-1);
  #context: Context[] = [];
  /** Ids of customers and dimensions, each once. */
  #ids: string[] = [];
  #idIndex = new Map<string, number>();

  constructor(registry: Registry, interner: AttributeInterner, queue: BatchQueue, numbers: SlotNumbers) {
    this.#registry = registry;
    this.#interner = interner;
    this.#queue = queue;
    this.#numbers = numbers;
    this.#slotFields[NEXT] = 0;
  }

  /** Metric streams that are remembered. */
  get contexts(): number {
    return this.#contexts.size;
  }

  /** Series that are remembered, and what stands for series that no meter claims. */
  get size(): number {
    return this.#slotIndex.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#contexts.clear();
    this.#resources.clear();
    this.#scopes.clear();
    this.#texts.clear();
    this.#ids.length = 0;
    this.#idIndex.clear();
    this.#slotIndex.clear();
    this.#seriesIndex.clear();
    this.#entries.clear();
    this.#undiscovered.clear();
    this.#rules.clear();
    this.#context.length = 0;
    this.#slotFields.fill(-1);
    this.#slotFields[NEXT] = 0;
  }

  /**
   * Judges the points of one request and writes a row for each meter that claims one.
   * @param sequence the journal sequence that the request will have if any point is claimed
   * @param arrivedAtUnixNano when the points were received, if not with this request (a replay)
   */
  meter(
    columns: MetricColumns,
    sequence: number,
    receivedAtUnixNano: bigint,
    outcome: MeteringOutcome,
    rows: RowColumns,
    arrivedAtUnixNano = receivedAtUnixNano,
  ): void {
    const latest = receivedAtUnixNano + BigInt(this.#registry.settings.maxFutureSeconds) * 1_000_000_000n;
    const latestLow = Number(latest & 0xffffffffn);
    const latestHigh = Number(latest >> 32n);
    const { metric, attributes, startUnixNano, timeUnixNano, value, valueType, count, flags } = columns;
    let quantity = rows.quantity;

    let fields = this.#slotFields;
    let previous = 0;
    let currentMetric = -1;
    let context: Context | null = null;
    let contextId = -1;
    let refusesNegative = false;

    for (let i = 0; i < columns.length; i++) {
      if ((flags[i] & FLAG_NO_RECORDED_VALUE) !== 0) {
        outcome.markers += 1;
        continue;
      }
      if (metric[i] !== currentMetric) {
        currentMetric = metric[i];
        context = this.#contextOf(columns.metrics[currentMetric]);
        contextId = context.id;
        refusesNegative = context.header.kind === KIND_SUM && context.header.monotonic;
      }
      const block = attributes[i];
      // The guess is right nearly always, and saves the look-up.
      let slot = fields[previous * SLOT_FIELDS + NEXT];
      let at = slot * SLOT_FIELDS;
      if (fields[at + CONTEXT] !== contextId || fields[at + BLOCK] !== block) {
        slot = this.#slotIndex.get(contextId, block);
        if (slot === SLOT_UNKNOWN) {
          slot = this.#defineSeries(context as Context, block);
          fields = this.#slotFields;
        }
        if (slot === SLOT_UNCLAIMED) {
          outcome.ignored += 1;
          continue;
        }
        fields[previous * SLOT_FIELDS + NEXT] = slot;
        at = slot * SLOT_FIELDS;
        fields[at + CONTEXT] = contextId;
        fields[at + BLOCK] = block;
      }
      previous = slot;

      const word = i * 2;
      const startLow = startUnixNano[word];
      const startHigh = startUnixNano[word + 1];
      const timeLow = timeUnixNano[word];
      const timeHigh = timeUnixNano[word + 1];
      let timeCode = 0;
      if (timeLow === 0 && timeHigh === 0) timeCode = TIME_ZERO;
      else if (startHigh > timeHigh || (startHigh === timeHigh && startLow > timeLow))
        timeCode = START_AFTER_TIME;
      else if (timeHigh > latestHigh || (timeHigh === latestHigh && timeLow > latestLow))
        timeCode = TIME_IN_FUTURE;

      for (let link = slot; link !== NO_SLOT; link = fields[link * SLOT_FIELDS + SIBLING]) {
        if (link !== slot) {
          // There is room for one row per point still to come, and none for a second meter's.
          this.#queue.rows(columns.length - i);
          quantity = rows.quantity;
        }
        const current = fields[link * SLOT_FIELDS + TARGET];
        const at = current * SLOT_FIELDS;
        if (fields[at + VERDICT_VERSION] !== this.#registry.version) this.#judge(current);

        let code = timeCode;
        const row = rows.length;
        const words = row * 4;
        const rowWord = row * 2;
        rows.startUnixNano[rowWord] = startLow;
        rows.startUnixNano[rowWord + 1] = startHigh;
        rows.timeUnixNano[rowWord] = timeLow;
        rows.timeUnixNano[rowWord + 1] = timeHigh;
        let kind = VALUE_DECIMAL;
        const type = valueType[i];
        if (fields[at + SPECIAL] !== -1) {
          code = this.#readSpecial(current, columns, i, rows, latest, arrivedAtUnixNano);
          kind = rows.valueKind[row];
        } else {
          let negative = false;
          if (type === VALUE_TYPE_INT64) {
            writeInt64(value[word], value[word + 1], quantity, words);
            negative = value[word + 1] >>> 31 === 1;
          } else if (type === VALUE_TYPE_DOUBLE) {
            const double = doubleOf(value[word], value[word + 1]);
            negative = double < 0;
            if (!Number.isFinite(double) || !writeDouble(double, quantity, words)) {
              kind = VALUE_DOUBLE;
              writeWords(quantity, words, value[word], value[word + 1], 0, 0);
              if (code === 0) code = doubleCode(double);
            }
          } else if (type === VALUE_TYPE_NONE) {
            kind = VALUE_NONE;
            quantity.fill(0, words, words + 4);
            if (code === 0) code = NO_VALUE;
          } else {
            kind = VALUE_DISTRIBUTION;
            const hasSum = type === VALUE_TYPE_COUNT_AND_SUM;
            writeWords(
              quantity,
              words,
              count[word],
              count[word + 1],
              hasSum ? value[word] : NAN_LOW,
              hasSum ? value[word + 1] : NAN_HIGH,
            );
          }
          if (negative && refusesNegative && code === 0) code = NEGATIVE_MONOTONIC;
        }

        let verdict = fields[at + VERDICT];
        if (verdict !== 0 && (code === 0 || verdict < code)) code = verdict;
        const owes = fields[at + OWES];
        if (owes !== 0) {
          // An instrument's temporality is that of the first point which has no fault that comes before it.
          if ((owes & OWES_TEMPORALITY) !== 0 && (code === 0 || code > OTHER_TEMPORALITY)) {
            this.#declareTemporality(current, sequence);
            verdict = fields[at + VERDICT];
            if (verdict !== 0 && (code === 0 || verdict < code)) code = verdict;
          }
          if (code === 0 && (owes & OWES_DISCOVERY) !== 0) this.#discover(current, sequence);
        }
        if (code !== 0) quarantine(outcome, code);

        rows.slot[row] = current;
        rows.valueKind[row] = kind;
        rows.code[row] = code;
        rows.ordinal[row] = i;
        rows.length = row + 1;
        outcome.claimed += 1;
      }
    }
  }

  /**
   * Writes the value and times of a point as its slot's meter reads them.
   * @returns the code of what is wrong with them, or 0
   */
  #readSpecial(
    slot: number,
    columns: MetricColumns,
    i: number,
    rows: RowColumns,
    latestUnixNano: bigint,
    arrivedAtUnixNano: bigint,
  ): number {
    const { claim, constant, conversion, nature } = this.#rules.get(slot)!;
    const { value, valueType, count } = columns;
    const row = rows.length;
    const words = row * 4;
    const word = i * 2;
    const { quantity, startUnixNano, timeUnixNano } = rows;

    if (claim.ignoresStart) startUnixNano.fill(0, row * 2, row * 2 + 2);
    let time = read64(timeUnixNano, row);
    if (time === 0n && claim.fallsBackToReceived) {
      time = arrivedAtUnixNano;
      write64(timeUnixNano, row, time);
    }
    let code = 0;
    if (time === 0n) code = TIME_ZERO;
    else if (read64(startUnixNano, row) > time) code = START_AFTER_TIME;
    else if (time > latestUnixNano) code = TIME_IN_FUTURE;

    let type = valueType[i];
    const isDistributed = type === VALUE_TYPE_COUNT_AND_SUM || type === VALUE_TYPE_COUNT_ONLY;
    if (isDistributed && claim.value === 'sum')
      type = type === VALUE_TYPE_COUNT_ONLY ? VALUE_TYPE_NONE : VALUE_TYPE_DOUBLE;
    rows.valueKind[row] = VALUE_DECIMAL;
    let negative = false;
    let fits = true;
    if (constant !== null) {
      writeBigInt(constant, quantity, words);
      if (conversion !== null) fits = convertWords(quantity, words, conversion);
    } else if (isDistributed && claim.value === 'count') {
      writeBigInt(read64(count, i) * 1_000_000_000_000n, quantity, words);
      if (conversion !== null) fits = convertWords(quantity, words, conversion);
    } else if (isDistributed && claim.value === 'point') {
      rows.valueKind[row] = VALUE_DISTRIBUTION;
      const hasSum = type === VALUE_TYPE_COUNT_AND_SUM;
      writeWords(
        quantity,
        words,
        count[word],
        count[word + 1],
        hasSum ? value[word] : NAN_LOW,
        hasSum ? value[word + 1] : NAN_HIGH,
      );
    } else if (type === VALUE_TYPE_INT64) {
      negative = value[word + 1] >>> 31 === 1;
      writeInt64(value[word], value[word + 1], quantity, words);
      if (conversion !== null) fits = convertWords(quantity, words, conversion);
    } else if (type === VALUE_TYPE_DOUBLE) {
      const double = doubleOf(value[word], value[word + 1]);
      negative = double < 0;
      let scaled: bigint | null = null;
      if (!Number.isFinite(double)) fits = false;
      else if (conversion === null) fits = writeDouble(double, quantity, words);
      else {
        scaled = convertDouble(double, conversion);
        fits = scaled !== null;
        if (scaled !== null) writeBigInt(scaled, quantity, words);
      }
      if (!fits) {
        rows.valueKind[row] = VALUE_DOUBLE;
        writeWords(quantity, words, value[word], value[word + 1], 0, 0);
        return code === 0 ? doubleCode(double) : code;
      }
    } else {
      rows.valueKind[row] = VALUE_NONE;
      quantity.fill(0, words, words + 4);
      return code === 0 ? NO_VALUE : code;
    }
    if (!fits) {
      // The number as it came: what it would be in the dimension's unit cannot be written.
      rows.valueKind[row] = VALUE_DOUBLE;
      const came =
        constant !== null
          ? Number(constant) / 1e12
          : Number(isDistributed ? read64(count, i) : BigInt.asIntN(64, read64(value, i)));
      const [low, high] = bitsOf(came);
      writeWords(quantity, words, low, high, 0, 0);
      return code === 0 ? OUT_OF_RANGE : code;
    }
    if (negative && nature === 'usage' && code === 0) code = NEGATIVE_MONOTONIC;
    return code;
  }

  #contextOf(header: MetricHeader): Context {
    const texts = `${this.#textNumber(header.name)} ${this.#textNumber(header.unit)} ${this.#textNumber(
      header.scopeName,
    )} ${this.#textNumber(header.scopeVersion)}`;
    const key = `${texts} ${header.resourceAttributes} ${header.scopeAttributes} ${header.kind} ${header.temporality} ${
      header.monotonic ? 1 : 0
    }`;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const resource = this.#resourceOf(header.resourceAttributes);
    const scopeAttributes = this.#scopeAttributesOf(header.scopeAttributes);
    const duplicateAttribute = resource.duplicateAttribute || hasDuplicate(scopeAttributes);
    const context: Context = {
      id: this.#numbers.nextContext++,
      header: { ...header },
      hash: contextHash(resource.identity, header, scopeAttributes, duplicateAttribute),
      group: {
        resourceAttributes: resource.attributes,
        scopeName: header.scopeName,
        scopeVersion: header.scopeVersion,
        scopeAttributes,
      },
      resource,
      instrument: instrumentHash(resource.identity, header, scopeAttributes),
      duplicateAttribute,
      defined: false,
    };
    this.#contexts.set(key, context);
    return context;
  }

  #resourceOf(block: number): Resource {
    let resource = this.#resources.get(block);
    if (resource === undefined) {
      const attributes = this.#interner.attributes(block);
      resource = {
        attributes,
        identity: resourceIdentity(attributes),
        duplicateAttribute: hasDuplicate(attributes),
        fromSdk: attributes.some(
          ({ key, value }) => key === 'telemetry.sdk.name' && value.type === 'string' && value.value !== '',
        ),
        json: boundedJson(attributes),
      };
      this.#resources.set(block, resource);
    }
    return resource;
  }

  #scopeAttributesOf(block: number): Attribute[] {
    let attributes = this.#scopes.get(block);
    if (attributes === undefined) {
      attributes = this.#interner.attributes(block);
      this.#scopes.set(block, attributes);
    }
    return attributes;
  }

  /** A number for a text, so that a long one is not copied into the key of every metric under it. */
  #textNumber(text: string): number {
    let number = this.#texts.get(text);
    if (number === undefined) {
      number = this.#texts.size;
      this.#texts.set(text, number);
    }
    return number;
  }

  /**
   * Finds out who claims the points of an attribute block. What a meter makes of them may follow from attributes of the
   * resource that are no part of its identity, so the same series may have other slots under another resource.
   * @returns the slot of the first meter that claims them, which the others' are chained to
   */
  #defineSeries(context: Context, attributeBlock: number): number {
    const attributes = this.#interner.attributes(attributeBlock);
    const { header } = context;
    const series: SeriesView = {
      group: context.group,
      metricName: header.name,
      unit: header.unit,
      kind: header.kind,
      temporality: header.temporality,
      monotonic: header.monotonic,
      attributes,
    };
    const slots: { slot: number; isNew: boolean }[] = [];
    const replaced = new Set<string>();
    let hash = '';
    for (const meter of this.#registry.meters) {
      if (replaced.has(meter.id)) continue;
      const claim = meter.claimSeries(series);
      if (claim === null) continue;
      for (const id of meter.replaces) replaced.add(id);
      if (hash === '') hash = seriesHash(context.hash, attributes);
      slots.push(this.#slotOf(context, series, meter, claim, hash));
    }
    let first = NO_SLOT;
    for (const { slot, isNew } of slots.reverse()) first = this.#linked(slot, isNew, first);
    if (first === NO_SLOT) first = SLOT_UNCLAIMED;
    this.#slotIndex.add(context.id, attributeBlock, first);
    return first;
  }

  /** What leads to a slot and then to what follows it: the slot itself, or an entry where others follow it already. */
  #linked(slot: number, isNew: boolean, next: number): number {
    const fields = this.#slotFields;
    if (isNew) fields[slot * SLOT_FIELDS + SIBLING] = next;
    if (fields[slot * SLOT_FIELDS + SIBLING] === next) return slot;
    const name = `${slot} ${next}`;
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry = this.#newFields();
    this.#slotFields[entry * SLOT_FIELDS + TARGET] = slot;
    this.#slotFields[entry * SLOT_FIELDS + SIBLING] = next;
    this.#entries.set(name, entry);
    return entry;
  }

  /** @returns the number of a new slot or entry, which has nothing yet */
  #newFields(): number {
    const slot = this.#numbers.nextSlot++;
    this.#reserveSlot(slot);
    this.#slotFields.fill(-1, slot * SLOT_FIELDS, (slot + 1) * SLOT_FIELDS);
    this.#slotFields[slot * SLOT_FIELDS + NEXT] = 0;
    return slot;
  }

  /** The slot of what a meter makes of a series: the one that there is, or a new one. */
  #slotOf(
    context: Context,
    series: SeriesView,
    meter: Meter,
    claim: SeriesClaim,
    hash: string,
  ): { slot: number; isNew: boolean } {
    const role = seriesRole(context.header, claim);
    const ownHash =
      meter.id === BUILTIN_METER_ID
        ? hash
        : meteredSeriesHash(
            hash,
            meter.id,
            claim.dimensionId,
            role === 'cumulative' ? measureOf(claim, meter) : '',
            claim.resourceCustomerId,
          );
    const known = this.#seriesIndex.get(ownHash);
    // The same series, its attributes in another order or its resource described otherwise.
    if (known !== SLOT_UNKNOWN) return { slot: known, isNew: false };
    const slot = this.#defineSlot(context, series, meter, claim, { role, hash: ownHash });
    this.#seriesIndex.add(ownHash, slot);
    return { slot, isNew: true };
  }

  #defineSlot(
    context: Context,
    series: SeriesView,
    meter: Meter,
    claim: SeriesClaim,
    { role, hash }: { role: SeriesRole; hash: string },
  ): number {
    const { header } = context;
    const slot = this.#newFields();
    const customerId =
      claim.customerId === null ? null : this.#registry.customerOf(claim.customerId.slice(0, MAX_ID_LENGTH));
    const dimensionId = claim.dimensionId?.slice(0, MAX_ID_LENGTH) ?? null;
    const temporality = temporalityOf(header, claim);
    const isSpecial =
      claim.value !== 'point' ||
      claim.ignoresStart ||
      claim.fallsBackToReceived ||
      claim.unit !== header.unit;

    const fields = this.#slotFields;
    const at = slot * SLOT_FIELDS;
    fields[at + TARGET] = slot;
    fields[at + FIXED_VERDICT] = judgeSeries(context, series.attributes, claim, temporality);
    fields[at + CUSTOMER] = this.#internId(customerId);
    fields[at + DIMENSION] = this.#internId(dimensionId);
    fields[at + OWES] = hasTemporality(header) && header.temporality === temporality ? OWES_TEMPORALITY : 0;
    this.#context[slot] = context;
    if (isSpecial) {
      this.#rules.set(slot, {
        claim,
        nature: natureOf(header, claim),
        constant: typeof claim.value === 'object' ? scaledFromText(claim.value.constant) : null,
        conversion: null,
      });
    }
    this.#judge(slot);
    if (
      customerId !== null &&
      dimensionId !== null &&
      !(this.#registry.customers.has(customerId) && this.#registry.dimensions.has(dimensionId))
    ) {
      fields[at + OWES] |= OWES_DISCOVERY;
      this.#undiscovered.set(slot, { customerId, dimensionId, unit: claim.unit });
    }

    if (!context.defined) {
      context.defined = true;
      this.#queue.defineContext({
        context: context.id,
        resource: context.resource.json,
        scopeName: shortened(header.scopeName),
        scopeVersion: shortened(header.scopeVersion),
        metricName: shortened(header.name),
        unit: shortened(header.unit),
        metricKind: KIND_NAMES[header.kind],
        temporality: TEMPORALITY_NAMES[header.temporality] ?? String(header.temporality),
        monotonic: header.monotonic,
        fromSdk: context.resource.fromSdk,
        weakIdentity: context.resource.identity.weak,
      });
    }
    this.#queue.defineSlot({
      slot,
      context: context.id,
      seriesHash: hash,
      role,
      meterId: meter.id,
      meterVersion: meter.version,
      sinceUnixNano: meter.sinceUnixNano,
      customerId,
      dimensionId,
      metadata: JSON.stringify(claim.metadata),
    });
    return slot;
  }

  /** The series' temporality becomes its instrument's, unless that has another. */
  #declareTemporality(slot: number, sequence: number): void {
    this.#slotFields[slot * SLOT_FIELDS + OWES] &= ~OWES_TEMPORALITY;
    const { header, instrument } = this.#context[slot];
    const temporality = header.temporality as 1 | 2;
    const holding = this.#registry.declareInstrument(instrument, temporality);
    if (holding.declared) {
      this.#queue.recordEvent({
        type: 'instrument_declared',
        sequence,
        instrumentHash: instrument,
        temporality,
      });
    }
    if (holding.temporality === temporality) return;
    this.#slotFields[slot * SLOT_FIELDS + FIXED_VERDICT] = OTHER_TEMPORALITY;
    this.#judge(slot);
  }

  /** Judges a slot by the registry as it is now. */
  #judge(slot: number): void {
    const at = slot * SLOT_FIELDS;
    const fields = this.#slotFields;
    const { header } = this.#context[slot];
    const rule = this.#rules.get(slot);
    const { code, conversion } = judge(this.#registry, {
      customerId: this.#ids[fields[at + CUSTOMER]] ?? null,
      dimensionId: this.#ids[fields[at + DIMENSION]] ?? null,
      unit: rule?.claim.unit ?? header.unit,
      nature: rule?.nature ?? natureOf(header, null),
    });
    if (rule !== undefined) rule.conversion = conversion;
    else if (conversion !== null) this.#rules.set(slot, plainRule(header, conversion));
    fields[at + SPECIAL] = this.#rules.has(slot) ? 1 : -1;
    const fixed = fields[at + FIXED_VERDICT];
    fields[at + VERDICT] = fixed === 0 || (code !== 0 && code < fixed) ? code : fixed;
    fields[at + VERDICT_VERSION] = this.#registry.version;
  }

  /** A valid point of the slot has come: whoever and whatever it names is known from here on. */
  #discover(slot: number, sequence: number): void {
    const found = this.#undiscovered.get(slot);
    if (found === undefined) return;
    this.#undiscovered.delete(slot);
    this.#slotFields[slot * SLOT_FIELDS + OWES] &= ~OWES_DISCOVERY;
    const { customerId, dimensionId, unit } = found;
    if (this.#registry.discoverCustomer(customerId)) {
      this.#queue.recordEvent({ type: 'customer_discovered', sequence, customerId });
    }
    const holding = this.#registry.discoverDimension(dimensionId, unit);
    if (holding !== null) {
      this.#queue.recordEvent({ type: 'dimension_discovered', sequence, dimensionId, unit: holding });
    }
  }

  #internId(id: string | null): number {
    if (id === null) return -1;
    const known = this.#idIndex.get(id);
    if (known !== undefined) return known;
    const index = this.#ids.push(id) - 1;
    this.#idIndex.set(id, index);
    return index;
  }

  #reserveSlot(slot: number): void {
    let length = this.#slotFields.length;
    if ((slot + 1) * SLOT_FIELDS <= length) return;
    while ((slot + 1) * SLOT_FIELDS > length) length *= 2;
    const larger = new Int32Array(length);
    larger.set(this.#slotFields);
    this.#slotFields = larger;
  }
}

/** A resource as JSON; one that is larger than anybody looks at is replaced by a note that says so. */
function boundedJson(attributes: readonly Attribute[]): string {
  const json = attributesJson(attributes);
  return json.length <= MAX_RESOURCE_JSON
    ? json
    : JSON.stringify({ 'too large to keep': `${json.length} characters` });
}

/** Gauges and non-monotonic totals say how much there is, not how much was used. */
function isLevel(header: MetricHeader): boolean {
  return (
    header.kind === KIND_GAUGE ||
    (header.kind === KIND_SUM && !header.monotonic && header.temporality === TEMPORALITY_CUMULATIVE)
  );
}

function isDistribution(header: MetricHeader): boolean {
  return (
    header.kind === KIND_HISTOGRAM ||
    header.kind === KIND_EXPONENTIAL_HISTOGRAM ||
    header.kind === KIND_SUMMARY
  );
}

function hasTemporality({ kind }: MetricHeader): boolean {
  return kind === KIND_SUM || kind === KIND_HISTOGRAM || kind === KIND_EXPONENTIAL_HISTOGRAM;
}

function natureOf(header: MetricHeader, claim: SeriesClaim | null): Nature {
  if (claim !== null && claim.value !== 'point') return 'usage';
  if (isLevel(header)) return 'level';
  if (header.kind !== KIND_SUM) return 'usage';
  if (header.monotonic) return 'usage';
  return 'signed';
}

/** The temporality that the points of a series are read with: 0 where it has none. */
function temporalityOf(header: MetricHeader, claim: Pick<SeriesClaim, 'assumedTemporality'>): number {
  if (header.kind === KIND_SUMMARY) return TEMPORALITY_CUMULATIVE;
  if (!hasTemporality(header) || isSpecified(header.temporality)) return header.temporality;
  return claim.assumedTemporality ?? header.temporality;
}

function isSpecified(temporality: number): boolean {
  return temporality === TEMPORALITY_DELTA || temporality === TEMPORALITY_CUMULATIVE;
}

/** How the points of a series become usage, for a meter that says this of it. */
export function seriesRole(
  header: MetricHeader,
  claim: Pick<SeriesClaim, 'value' | 'assumedTemporality'>,
): SeriesRole {
  // The same value for every point says nothing about a running total: each point counts.
  if (typeof claim.value === 'object') return 'delta';
  if (isLevel(header)) return 'level';
  const isRunningTotal =
    header.kind !== KIND_GAUGE && temporalityOf(header, claim) === TEMPORALITY_CUMULATIVE;
  return isRunningTotal ? 'cumulative' : 'delta';
}

/**
 * What a running total is made of: where it changes, the total is another one. A meter that was away for a while is
 * another one too: what its total grew by meanwhile is none of its usage.
 */
function measureOf({ value, unit, ignoresStart }: SeriesClaim, { sinceUnixNano }: Meter): string {
  return JSON.stringify([value, unit, ignoresStart, String(sinceUnixNano)]);
}

/** The points' own values, in another unit than the dimension's. */
function plainRule(header: MetricHeader, conversion: Conversion): SlotRule {
  const claim: SeriesClaim = {
    customerId: null,
    resourceCustomerId: null,
    dimensionId: null,
    metadata: {},
    allowsDuplicateAttributes: false,
    value: 'point',
    unit: header.unit,
    assumedTemporality: null,
    ignoresStart: false,
    fallsBackToReceived: false,
    takesOverflow: false,
  };
  return { claim, nature: natureOf(header, null), constant: null, conversion };
}

/** The code that follows from the series alone. */
function judgeSeries(
  context: Context,
  attributes: readonly Attribute[],
  claim: SeriesClaim,
  temporality: number,
): number {
  const { header } = context;
  const isOverflow = attributes.some(
    ({ key, value }) => key === ATTR_OTEL_METRIC_OVERFLOW && value.type === 'bool' && value.value,
  );
  if (isOverflow && !claim.takesOverflow) return codeNumber('sdk_overflow');
  if (claim.customerId === null) return codeNumber('missing_customer');
  const hasDuplicates = context.duplicateAttribute || hasDuplicate(attributes);
  if (hasDuplicates && !claim.allowsDuplicateAttributes) return codeNumber('duplicate_attribute');
  if (hasTemporality(header) && !isSpecified(temporality)) return codeNumber('unspecified_temporality');
  const picksPart = claim.value === 'count' || claim.value === 'sum';
  if (isDistribution(header) ? claim.value === 'point' : picksPart) return codeNumber('unsupported_kind');
  const isTooLong = Math.max(claim.customerId.length, claim.dimensionId?.length ?? 0) > MAX_ID_LENGTH;
  return isTooLong ? codeNumber('id_too_long') : 0;
}

function hasDuplicate(attributes: readonly Attribute[]): boolean {
  return new Set(attributes.map(({ key }) => key)).size < attributes.length;
}

function doubleCode(double: number): number {
  if (Number.isNaN(double)) return NOT_A_NUMBER;
  return Number.isFinite(double) ? OUT_OF_RANGE : INFINITE;
}

function writeWords(words: Uint32Array, at: number, a: number, b: number, c: number, d: number): void {
  words[at] = a;
  words[at + 1] = b;
  words[at + 2] = c;
  words[at + 3] = d;
}

function read64(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}

function write64(words: Uint32Array, row: number, value: bigint): void {
  words[row * 2] = Number(value & 0xffffffffn);
  words[row * 2 + 1] = Number(value >> 32n);
}

const doubleBits = new Uint32Array(2);
const doubleValue = new Float64Array(doubleBits.buffer);
const NAN_LOW = 0;
const NAN_HIGH = 0x7ff80000;

function doubleOf(low: number, high: number): number {
  doubleBits[0] = low;
  doubleBits[1] = high;
  return doubleValue[0];
}

function bitsOf(double: number): [low: number, high: number] {
  doubleValue[0] = double;
  return [doubleBits[0], doubleBits[1]];
}
