/**
 * What log records, spans and records by hand mean as usage, in the order in which they and the changes of meters and
 * customers come: the rules of docs/meters.md as plainly as they can be written. Like the model of data points, it shares
 * no code with the product.
 */
import type { OtlpEvent } from '../support/otlp-events.ts';
import type { OtlpAttributes, OtlpValue } from '../support/otlp-points.ts';
import {
  attribute,
  canonicalAttributes,
  canonicalValue,
  hasDuplicateKey,
  type ModelQuarantined,
  type ModelUsage,
  resourceIdentity,
  textOf,
} from './usage-model.ts';

const SCALE = 10n ** 12n;
const LIMIT = 10n ** 26n * SCALE;
const FUTURE_TOLERANCE_NANO = 600n * 1_000_000_000n;

/** A rule over attributes: what the property test needs of the rule model. */
export interface ModelMeter {
  id: string;
  signal: OtlpEvent['type'];
  /** The attribute that has this text. */
  match: readonly [key: string, text: string];
  /** Attributes; the first with an id wins. */
  customer: readonly string[];
  dimensionId: string;
  /** The attribute, or the span's duration in seconds. */
  value: string | { duration: true };
  unit: string;
  metadata: readonly string[];
  /** Attributes; the first with a text wins. */
  eventId: readonly string[];
}

/** A record by hand, with an id. */
export interface HandRecord {
  id: string;
  customerId: string;
  dimensionId: string;
  /** A plain decimal. */
  recordValue: string;
  timeUnixNano: bigint;
  metadata: Readonly<Record<string, string>>;
}

/** What a meter makes of an event. */
interface Claim {
  meterId: string;
  version: number;
  customer: string | null;
  dimensionId: string | null;
  value: OtlpValue | { decimal: Decimal } | undefined;
  unit: string;
  metadata: string;
  startUnixNano: bigint;
  timeUnixNano: bigint;
  /** null: the event is known otherwise. */
  eventId: string | null;
}

/** digits × 10^power. */
interface Decimal {
  digits: bigint;
  power: number;
}

/** What two deliveries of one event are compared by. */
interface Content {
  meterId: string;
  version: number;
  /** All but the time, as text. */
  said: string;
  timeUnixNano: bigint;
  customer: string | null;
  dimensionId: string | null;
}

interface Key {
  counted: (Content & { quantity: bigint }) | null;
  listed: { content: Content; code: string; customerId: string | null }[];
}

/** Units that the model knows: what one of them is, as a fraction of its kind's base. */
const UNITS: Readonly<Record<string, readonly [kind: string, numerator: bigint, denominator: bigint]>> = {
  '1': ['count', 1n, 1n],
  '{token}': ['count', 1n, 1n],
  By: ['byte', 1n, 1n],
  ms: ['second', 1n, 1000n],
  s: ['second', 1n, 1n],
  min: ['second', 60n, 1n],
  h: ['second', 3600n, 1n],
};

export class EventModel {
  readonly #dimensions = new Map<string, { unit: string; creditsAllowed: boolean }>();
  readonly #meters = new Map<string, { meter: ModelMeter; version: number; deleted: boolean }>();
  readonly #aliases = new Map<string, string>();
  /** Ids under which somebody is known or was. */
  readonly #customers = new Set<string>();
  readonly #keys = new Map<string, Key>();
  readonly #records = new Map<string, HandRecord>();

  declareDimension(id: string, unit: string, creditsAllowed = false): void {
    this.#dimensions.set(id, { unit, creditsAllowed });
  }

  /** The same rule again makes no version. */
  putMeter(meter: ModelMeter): void {
    const known = this.#meters.get(meter.id);
    if (known?.deleted === false && JSON.stringify(known.meter) === JSON.stringify(meter)) return;
    this.#meters.set(meter.id, { meter, version: (known?.version ?? 0) + 1, deleted: false });
  }

  deleteMeter(id: string): void {
    const known = this.#meters.get(id);
    if (known !== undefined) this.#meters.set(id, { ...known, deleted: true });
  }

  /** Customers that usage by data points has made known before any event comes. */
  discoverCustomer(id: string): void {
    this.#customers.add(this.customerOf(id));
  }

  /**
   * Of a customer that becomes an alias, what is quarantined moves too. Of an id that was nobody's yet, it stays listed
   * as it came, where those who look for it find it.
   */
  putCustomer(id: string, aliases: readonly string[]): void {
    this.#customers.add(id);
    for (const alias of aliases) {
      this.#aliases.set(alias, id);
      if (!this.#customers.has(alias)) continue;
      for (const { listed } of this.#keys.values())
        for (const row of listed) if (row.customerId === alias) row.customerId = id;
    }
  }

  /** Whom an id means in the end: an alias means its customer for what came before it too. */
  customerOf(id: string): string {
    return this.#aliases.get(id) ?? id;
  }

  /** @param nowUnixNano the receiver's clock */
  take(event: OtlpEvent, nowUnixNano: bigint): void {
    for (const { meter, version, deleted } of this.#meters.values()) {
      if (deleted) continue;
      const claim = claimOf(meter, version, event);
      if (claim !== null) this.#judge(event, claim, nowUnixNano);
    }
    const claim = builtinClaim(event);
    if (claim !== null) this.#judge(event, claim, nowUnixNano);
  }

  /** One id is one record; with other content it is refused, and nothing changes. */
  record(record: HandRecord): 'stored' | 'duplicate' | 'conflict' {
    const known = this.#records.get(record.id);
    const text = (one: HandRecord) =>
      JSON.stringify([
        this.customerOf(one.customerId),
        one.dimensionId,
        String(scaled(decimalOf(one.recordValue)!, 1n, 1n)),
        String(one.timeUnixNano),
        Object.entries(one.metadata).sort(),
      ]);
    if (known !== undefined) return text(known) === text(record) ? 'duplicate' : 'conflict';
    this.#records.set(record.id, record);
    this.#discover(record.customerId, record.dimensionId, '1');
    return 'stored';
  }

  result(): { usage: ModelUsage[]; quarantined: (ModelQuarantined & { meterId: string })[] } {
    const usage: ModelUsage[] = [...this.#records.values()].map(
      ({ customerId, dimensionId, timeUnixNano, recordValue }) => ({
        customerId: this.customerOf(customerId),
        dimensionId,
        timeUnixNano,
        quantity: scaled(decimalOf(recordValue)!, 1n, 1n),
      }),
    );
    const quarantined: (ModelQuarantined & { meterId: string })[] = [];
    for (const { counted, listed } of this.#keys.values()) {
      if (counted !== null) {
        const { customer, dimensionId, timeUnixNano, quantity } = counted;
        usage.push({
          customerId: this.customerOf(customer!),
          dimensionId: dimensionId!,
          timeUnixNano,
          quantity,
        });
      }
      for (const { content, code, customerId } of listed) {
        const { dimensionId, meterId } = content;
        quarantined.push({ code, customerId, dimensionId, quantity: null, meterId });
      }
    }
    return { usage, quarantined };
  }

  #judge(event: OtlpEvent, claim: Claim, nowUnixNano: bigint): void {
    const { meterId, version, customer, dimensionId, timeUnixNano } = claim;
    const dimension = dimensionId === null ? undefined : this.#dimensions.get(dimensionId);
    const factor = dimension === undefined ? undefined : factorBetween(claim.unit, dimension.unit);
    const [numerator, denominator] = factor ?? [1n, 1n];
    const reading = read(claim.value, numerator, denominator);

    let code: string | null = null;
    if (customer === null) code = 'missing_customer';
    else if (hasDuplicateKey(event.attributes) || hasDuplicateKey(event.source.resource))
      code = 'duplicate_attribute';
    else if (timeUnixNano === 0n) code = 'time_zero';
    else if (claim.startUnixNano > timeUnixNano) code = 'start_after_time';
    else if (timeUnixNano > nowUnixNano + FUTURE_TOLERANCE_NANO) code = 'time_in_future';
    else if (typeof reading === 'string') code = reading;
    else if (dimensionId === null) code = 'unknown_dimension';
    else if (dimension !== undefined && factor === null) code = 'wrong_unit';
    else if (reading < 0n && dimension?.creditsAllowed !== true) code = 'credits_not_allowed';
    if (code === null) this.#discover(customer!, dimensionId!, claim.unit);

    const value = typeof reading === 'bigint' ? String(reading) : `${reading} ${canonical(claim.value)}`;
    const content: Content = {
      meterId,
      version,
      customer,
      dimensionId,
      timeUnixNano,
      said: JSON.stringify([customer, claim.metadata, String(claim.startUnixNano), value]),
    };
    const key = this.#keyOf(event, claim);
    if (key.counted !== null) {
      if (!isSame(key.counted, content)) this.#list(key, content, code ?? 'event_conflict');
    } else if (code !== null) {
      this.#list(key, content, code);
    } else {
      key.counted = { ...content, quantity: reading as bigint };
      key.listed = key.listed.filter((listed) => !isSame(listed.content, content));
    }
  }

  #keyOf(event: OtlpEvent, { meterId, dimensionId, eventId }: Claim): Key {
    let identity: unknown[];
    if (eventId !== null) identity = ['id', eventId];
    else if (event.type === 'span') identity = ['span', event.traceId, event.spanId];
    else {
      const { source, timeUnixNano, severityNumber, body, attributes, eventName } = event;
      identity = [
        resourceIdentity(source.resource),
        source.scopeName,
        String(timeUnixNano),
        severityNumber,
        canonicalValue(body),
        canonicalAttributes(attributes),
        eventName,
      ];
    }
    const name = JSON.stringify([meterId, dimensionId, identity]);
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = { counted: null, listed: [] };
      this.#keys.set(name, key);
    }
    return key;
  }

  /** A content of a key is listed once, under its first fault. */
  #list(key: Key, content: Content, code: string): void {
    if (key.listed.some((listed) => isSame(listed.content, content))) return;
    const customerId = content.customer === null ? null : this.customerOf(content.customer);
    key.listed.push({ content, code, customerId });
  }

  #discover(customerId: string, dimensionId: string, unit: string): void {
    this.discoverCustomer(customerId);
    if (!this.#dimensions.has(dimensionId)) this.declareDimension(dimensionId, unit);
  }
}

/** Another version of a rule may make anything of the same event but its time. */
function isSame(a: Content, b: Content): boolean {
  return a.timeUnixNano === b.timeUnixNano && (a.version !== b.version || a.said === b.said);
}

function builtinClaim(event: OtlpEvent): Claim | null {
  const { attributes, source } = event;
  const named = textOf(attribute(attributes, 'usage.dimension.id'));
  const eventName = event.type === 'log' ? event.eventName : '';
  if (named === null && !eventName.startsWith('usage.')) return null;
  const read = ['usage.customer.id', 'usage.dimension.id', 'usage.value', 'usage.event.id', 'log.record.uid'];
  return {
    meterId: 'builtin',
    version: 0,
    customer:
      textOf(attribute(attributes, 'usage.customer.id')) ??
      textOf(attribute(source.resource, 'usage.customer.id')),
    dimensionId: named ?? textOf(eventName.slice('usage.'.length)),
    value: attribute(attributes, 'usage.value') === undefined ? 1n : attribute(attributes, 'usage.value')!,
    unit: '1',
    metadata: metadataText(attributes.filter(([key]) => !read.includes(key))),
    ...timesOf(event),
    eventId:
      textOf(attribute(attributes, 'usage.event.id')) ?? textOf(attribute(attributes, 'log.record.uid')),
  };
}

function claimOf(meter: ModelMeter, version: number, event: OtlpEvent): Claim | null {
  const { attributes } = event;
  const [key, text] = meter.match;
  if (event.type !== meter.signal || attribute(attributes, key) !== text) return null;
  const first = (keys: readonly string[]) =>
    keys.map((one) => textOf(attribute(attributes, one))).find((id) => id !== null) ?? null;
  const value = typeof meter.value === 'string' ? attribute(attributes, meter.value) : durationOf(event);
  return {
    meterId: meter.id,
    version,
    customer: first(meter.customer),
    dimensionId: meter.dimensionId,
    // Paths lead past the empty text to nothing.
    value: value === '' ? undefined : value,
    unit: meter.unit,
    // Of a key that stands twice a path reads the first.
    metadata: metadataText(
      attributes.filter(
        ([name], at) => meter.metadata.includes(name) && attributes.findIndex(([key]) => key === name) === at,
      ),
    ),
    ...timesOf(event),
    eventId: first(meter.eventId),
  };
}

function timesOf(event: OtlpEvent): Pick<Claim, 'startUnixNano' | 'timeUnixNano'> {
  return event.type === 'log'
    ? { startUnixNano: 0n, timeUnixNano: event.timeUnixNano || event.observedTimeUnixNano }
    : { startUnixNano: event.startUnixNano, timeUnixNano: event.endUnixNano };
}

/** In seconds; a span that does not say when it began or ended has none. */
function durationOf(event: OtlpEvent): Claim['value'] {
  const { startUnixNano, timeUnixNano } = timesOf(event);
  if (startUnixNano === 0n || timeUnixNano === 0n) return undefined;
  return { decimal: { digits: timeUnixNano - startUnixNano, power: -9 } };
}

function metadataText(attributes: OtlpAttributes): string {
  return JSON.stringify(attributes.map(([key, value]) => [key, String(value)]).sort());
}

/** A value × 10^12 after conversion, or the code of what is wrong with it. */
function read(value: Claim['value'], numerator: bigint, denominator: bigint): bigint | string {
  if (value === undefined || value === null) return 'no_value';
  let decimal: Decimal | null;
  if (typeof value === 'bigint') decimal = { digits: value, power: 0 };
  else if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'not_a_number';
    if (!Number.isFinite(value)) return 'infinite';
    decimal = decimalOf(String(value));
  } else if (typeof value === 'string') decimal = decimalOf(value);
  else decimal = typeof value === 'object' && 'decimal' in value ? value.decimal : null;
  if (decimal === null) return 'not_a_number';
  const quantity = scaled(decimal, numerator, denominator);
  return quantity >= LIMIT || quantity <= -LIMIT ? 'out_of_range' : quantity;
}

/** What a text spells, with or without an exponent. */
function decimalOf(text: string): Decimal | null {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, power: Number(exponent) - fraction.length };
}

/** × 10^12 × numerator / denominator, half-even. */
function scaled({ digits, power }: Decimal, numerator: bigint, denominator: bigint): bigint {
  const shift = power + 12;
  const up = (digits < 0n ? -digits : digits) * numerator * 10n ** BigInt(Math.max(shift, 0));
  const down = denominator * 10n ** BigInt(Math.max(-shift, 0));
  const below = up / down;
  const twice = (up % down) * 2n;
  const magnitude = twice > down || (twice === down && below % 2n === 1n) ? below + 1n : below;
  return digits < 0n ? -magnitude : magnitude;
}

/** What a value is multiplied by; null where the units are of different kinds. */
function factorBetween(from: string, to: string): readonly [bigint, bigint] | null {
  const [kind, numerator, denominator] = UNITS[from];
  const [toKind, toNumerator, toDenominator] = UNITS[to];
  return kind === toKind ? [numerator * toDenominator, denominator * toNumerator] : null;
}

function canonical(value: Claim['value']): string {
  if (value === undefined) return 'none';
  if (typeof value === 'object' && value !== null && 'decimal' in value) return String(value.decimal.digits);
  return canonicalValue(value);
}
