/**
 * A random story of log records, spans and records by hand, told in chapters: meters and customers change between them,
 * events come again in later ones, as they were or with other content. Within a chapter nothing depends on order, since
 * each id has one content there.
 */
import type { EventModel, HandRecord, ModelMeter } from '../model/event-model.ts';
import type { OtlpEvent, OtlpEventSource, OtlpLog, OtlpSpan } from './otlp-events.ts';
import type { OtlpAttributes, OtlpValue } from './otlp-points.ts';
import type { Random } from './random.ts';

export type StoryChange =
  | { type: 'meter'; meter: ModelMeter }
  | { type: 'meter_deleted'; id: string }
  /** All aliases that the customer has from now on. */
  | { type: 'customer'; id: string; aliases: string[] };

export interface StoryChapter {
  /** Made one after the other, before anything else of the chapter. */
  changes: StoryChange[];
  /** Each as often as it is sent. */
  events: OtlpEvent[];
  /** Each as often as it is sent, with what shall be answered. */
  records: { record: HandRecord; isConflict: boolean }[];
}

export const STORY_DIMENSIONS = [
  { id: 'order.time', unit: 'min', creditsAllowed: false },
  { id: 'order.credits', unit: 's', creditsAllowed: true },
  { id: 'job.time', unit: 'h', creditsAllowed: false },
  { id: 'bytes', unit: 'By', creditsAllowed: false },
];

const CHAPTERS = 4;

/**
 * @param time of an event, in the range that is asked for
 * @param model is told the story, and says which records are conflicts
 */
export function randomStory(
  random: Random,
  time: (random: Random) => bigint,
  model: EventModel,
): StoryChapter[] {
  for (const { id, unit, creditsAllowed } of STORY_DIMENSIONS)
    model.declareDimension(id, unit, creditsAllowed);
  const source: StorySource = { random, time, sources: randomSources(random), number: 0 };
  const families: Family[] = [];
  const aliases = random.shuffled(ALIASES);
  const known = new Map<string, string[]>();
  const meters = [random.shuffled(ORDERS), random.shuffled(JOBS)];
  const gone = new Set<string>();
  return Array.from({ length: CHAPTERS }, (_, index) => {
    const changes: StoryChange[] = [];
    for (const versions of meters) {
      const meter = versions[index % versions.length];
      if (index > 0 && random.chance(0.5)) continue;
      // Now and then one goes away, for a chapter or for good.
      if (index === 0 || gone.delete(meter.id) || random.chance(0.8)) changes.push({ type: 'meter', meter });
      else {
        gone.add(meter.id);
        changes.push({ type: 'meter_deleted', id: meter.id });
      }
    }
    if (index > 0 && random.chance(0.6)) {
      const [alias, id] = aliases.pop() ?? [];
      if (alias !== undefined && id !== undefined) {
        known.set(id, [...(known.get(id) ?? []), alias]);
        changes.push({ type: 'customer', id, aliases: known.get(id)! });
      }
    }
    for (const change of changes) tell(model, change);

    for (let added = random.integer(5, 20); added > 0; added--) families.push(random.pick(FAMILIES)(source));
    const chapter: StoryChapter = { changes, events: [], records: [] };
    const now = BigInt(Date.now()) * 1_000_000n;
    for (const family of families) {
      // What is new comes for certain, what is old now and then.
      if (family.isTold && random.chance(0.5)) continue;
      const signal = family.isTold && random.chance(0.4) ? family.variant() : family.original;
      family.isTold = true;
      const times = random.integer(1, 3);
      if ('id' in signal) {
        const isConflict = model.record(signal) === 'conflict';
        for (let n = times; n > 0; n--) chapter.records.push({ record: signal, isConflict });
      } else {
        model.take(signal, now);
        for (let n = times; n > 0; n--) chapter.events.push(seenAgain(signal, random));
      }
    }
    return chapter;
  });
}

/** A log that another Collector has seen: the same but for when. */
function seenAgain(event: OtlpEvent, random: Random): OtlpEvent {
  if (event.type === 'span' || event.timeUnixNano === 0n) return event;
  return { ...event, observedTimeUnixNano: event.timeUnixNano + BigInt(random.integer(0, 1e9)) };
}

/** A meter's rule as the API takes it. */
export function ruleOf(meter: ModelMeter): object {
  const path = (key: string) => `attributes[${JSON.stringify(key)}]`;
  return {
    id: meter.id,
    signals: [meter.signal === 'log' ? 'logs' : 'spans'],
    match: { all: [{ path: path(meter.match[0]), eq: meter.match[1] }] },
    customer: meter.customer.map(path),
    dimension: meter.dimensionId,
    value: typeof meter.value === 'string' ? { path: path(meter.value) } : 'duration',
    unit: meter.unit,
    metadata: meter.metadata,
    eventId: meter.eventId.length === 0 ? 'none' : meter.eventId.map(path),
  };
}

function tell(model: EventModel, change: StoryChange): void {
  if (change.type === 'meter') model.putMeter(change.meter);
  else if (change.type === 'meter_deleted') model.deleteMeter(change.id);
  else model.putCustomer(change.id, change.aliases);
}

// --- meters and customers -------------------------------------------------------------------------------------

const ORDER: ModelMeter = {
  id: 'orders',
  signal: 'log',
  match: ['kind', 'order'],
  customer: ['tenant'],
  dimensionId: 'order.time',
  value: 'amount',
  unit: 's',
  metadata: ['region'],
  eventId: ['order.id'],
};
const ORDERS: ModelMeter[] = [
  ORDER,
  { ...ORDER, customer: ['account', 'tenant'], value: 'net', unit: 'ms', metadata: [] },
  { ...ORDER, dimensionId: 'order.credits', metadata: ['region', 'note'] },
  { ...ORDER, unit: 'By' },
  { ...ORDER, match: ['kind', 'late order'], eventId: ['order.id', 'note'] },
];
const JOB: ModelMeter = {
  id: 'jobs',
  signal: 'span',
  match: ['kind', 'job'],
  customer: ['tenant'],
  dimensionId: 'job.time',
  value: { duration: true },
  unit: 's',
  metadata: ['region'],
  eventId: [],
};
const JOBS: ModelMeter[] = [
  JOB,
  { ...JOB, value: 'amount', unit: 'min' },
  { ...JOB, metadata: [], eventId: ['order.id'] },
];

/** Alias and customer; the last of them has usage by metrics too. */
const ALIASES: readonly (readonly [alias: string, id: string])[] = [
  ['acme-eu', 'acme'],
  ['acme-us', 'acme'],
  ['0', 'globex'],
];
const CUSTOMERS = ['acme', 'globex', 'acme-eu', 'acme-us', '0', 'Ünïcode & söhne'];

// --- events ---------------------------------------------------------------------------------------------------

/** An event or a record by hand, and what may come under its id besides. */
interface Family {
  original: OtlpEvent | HandRecord;
  variant: () => OtlpEvent | HandRecord;
  /** It has been sent. */
  isTold: boolean;
}

interface StorySource {
  random: Random;
  time: (random: Random) => bigint;
  sources: OtlpEventSource[];
  number: number;
}

function randomSources(random: Random): OtlpEventSource[] {
  const resources: OtlpAttributes[] = [
    [
      ['service.name', 'shop'],
      ['service.instance.id', 'shop-1'],
    ],
    [['service.name', 'shop']],
    [
      ['service.name', 'tenant-app'],
      ['usage.customer.id', 'globex'],
    ],
    [],
  ];
  return resources.map((resource) => ({
    resource,
    scopeName: random.pick(['', 'orders']),
    scopeVersion: random.pick(['', '1.0.0']),
  }));
}

const FAMILIES: readonly ((source: StorySource) => Family)[] = [
  // The built-in meter's, with an id and without.
  (source) => logFamily(source, builtinAttributes(source, 'usage.event.id')),
  (source) => logFamily(source, builtinAttributes(source, 'log.record.uid')),
  (source) => logFamily(source, builtinAttributes(source, null)),
  (source) => spanFamily(source, builtinAttributes(source, null)),
  // A configured meter's; some are the built-in one's too.
  (source) => logFamily(source, orderAttributes(source), ''),
  (source) => logFamily(source, orderAttributes(source), ''),
  (source) => spanFamily(source, orderAttributes(source, 'job')),
  recordFamily,
  recordFamily,
];

function logFamily(source: StorySource, attributes: OtlpAttributes, eventName?: string): Family {
  const { random, time, sources } = source;
  const named = attributes.some(([key]) => key === 'usage.dimension.id');
  const timeUnixNano = time(random);
  const original: OtlpLog = {
    type: 'log',
    source: random.pick(sources),
    timeUnixNano: random.chance(0.9) ? timeUnixNano : 0n,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: random.pick([0, 9, 17]),
    body: random.pick<OtlpValue>(['', null, 'text', { map: [['a', 1n]] }, 5n]),
    attributes,
    eventName:
      eventName ?? (named ? random.pick(['', 'something']) : `usage.${random.pick(EVENT_DIMENSIONS)}`),
  };
  const change = () =>
    random.pick<(log: OtlpLog) => OtlpLog>([
      (log) => ({
        ...log,
        // Without a time of its own it keeps none: its observed time is its time.
        timeUnixNano: log.timeUnixNano === 0n ? 0n : log.timeUnixNano + 1n,
        observedTimeUnixNano: log.observedTimeUnixNano + 1n,
      }),
      (log) => ({ ...log, timeUnixNano: 0n, observedTimeUnixNano: 0n }),
      (log) => ({ ...log, timeUnixNano: 7_258_118_400_000_000_000n }),
      (log) => ({ ...log, attributes: otherAttributes(log.attributes, random) }),
      (log) => ({ ...log, attributes: otherAttributes(log.attributes, random) }),
      // Nothing that a meter reads.
      (log) => ({ ...log, body: 'told otherwise', severityNumber: 1 }),
      (log) => ({ ...log, source: { ...log.source, scopeVersion: '2.0.0' } }),
    ])(original);
  const isKnownByContent = !attributes.some(([key]) => ID_KEYS.includes(key));
  // Some are wrong from the beginning, and come right later.
  if (isKnownByContent) return { original, variant: () => original, isTold: false };
  return random.chance(0.75)
    ? { original, variant: change, isTold: false }
    : { original: change(), variant: () => (random.chance(0.5) ? original : change()), isTold: false };
}

function spanFamily(source: StorySource, attributes: OtlpAttributes): Family {
  const { random, time, sources } = source;
  const endUnixNano = time(random);
  const original: OtlpSpan = {
    type: 'span',
    source: random.pick(sources),
    traceId: hex(random, 32),
    spanId: hex(random, 16),
    name: 'work',
    kind: random.integer(0, 5),
    startUnixNano: random.pick([0n, endUnixNano, endUnixNano - BigInt(random.integer(0, 1e12))]),
    endUnixNano,
    attributes: attributes.some(([key]) => key === 'usage.dimension.id' || key === 'kind')
      ? attributes
      : [...attributes, ['usage.dimension.id', random.pick(EVENT_DIMENSIONS)]],
  };
  const change = () =>
    random.pick<(span: OtlpSpan) => OtlpSpan>([
      (span) => ({ ...span, endUnixNano: span.endUnixNano + 1n }),
      (span) => ({ ...span, startUnixNano: span.endUnixNano + 1n }),
      (span) => ({ ...span, startUnixNano: span.endUnixNano - 77n }),
      (span) => ({ ...span, endUnixNano: 0n, startUnixNano: 0n }),
      (span) => ({ ...span, attributes: otherAttributes(span.attributes, random) }),
      (span) => ({ ...span, attributes: otherAttributes(span.attributes, random) }),
      (span) => ({ ...span, name: 'told otherwise', kind: 2 }),
    ])(original);
  return random.chance(0.75)
    ? { original, variant: change, isTold: false }
    : { original: change(), variant: () => (random.chance(0.5) ? original : change()), isTold: false };
}

function recordFamily(source: StorySource): Family {
  const { random, time } = source;
  const original: HandRecord = {
    id: `record-${source.number++}`,
    customerId: random.pick(CUSTOMERS),
    dimensionId: random.pick([...EVENT_DIMENSIONS, 'by.hand']),
    recordValue: random.pick(['0.1', '12', '9007199254740993.000000000001', String(random.integer(0, 1e6))]),
    timeUnixNano: time(random),
    metadata: random.pick<Record<string, string>>([{}, { region: 'eu' }, { region: 'us', note: '"' }]),
  };
  return {
    original,
    variant: () =>
      random.pick<HandRecord>([
        { ...original, recordValue: `1${original.recordValue}` },
        { ...original, timeUnixNano: original.timeUnixNano + 1n },
        { ...original, metadata: { ...original.metadata, added: 'later' } },
        // By another name of the customer it is the same record.
        { ...original, customerId: random.pick(CUSTOMERS) },
      ]),
    isTold: false,
  };
}

/** Some are those of metrics, where the case has such. */
const EVENT_DIMENSIONS = ['events', 'clicks', 'bytes', 'api.requests', 'tokens'];
const ID_KEYS = ['usage.event.id', 'log.record.uid', 'order.id'];

function builtinAttributes(source: StorySource, idKey: string | null): OtlpAttributes {
  const { random } = source;
  const number = source.number++;
  return random.shuffled<readonly [string, OtlpValue]>([
    ['usage.customer.id', random.pick(CUSTOMERS)],
    ['number', BigInt(number)],
    ...(random.chance(0.5) ? [['usage.dimension.id', random.pick(EVENT_DIMENSIONS)] as const] : []),
    ...(random.chance(0.8) ? [['usage.value', randomValue(random)] as const] : []),
    ...(random.chance(0.4) ? [['region', random.pick(['eu', 7n, true])] as const] : []),
    ...(idKey === null ? [] : [[idKey, random.chance(0.9) ? `e-${number}` : BigInt(number)] as const]),
  ]);
}

function orderAttributes(source: StorySource, kind?: string): OtlpAttributes {
  const { random } = source;
  const number = source.number++;
  return random.shuffled<readonly [string, OtlpValue]>([
    ['kind', kind ?? random.pick(['order', 'order', 'late order'])],
    ['tenant', random.pick(CUSTOMERS)],
    ['amount', randomValue(random)],
    ...(random.chance(0.7) ? [['net', randomValue(random)] as const] : []),
    ...(random.chance(0.3) ? [['account', random.pick(CUSTOMERS)] as const] : []),
    ...(random.chance(0.5) ? [['region', random.pick(['eu', 'us'])] as const] : []),
    ...(random.chance(0.2) ? [['note', `n-${number}`] as const] : []),
    ...(random.chance(0.8) ? [['order.id', `o-${number}`] as const] : [['n', BigInt(number)] as const]),
    ...(random.chance(0.1)
      ? ([
          ['usage.dimension.id', 'clicks'],
          ['usage.customer.id', 'acme'],
          ['log.record.uid', `o-${number}`],
        ] as const)
      : []),
  ]);
}

function randomValue(random: Random): OtlpValue {
  return random.pick<OtlpValue>([
    0n,
    BigInt(random.integer(0, 1e9)),
    9_007_199_254_740_993n,
    0.1,
    random.next() * 1e6,
    random.next() * 1e-9,
    '0.1',
    '12345678901234567890.1234567890125',
    `${random.integer(0, 99)}.${random.integer(0, 99999)}`,
  ]);
}

/** The attributes with something else in them: other content, or a fault. */
function otherAttributes(attributes: OtlpAttributes, random: Random): OtlpAttributes {
  const isOrder = attributes.some(([key]) => key === 'kind');
  const customer = isOrder ? 'tenant' : 'usage.customer.id';
  const value = isOrder ? 'amount' : 'usage.value';
  const without = (key: string) => attributes.filter(([name]) => name !== key);
  return random.pick<() => OtlpAttributes>([
    () => [...without(value), [value, 424_242n]],
    () => [
      ...without(value),
      [value, random.pick(['twelve', '', true, -1n, '-0.5', 1e27, `1${'0'.repeat(26)}`])],
    ],
    () => [...without(value), [value, random.pick([Number.NaN, Infinity, null])]],
    () => [...without(customer), [customer, random.pick(CUSTOMERS)]],
    () => [...without(customer), [customer, random.pick<OtlpValue>(['', 1.5, null])]],
    () => without(customer),
    () => [...without('region'), ['region', 'mars']],
    () => [...attributes, ['region', 'twice'], ['region', 'twice']],
  ])();
}

function hex(random: Random, length: number): string {
  return `1${Array.from({ length: length - 1 }, () => random.integer(0, 15).toString(16)).join('')}`;
}
