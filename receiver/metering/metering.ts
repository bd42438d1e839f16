/**
 * Decoded points in, rows for the ledger out: who is billed for each point, for what, and if not, why not.
 *
 * Pure but for its caches: the same requests in the same order, received at the same times, give the same rows from
 * the same registry, whatever was cached. Recovery and rebuild rely on it.
 *
 * A point is judged in two halves. What follows from its series and the registry is judged once per series and kept
 * with its slot; what follows from its numbers is judged per point. Codes are numbered in the order in which they
 * apply, so the verdict is the smaller of the two that is not zero.
 */
import { ATTR_OTEL_METRIC_OVERFLOW } from '../../instrumentation/semconv.ts';
import { writeDouble, writeInt64 } from '../../storage/decimal.ts';
import {
  type SeriesRole,
  VALUE_DECIMAL,
  VALUE_DISTRIBUTION,
  VALUE_DOUBLE,
  VALUE_NONE,
} from '../../storage/ledger-batch.ts';
import { codeName, codeNumber, type QuarantineCode } from '../../storage/quarantine-codes.ts';
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
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
  VALUE_TYPE_NONE,
} from '../otlp/metric-columns.ts';
import type { BatchQueue } from './batch-queue.ts';
import { attributesJson, BUILTIN_METER_ID, type Claim, claim } from './builtin-meter.ts';
import {
  contextHash,
  instrumentHash,
  type ResourceIdentity,
  resourceIdentity,
  seriesHash,
} from './identity.ts';
import { type Registry, takesLevels } from './registry.ts';
import { SeriesIndex, SLOT_UNCLAIMED, SLOT_UNKNOWN, SlotIndex } from './slot-table.ts';
import { isSameUnit } from './units.ts';

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

// The fields of a slot.
const SLOT_FIELDS = 8;
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
/** Index into the dimension ids; -1 without a dimension. */
const DIMENSION = 6;
/** What the next point that comes so far has to do: bits of OWES_*. */
const OWES = 7;

/** Live metric streams, used or not, after which all are forgotten. */
const MAX_CONTEXTS = 200_000;
/** What the ledger keeps of a resource, and of a name, for people to look at. */
const MAX_RESOURCE_JSON = 16_384;
const MAX_NAME_LENGTH = 1024;

const KIND_NAMES = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];
const TEMPORALITY_NAMES = ['unspecified', 'delta', 'cumulative'];

export interface MeteringOptions {
  /** A point further than this after its arrival is `time_in_future`. Default 600 (10 minutes). */
  maxFutureSeconds?: number;
  /** Live series after which all are forgotten and defined anew. Default 2^21. */
  maxSlots?: number;
}

/** What became of the points of one request. */
export interface MeteringOutcome {
  /** Points that were handed on, quarantined ones included. */
  claimed: number;
  /** Points by quarantine code, in the order of the codes. Only what can be judged on arrival. */
  quarantined: Map<QuarantineCode, number>;
  /** Points that no meter claims. */
  ignored: number;
  /** NO_RECORDED_VALUE markers. */
  markers: number;
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

export class Metering {
  readonly #registry: Registry;
  readonly #interner: AttributeInterner;
  readonly #queue: BatchQueue;
  readonly #maxFutureNano: bigint;
  readonly #maxSlots: number;

  #epoch: number;
  #contexts = new Map<string, Context>();
  #contextCount = 0;
  /** By attribute block; what many contexts share. */
  #resources = new Map<number, Resource>();
  #scopes = new Map<number, Attribute[]>();
  #texts = new Map<string, number>();
  readonly #slotIndex = new SlotIndex();
  readonly #seriesIndex = new SeriesIndex();
  #slots = 0;
  #undiscovered = new Map<number, Undiscovered>();

  /** What is known of each slot: {@link SLOT_FIELDS} integers, side by side. */
  #slotFields = new Int32Array(1024 * SLOT_FIELDS).fill(-1);
  #context: Context[] = [];
  #dimensionIds: string[] = [];
  #dimensionIndex = new Map<string, number>();

  constructor(
    registry: Registry,
    interner: AttributeInterner,
    queue: BatchQueue,
    options: MeteringOptions = {},
  ) {
    this.#registry = registry;
    this.#interner = interner;
    this.#queue = queue;
    this.#epoch = interner.epoch;
    this.#maxFutureNano = BigInt(options.maxFutureSeconds ?? 600) * 1_000_000_000n;
    this.#maxSlots = options.maxSlots ?? 1 << 21;
    this.#slotFields[NEXT] = 0;
  }

  /** Live series. */
  get slots(): number {
    return this.#slots;
  }

  /** Keeps the caches within their bounds. Call before a request is decoded, never between decode and meter. */
  trim(): void {
    this.#interner.trim();
    const hasRoom = this.#slotIndex.size < this.#maxSlots && this.#contextCount < MAX_CONTEXTS;
    if (this.#interner.epoch === this.#epoch && hasRoom) return;
    this.#epoch = this.#interner.epoch;
    this.#contexts.clear();
    this.#contextCount = 0;
    this.#resources.clear();
    this.#scopes.clear();
    this.#texts.clear();
    this.#dimensionIds.length = 0;
    this.#dimensionIndex.clear();
    this.#slotIndex.clear();
    this.#seriesIndex.clear();
    this.#undiscovered.clear();
    this.#context.length = 0;
    this.#slots = 0;
    this.#slotFields.fill(-1);
    this.#slotFields[NEXT] = 0;
    this.#queue.resetSlots();
  }

  /**
   * Judges the points of one request and writes a row for each that a meter claims.
   * @param sequence the journal sequence that the request will have if any point is claimed
   */
  meter(columns: MetricColumns, sequence: number, receivedAtUnixNano: bigint): MeteringOutcome {
    const outcome: MeteringOutcome = { claimed: 0, quarantined: new Map(), ignored: 0, markers: 0 };
    const rows = this.#queue.rows(columns.length);
    const latest = receivedAtUnixNano + this.#maxFutureNano;
    const latestLow = Number(latest & 0xffffffffn);
    const latestHigh = Number(latest >> 32n);
    const { metric, attributes, startUnixNano, timeUnixNano, value, valueType, count, flags } = columns;
    const quantity = rows.quantity;

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
          slot = this.#defineSlot(context as Context, block);
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
      let code = 0;
      if (timeLow === 0 && timeHigh === 0) code = TIME_ZERO;
      else if (startHigh > timeHigh || (startHigh === timeHigh && startLow > timeLow))
        code = START_AFTER_TIME;
      else if (timeHigh > latestHigh || (timeHigh === latestHigh && timeLow > latestLow))
        code = TIME_IN_FUTURE;

      const row = rows.length;
      const words = row * 4;
      const type = valueType[i];
      let kind = VALUE_DECIMAL;
      let negative = false;
      if (type === VALUE_TYPE_INT64) {
        writeInt64(value[word], value[word + 1], quantity, words);
        negative = value[word + 1] >>> 31 === 1;
      } else if (type === VALUE_TYPE_DOUBLE) {
        const double = doubleOf(value[word], value[word + 1]);
        negative = double < 0;
        if (!Number.isFinite(double) || !writeDouble(double, quantity, words)) {
          kind = VALUE_DOUBLE;
          quantity[words] = value[word];
          quantity[words + 1] = value[word + 1];
          quantity[words + 2] = 0;
          quantity[words + 3] = 0;
          if (code === 0)
            code = Number.isNaN(double) ? NOT_A_NUMBER : Number.isFinite(double) ? OUT_OF_RANGE : INFINITE;
        }
      } else if (type === VALUE_TYPE_NONE) {
        kind = VALUE_NONE;
        quantity.fill(0, words, words + 4);
        if (code === 0) code = NO_VALUE;
      } else {
        kind = VALUE_DISTRIBUTION;
        quantity[words] = count[word];
        quantity[words + 1] = count[word + 1];
        quantity[words + 2] = type === VALUE_TYPE_COUNT_AND_SUM ? value[word] : NAN_LOW;
        quantity[words + 3] = type === VALUE_TYPE_COUNT_AND_SUM ? value[word + 1] : NAN_HIGH;
      }
      if (negative && refusesNegative && code === 0) code = NEGATIVE_MONOTONIC;

      if (fields[at + VERDICT_VERSION] !== this.#registry.version) this.#judge(slot);
      let verdict = fields[at + VERDICT];
      if (verdict !== 0 && (code === 0 || verdict < code)) code = verdict;
      const owes = fields[at + OWES];
      if (owes !== 0) {
        // An instrument's temporality is that of the first point which has no fault that comes before it.
        if ((owes & OWES_TEMPORALITY) !== 0 && (code === 0 || code > OTHER_TEMPORALITY)) {
          this.#declareTemporality(slot, sequence);
          verdict = fields[at + VERDICT];
          if (verdict !== 0 && (code === 0 || verdict < code)) code = verdict;
        }
        if (code === 0 && (owes & OWES_DISCOVERY) !== 0) this.#discover(slot, sequence);
      }

      if (code !== 0) {
        const name = codeName(code);
        outcome.quarantined.set(name, (outcome.quarantined.get(name) ?? 0) + 1);
      }

      rows.slot[row] = slot;
      const rowWord = row * 2;
      rows.startUnixNano[rowWord] = startLow;
      rows.startUnixNano[rowWord + 1] = startHigh;
      rows.timeUnixNano[rowWord] = timeLow;
      rows.timeUnixNano[rowWord + 1] = timeHigh;
      rows.valueKind[row] = kind;
      rows.code[row] = code;
      rows.ordinal[row] = i;
      rows.length = row + 1;
      outcome.claimed += 1;
    }
    return outcome;
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
      id: this.#contextCount++,
      header: { ...header },
      hash: contextHash(resource.identity, header, scopeAttributes, duplicateAttribute),
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

  #defineSlot(context: Context, attributeBlock: number): number {
    const attributes = this.#interner.attributes(attributeBlock);
    const { header } = context;
    const claimed = claim(header.name, attributes, context.resource.attributes);
    if (claimed === null) {
      this.#slotIndex.add(context.id, attributeBlock, SLOT_UNCLAIMED);
      return SLOT_UNCLAIMED;
    }
    const hash = seriesHash(context.hash, attributes);
    let slot = this.#seriesIndex.get(hash);
    if (slot !== SLOT_UNKNOWN) {
      // The same series, its attributes in another order or its resource described otherwise.
      this.#slotIndex.add(context.id, attributeBlock, slot);
      return slot;
    }
    slot = this.#slots++;
    this.#slotIndex.add(context.id, attributeBlock, slot);
    this.#seriesIndex.add(hash, slot);
    this.#reserveSlot(slot);

    const fields = this.#slotFields;
    const at = slot * SLOT_FIELDS;
    fields[at + NEXT] = 0;
    fields[at + FIXED_VERDICT] = this.#judgeSeries(context, attributes, claimed);
    fields[at + DIMENSION] = claimed.dimensionId === null ? -1 : this.#internDimension(claimed.dimensionId);
    fields[at + OWES] = hasTemporality(header) ? OWES_TEMPORALITY : 0;
    this.#context[slot] = context;
    this.#judge(slot);
    if (
      claimed.customerId !== null &&
      claimed.dimensionId !== null &&
      !(
        this.#registry.customers.has(claimed.customerId) && this.#registry.dimensions.has(claimed.dimensionId)
      )
    ) {
      fields[at + OWES] |= OWES_DISCOVERY;
      this.#undiscovered.set(slot, {
        customerId: claimed.customerId,
        dimensionId: claimed.dimensionId,
        unit: header.unit,
      });
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
      role: seriesRole(header),
      meterId: BUILTIN_METER_ID,
      meterVersion: 0,
      sinceUnixNano: null,
      customerId: claimed.customerId,
      dimensionId: claimed.dimensionId,
      metadata: JSON.stringify(claimed.metadata),
    });
    return slot;
  }

  /** The code that follows from the series alone. */
  #judgeSeries(context: Context, attributes: readonly Attribute[], { customerId, isTooLong }: Claim): number {
    const { header } = context;
    const isOverflow = attributes.some(
      ({ key, value }) => key === ATTR_OTEL_METRIC_OVERFLOW && value.type === 'bool' && value.value,
    );
    if (isOverflow) return codeNumber('sdk_overflow');
    if (customerId === null) return codeNumber('missing_customer');
    if (context.duplicateAttribute || hasDuplicate(attributes)) return codeNumber('duplicate_attribute');
    const { temporality } = header;
    const isSpecified = temporality === TEMPORALITY_DELTA || temporality === TEMPORALITY_CUMULATIVE;
    if (hasTemporality(header) && !isSpecified) return codeNumber('unspecified_temporality');
    if (isDistribution(header)) return codeNumber('unsupported_kind');
    return isTooLong ? codeNumber('id_too_long') : 0;
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
    const registryCode = this.#judgeByRegistry(slot);
    const at = slot * SLOT_FIELDS;
    const fixed = this.#slotFields[at + FIXED_VERDICT];
    this.#slotFields[at + VERDICT] =
      fixed === 0 || (registryCode !== 0 && registryCode < fixed) ? registryCode : fixed;
    this.#slotFields[at + VERDICT_VERSION] = this.#registry.version;
  }

  #judgeByRegistry(slot: number): number {
    const { header } = this.#context[slot];
    const dimensionId = this.#dimensionIds[this.#slotFields[slot * SLOT_FIELDS + DIMENSION]];
    const dimension = dimensionId === undefined ? undefined : this.#registry.dimensions.get(dimensionId);
    if (dimension === undefined) {
      // A valid monotonic sum creates its dimension; nothing else does.
      const discovers = header.kind === KIND_SUM && header.monotonic && dimensionId !== undefined;
      return discovers ? 0 : codeNumber('unknown_dimension');
    }
    if (!isSameUnit(header.unit, dimension.unit)) return codeNumber('wrong_unit');
    if (isLevel(header) && !takesLevels(dimension.aggregation)) return codeNumber('level_into_sum');
    const signed = header.kind === KIND_SUM && !header.monotonic && header.temporality === TEMPORALITY_DELTA;
    if (signed && !dimension.creditsAllowed) return codeNumber('credits_not_allowed');
    return 0;
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
    if (this.#registry.discoverDimension(dimensionId, unit)) {
      this.#queue.recordEvent({ type: 'dimension_discovered', sequence, dimensionId, unit });
    }
  }

  #internDimension(dimensionId: string): number {
    const known = this.#dimensionIndex.get(dimensionId);
    if (known !== undefined) return known;
    const index = this.#dimensionIds.push(dimensionId) - 1;
    this.#dimensionIndex.set(dimensionId, index);
    return index;
  }

  #reserveSlot(slot: number): void {
    if ((slot + 1) * SLOT_FIELDS <= this.#slotFields.length) return;
    const larger = new Int32Array(this.#slotFields.length * 2);
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

function shortened(name: string): string {
  return name.length <= MAX_NAME_LENGTH ? name : `${name.slice(0, MAX_NAME_LENGTH)}…`;
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

function seriesRole(header: MetricHeader): SeriesRole {
  if (isLevel(header)) return 'level';
  return header.kind === KIND_SUM && header.temporality === TEMPORALITY_CUMULATIVE ? 'cumulative' : 'delta';
}

function hasDuplicate(attributes: readonly Attribute[]): boolean {
  return new Set(attributes.map(({ key }) => key)).size < attributes.length;
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
