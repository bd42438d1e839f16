/**
 * One run of the property "the same signals, the same usage": a seed makes data points, log records, spans and records by
 * hand, repeats, shuffles and regroups them, sends them to a running receiver that is stopped and killed meanwhile and
 * whose meters and customers change, and compares its answers to the models.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { EventModel } from '../model/event-model.ts';
import { decimalText, type ModelResult, usageOf } from '../model/usage-model.ts';
import { ApiClient } from '../system/api/api-client.ts';
import { randomStory, ruleOf, STORY_DIMENSIONS, type StoryChange, type StoryChapter } from './event-story.ts';
import { type PreparedRequest, sendInterrupted } from './interrupted-sending.ts';
import { encodeEvents, looseEvent } from './otlp-events.ts';
import {
  CUMULATIVE,
  DELTA,
  NO_RECORDED_VALUE,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
  UNSPECIFIED,
} from './otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from './otlp-writer.ts';
import { Random } from './random.ts';
import { readQuarantine, readUsage } from './receiver-api.ts';
import { type ReceiverProcess, startReceiver } from './receiver-process.ts';

const DAY_NANO = 86_400_000_000_000n;
const SECOND_NANO = 1_000_000_000n;
/** 2025-11-20T00:00:00Z; all usage lies within the three days from here. */
const FIRST_DAY = 1_763_596_800n * SECOND_NANO;
const RANGE = { from: '2025-11-20T00:00:00Z', to: '2025-11-23T00:00:00Z' };

export interface PropertyOutcome {
  points: number;
  /** Log records, spans and records by hand, with all their repetitions. */
  events: number;
  records: number;
  sent: number;
  requests: number;
  changes: number;
  restarts: number;
  kills: number;
}

/** What is sent: `declared` alone and first, because what the registry learns depends on order. */
export interface PropertyCase {
  declared: OtlpPoint[];
  points: OtlpPoint[];
  /** Points come with any chapter, events and records with theirs. */
  chapters: StoryChapter[];
  /** Knows the chapters. */
  events: EventModel;
}

/** @throws Error naming the seed, with the rows that differ */
export async function runProperty(seed: number): Promise<PropertyOutcome> {
  const random = new Random(seed);
  return runPropertyCase(`seed ${seed}`, randomCase(random), random);
}

/** The same for a given case: how a failing seed becomes a named one. */
export async function runPropertyCase(
  name: string,
  { declared, points, chapters, events }: PropertyCase,
  random: Random,
): Promise<PropertyOutcome> {
  const dataDir = await mkdtemp(join(tmpdir(), 'usage-meter-property-'));
  const ofPoints = usageOf([...declared, ...points], BigInt(Date.now()) * 1_000_000n);
  const expected = expectedAnswers(ofPoints, events);
  const copies = random.shuffled([...declared, ...points].flatMap((point) => repeated(point, random)));
  const requests = chapters.map((chapter, index) => {
    const own = copies.filter((_, at) => at % chapters.length === index);
    return random.shuffled([...pointRequests(own, random), ...eventRequests(chapter, random)]);
  });
  const outcome: PropertyOutcome = {
    points: declared.length + points.length,
    events: chapters.reduce((sum, chapter) => sum + chapter.events.length, 0),
    records: chapters.reduce((sum, chapter) => sum + chapter.records.length, 0),
    sent: declared.length + copies.length,
    requests: requests.flat().length + 1,
    changes: chapters.reduce((sum, { changes }) => sum + changes.length, 0),
    restarts: 0,
    kills: 0,
  };
  let receiver = await startReceiver({ dataDir });
  try {
    for (const dimension of STORY_DIMENSIONS) await made(receiver, 'POST', '/dimensions', dimension);
    const first = { path: '/v1/metrics', headers: PROTOBUF, body: writer.encode(requestOf(declared)) };
    await sendInterrupted(receiver, [first], new Set(), random);
    // The receiver goes away at these requests, while others are in flight.
    const interruptions = Array.from({ length: random.integer(1, 3) }, () =>
      random.integer(0, outcome.requests - 2),
    );
    let sent = 0;
    for (const [index, { changes }] of chapters.entries()) {
      for (const change of changes) await makeChange(receiver, change);
      const own = requests[index];
      const places = new Set(interruptions.map((at) => at - sent).filter((at) => at >= 0 && at < own.length));
      const sending = await sendInterrupted(receiver, own, places, random);
      receiver = sending.receiver;
      outcome.restarts += sending.restarts;
      outcome.kills += sending.kills;
      sent += own.length;
    }
    compare(name, expected, await actualAnswers(receiver.url));
    // What a restart reads back is what was answered before it.
    receiver = await restarted(receiver, random.chance(0.5));
    compare(`${name}, after a restart`, expected, await actualAnswers(receiver.url));
    await receiver.stop();
  } catch (error) {
    await receiver.kill();
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}\n${receiver.output()}`, {
      cause: error,
    });
  }
  await rm(dataDir, { recursive: true, force: true });
  return outcome;
}

function makeChange(receiver: ReceiverProcess, change: StoryChange): Promise<void> {
  switch (change.type) {
    case 'meter':
      return made(receiver, 'PUT', `/meters/${change.meter.id}`, ruleOf(change.meter));
    case 'meter_deleted':
      return made(receiver, 'DELETE', `/meters/${change.id}`);
    case 'customer':
      return made(receiver, 'PUT', `/customers/${change.id}`, { aliases: change.aliases });
  }
}

/** @throws Error unless the change is made */
async function made(receiver: ReceiverProcess, method: string, path: string, body?: object): Promise<void> {
  const { status, body: answer } = await new ApiClient(receiver.url).send(method, path, body);
  if (status < 300) return;
  throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
}

async function restarted(receiver: ReceiverProcess, kills: boolean): Promise<ReceiverProcess> {
  if (kills) await receiver.kill();
  else await receiver.stop();
  return startReceiver({ dataDir: receiver.dataDir });
}

function repeated(point: OtlpPoint, random: Random): OtlpPoint[] {
  return Array.from({ length: random.integer(1, 5) }, () => point);
}

/** Requests of any size; within one, points of a metric together or strewn over many metrics of the same name. */
function regrouped(points: OtlpPoint[], random: Random): OtlpPoint[][] {
  const groups: OtlpPoint[][] = [];
  const largest = random.pick([3, 30, 300]);
  for (let at = 0; at < points.length; ) {
    const size = random.integer(1, largest);
    const group = points.slice(at, at + size);
    const streams = [...new Set(group.map((point) => point.stream))];
    if (random.chance(0.7)) group.sort((a, b) => streams.indexOf(a.stream) - streams.indexOf(b.stream));
    groups.push(group);
    at += size;
  }
  return groups;
}

const writer = new ProtobufWriter();
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };

function pointRequests(points: OtlpPoint[], random: Random): PreparedRequest[] {
  return regrouped(points, random).map((group) => {
    const request = requestOf(group);
    const isJson = random.chance(0.4);
    const body = isJson
      ? Buffer.from(toJson(request, { bareIntegers: random.chance(0.3) }))
      : writer.encode(request);
    return compressed('/v1/metrics', body, isJson, random);
  });
}

function eventRequests({ events, records }: StoryChapter, random: Random): PreparedRequest[] {
  const requests: PreparedRequest[] = [];
  const largest = random.pick([3, 30, 300]);
  for (const [signal, type] of [
    ['logs', 'log'],
    ['traces', 'span'],
  ] as const) {
    const own = random.shuffled(events.filter((event) => event.type === type)).map(looseEvent);
    while (own.length > 0) {
      const isJson = random.chance(0.4);
      const group = own.splice(0, random.integer(1, largest));
      const body = encodeEvents(signal, group, isJson ? 'json' : 'protobuf', random.integer(1, 1e6));
      requests.push(compressed(`/v1/${signal}`, body, isJson, random));
    }
  }
  const good = random.shuffled(records.filter(({ isConflict }) => !isConflict));
  while (good.length > 0)
    requests.push(recordRequest(good.splice(0, random.integer(1, largest)), [200, 201]));
  // One that conflicts takes all others of its request with it.
  for (const one of records) if (one.isConflict) requests.push(recordRequest([one], [409]));
  return requests;
}

function recordRequest(records: StoryChapter['records'], accepted: readonly number[]): PreparedRequest {
  const body = records.map(({ record: { timeUnixNano, ...record } }) => {
    const seconds = new Date(Number(timeUnixNano / 1_000_000n)).toISOString().slice(0, 19);
    return { ...record, timestamp: `${seconds}.${String(timeUnixNano % SECOND_NANO).padStart(9, '0')}Z` };
  });
  return { path: '/api/v1/usage', headers: JSON_TYPE, body: Buffer.from(JSON.stringify(body)), accepted };
}

function compressed(path: string, plain: Uint8Array, isJson: boolean, random: Random): PreparedRequest {
  const headers = isJson ? JSON_TYPE : PROTOBUF;
  const encoding = random.pick(['gzip', 'deflate', 'identity'] as const);
  if (encoding === 'identity') return { path, headers, body: plain };
  const body = encoding === 'gzip' ? gzipSync(plain) : deflateSync(plain);
  return { path, headers: { ...headers, 'content-encoding': encoding }, body };
}

interface Answers {
  /** `customer / dimension` → quantity */
  totals: string[];
  /** `customer / dimension / hour` → quantity */
  hours: string[];
  /** `reason / meter / customer / dimension` → signals, and the quantity of baselines */
  quarantine: string[];
}

function expectedAnswers(ofPoints: ModelResult, events: EventModel): Answers {
  const ofEvents = events.result();
  // An alias means its customer for what came before it too.
  const named = <T extends { customerId: string | null }>(row: T): T => ({
    ...row,
    customerId: row.customerId === null ? null : events.customerOf(row.customerId),
  });
  const usage = [...ofPoints.usage.map(named), ...ofEvents.usage];
  const quarantined = [
    ...ofPoints.quarantined.map((row) => ({ ...named(row), meterId: 'builtin' })),
    ...ofEvents.quarantined,
  ];
  const totals = new Map<string, bigint>();
  const hours = new Map<string, bigint>();
  const add = (sums: Map<string, bigint>, key: string, quantity: bigint) =>
    sums.set(key, (sums.get(key) ?? 0n) + quantity);
  for (const { customerId, dimensionId, timeUnixNano, quantity } of usage) {
    const hour = new Date(Number((timeUnixNano / (3600n * SECOND_NANO)) * 3_600_000n)).toISOString();
    add(totals, `${customerId} / ${dimensionId}`, quantity);
    add(hours, `${customerId} / ${dimensionId} / ${hour}`, quantity);
  }
  const listed = new Map<string, { signals: number; quantity: bigint }>();
  for (const { code, meterId, customerId, dimensionId, quantity } of quarantined) {
    const key = `${code} / ${meterId} / ${customerId} / ${dimensionId}`;
    const row = listed.get(key) ?? { signals: 0, quantity: 0n };
    listed.set(key, { signals: row.signals + 1, quantity: row.quantity + (quantity ?? 0n) });
  }
  return {
    totals: lines(totals),
    hours: lines(hours),
    quarantine: [...listed]
      .map(([key, { signals, quantity }]) => quarantineLine(key, signals, decimalText(quantity)))
      .sort(),
  };
}

async function actualAnswers(url: string): Promise<Answers> {
  const totals = await readUsage(url, RANGE);
  const hours = await readUsage(url, { ...RANGE, window: 'hour', fill: 'false' });
  const quarantine = await readQuarantine(url);
  return {
    totals: totals
      .filter((row) => row.quantity !== '0')
      .map((row) => `${row.customerId} / ${row.dimensionId}: ${row.quantity}`)
      .sort(),
    hours: hours
      .filter((row) => row.quantity !== '0')
      .map(
        (row) =>
          `${row.customerId} / ${row.dimensionId} / ${new Date(row.windowStart).toISOString()}: ${row.quantity}`,
      )
      .sort(),
    quarantine: quarantine
      .map((row) =>
        quarantineLine(
          `${row.reason} / ${row.meterId} / ${row.customerId} / ${row.dimensionId}`,
          row.signals,
          row.quantity ?? '',
        ),
      )
      .sort(),
  };
}

/** The quantity matters where it is withheld usage; elsewhere it only helps people. */
function quarantineLine(key: string, signals: number, quantity: string): string {
  return key.startsWith('baseline ') ? `${key}: ${signals} (${quantity})` : `${key}: ${signals}`;
}

function lines(sums: Map<string, bigint>): string[] {
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .map(([key, sum]) => `${key}: ${decimalText(sum)}`)
    .sort();
}

function compare(name: string, expected: Answers, actual: Answers): void {
  for (const part of ['quarantine', 'totals', 'hours'] as const) {
    const missing = expected[part].filter((line) => !actual[part].includes(line));
    const extra = actual[part].filter((line) => !expected[part].includes(line));
    if (missing.length + extra.length === 0) continue;
    const shown = [...missing.map((line) => `- ${line}`), ...extra.map((line) => `+ ${line}`)].slice(0, 40);
    throw new Error(`${name}: ${part} differ (- the model, + the receiver)\n${shown.join('\n')}`);
  }
}

// --- points ---------------------------------------------------------------------------------------------------

const CUSTOMERS = ['acme', 'globex', 'Ünïcode & söhne', '0'];
/** Each has a unit and comes by its metric's name or by the attribute. */
const DIMENSIONS = [
  { id: 'api.requests', unit: '1' },
  { id: 'tokens', unit: '{token}' },
  { id: 'storage', unit: 'By' },
];

/** @returns points whose verdicts do not depend on the order of those after `declared` */
export function randomCase(random: Random): PropertyCase {
  const streams = randomStreams(random);
  const declared = streams.map(({ stream: own, customer }) => ({
    stream: own,
    attributes: customer,
    startUnixNano: FIRST_DAY - SECOND_NANO,
    timeUnixNano: FIRST_DAY,
    value: 1n,
    flags: 0,
  }));
  // A first reading that declares a cumulative stream has a series of its own, so that it decides nothing else.
  for (const point of declared) {
    point.attributes = [...point.attributes, ['declares', 'stream']];
  }
  const points: OtlpPoint[] = [];
  for (const { stream: own, customer } of streams) {
    // A series that mixes both depends on which kind came first.
    const startIsKnown = random.chance(0.6);
    const good: OtlpPoint[] = [];
    for (let series = random.integer(1, 4); series > 0; series--) {
      const attributes = randomAttributes(random, customer);
      const values = random.chance(0.5) ? randomInteger : randomDouble;
      if (own.temporality === DELTA) good.push(...deltaPoints(random, own, attributes, values));
      else good.push(...cumulativePoints(random, own, attributes, values, startIsKnown));
    }
    points.push(...good);
    if (random.chance(0.4)) points.push(...replicated(good, own));
  }
  for (const { stream: own, customer } of streams) {
    for (let faults = random.integer(0, 6); faults > 0; faults--) {
      points.push(faultyPoint(random, own, customer));
    }
  }
  const events = new EventModel();
  for (const { stream: own, dimension, customer } of streams) {
    events.declareDimension(dimension.id, dimension.unit);
    const [, id] = [...customer, ...own.resource].find(([key]) => key === 'usage.customer.id')!;
    events.discoverCustomer(String(id));
  }
  return { declared, points, chapters: randomStory(random, randomTime, events), events };
}

/** The same points by a second instance of the service: usage of its own, though nothing else differs. */
function replicated(points: OtlpPoint[], own: OtlpStream): OtlpPoint[] {
  const others = own.resource.filter(([key]) => key !== 'service.instance.id');
  const replica = { ...own, resource: [...others, ['service.instance.id', 'replica'] as const] };
  return points.map((point) => ({ ...point, stream: replica }));
}

interface RandomStream {
  stream: OtlpStream;
  dimension: { id: string; unit: string };
  /** The attributes that name customer and, unless the metric's name does, dimension. */
  customer: OtlpAttributes;
}

function randomStreams(random: Random): RandomStream[] {
  const streams: RandomStream[] = [];
  const count = random.integer(2, 6);
  for (let index = 0; index < count; index++) {
    const dimension = random.pick(DIMENSIONS);
    const byName = random.chance(0.5);
    const onResource = random.chance(0.2);
    const customer = random.pick(CUSTOMERS);
    const resource: (readonly [string, string])[] = [['service.name', `app-${index}`]];
    if (random.chance(0.7)) resource.push(['service.instance.id', `instance-${index}`]);
    if (random.chance(0.6)) resource.push(['telemetry.sdk.name', 'opentelemetry']);
    if (onResource) resource.push(['usage.customer.id', customer]);
    if (random.chance(0.5)) resource.push(['host.name', `host-${random.integer(1, 2)}`]);
    const attributes: (readonly [string, string])[] = [];
    if (!onResource) attributes.push(['usage.customer.id', customer]);
    if (!byName) attributes.push(['usage.dimension.id', dimension.id]);
    streams.push({
      dimension,
      stream: stream({
        resource: random.shuffled(resource),
        scopeName: random.pick(['', 'usage', 'http']),
        scopeVersion: random.pick(['', '1.0.0']),
        scopeAttributes: random.chance(0.2) ? [['scope', 'a']] : [],
        name: byName ? `usage.${dimension.id}` : `app.metric.${index}`,
        unit: dimension.unit === '1' ? random.pick(['', '1']) : dimension.unit,
        temporality: random.chance(0.5) ? DELTA : CUMULATIVE,
      }),
      customer: attributes,
    });
  }
  return streams;
}

function randomAttributes(random: Random, customer: OtlpAttributes): OtlpAttributes {
  return random.shuffled([
    ...customer,
    ['series', random.pick(['a', 'b', 'c'])] as const,
    ...(random.chance(0.3) ? [['typed', random.pick([1n, 1.5, '1', true])] as const] : []),
  ]);
}

type RandomValue = (random: Random) => bigint | number;

function randomInteger(random: Random): bigint {
  return random.pick([
    0n,
    1n,
    BigInt(random.integer(0, 1000)),
    BigInt(random.integer(0, 2 ** 40)),
    9_007_199_254_740_993n,
    4_611_686_018_427_387_904n,
  ]);
}

function randomDouble(random: Random): number {
  return random.pick([
    0.1,
    random.integer(0, 1000) / 4,
    random.next(),
    random.next() * 1e6,
    random.next() * 1e-9,
    random.next() * 1e20,
  ]);
}

function randomTime(random: Random): bigint {
  return (
    FIRST_DAY + BigInt(random.integer(1, 3 * 86_400_000 - 1)) * 1_000_000n + BigInt(random.integer(0, 1))
  );
}

function deltaPoints(
  random: Random,
  own: OtlpStream,
  attributes: OtlpAttributes,
  values: RandomValue,
): OtlpPoint[] {
  return Array.from({ length: random.integer(1, 25) }, () => {
    const timeUnixNano = randomTime(random);
    const startUnixNano = random.pick([0n, timeUnixNano, timeUnixNano - SECOND_NANO, FIRST_DAY - DAY_NANO]);
    const value = values(random);
    const one: OtlpPoint = { stream: own, attributes, startUnixNano, timeUnixNano, value, flags: 0 };
    // The same window with another value: both count.
    return random.chance(0.1) ? [one, { ...one, value: values(random) }] : [one];
  }).flat();
}

function cumulativePoints(
  random: Random,
  own: OtlpStream,
  attributes: OtlpAttributes,
  values: RandomValue,
  startIsKnown: boolean,
): OtlpPoint[] {
  const points: OtlpPoint[] = [];
  for (let segments = startIsKnown ? random.integer(1, 3) : 1; segments > 0; segments--) {
    const times = Array.from({ length: random.integer(1, 15) }, () => randomTime(random)).sort((a, b) =>
      a < b ? -1 : 1,
    );
    const startUnixNano = startIsKnown
      ? random.pick([times[0], times[0] - SECOND_NANO, times[0] - DAY_NANO])
      : 0n;
    let total: bigint | number = values(random);
    for (const timeUnixNano of times) {
      points.push({ stream: own, attributes, startUnixNano, timeUnixNano, value: total, flags: 0 });
      if (random.chance(0.15)) total = values(random);
      else total = grown(total, random);
    }
  }
  return points;
}

/** A running total after some more usage, within int64. */
function grown(total: bigint | number, random: Random): bigint | number {
  if (typeof total === 'number') return total + random.pick([0, 0.1, 12.25, random.next()]);
  return total + BigInt(random.pick([0, 1, random.integer(0, 2 ** 30)]));
}

/** A point that must be quarantined or ignored, whatever its neighbours are. */
function faultyPoint(random: Random, own: OtlpStream, customer: OtlpAttributes): OtlpPoint {
  const timeUnixNano = randomTime(random);
  const good: OtlpPoint = {
    stream: own,
    attributes: [...customer, ['faulty', BigInt(random.integer(1, 3))]],
    startUnixNano: timeUnixNano - SECOND_NANO,
    timeUnixNano,
    value: BigInt(random.integer(0, 100)),
    flags: 0,
  };
  const named = own.name.startsWith('usage.');
  const dimension = named ? [] : customer.filter(([key]) => key === 'usage.dimension.id');
  const fault = random.pick(FAULTS);
  return fault({ good, dimension, random });
}

type Fault = (context: { good: OtlpPoint; dimension: OtlpAttributes; random: Random }) => OtlpPoint;

/** Streams by their changed form, so that points of one stream can share a metric. */
function changed(point: OtlpPoint, changes: Partial<OtlpStream>): OtlpPoint {
  return { ...point, stream: { ...point.stream, ...changes } };
}

const FAULTS: Fault[] = [
  ({ good, dimension }) => ({ ...good, attributes: [...dimension, ['otel.metric.overflow', true]] }),
  ({ good, dimension }) => ({
    ...changed(good, { resource: [['service.name', 'nobody']] }),
    attributes: dimension,
  }),
  ({ good, dimension, random }) => ({
    ...changed(good, { resource: [['service.name', 'nobody']] }),
    attributes: [...dimension, ['usage.customer.id', random.pick(['', 1.5, null])]],
  }),
  ({ good }) => ({ ...good, attributes: [...good.attributes, ['faulty', 'again']] }),
  ({ good }) => ({ ...good, timeUnixNano: 0n }),
  ({ good }) => ({ ...good, startUnixNano: good.timeUnixNano + 1n }),
  ({ good }) => ({ ...good, timeUnixNano: 7_258_118_400n * SECOND_NANO }),
  ({ good }) => ({ ...good, value: null }),
  ({ good }) => ({ ...good, value: Number.NaN }),
  ({ good, random }) => ({ ...good, value: random.pick([Infinity, -Infinity]) }),
  ({ good, random }) => ({ ...good, value: random.pick([1e26, 1e300, -1e26]) }),
  ({ good, random }) => changed(good, { temporality: random.pick([UNSPECIFIED, 3]) }),
  ({ good, random }) => ({
    ...changed(good, { kind: random.pick(['histogram', 'exponential_histogram', 'summary'] as const) }),
    value: { count: 3n, sum: 4.5 },
  }),
  ({ good, random }) => ({ ...good, value: random.pick([-1n, -0.5]) }),
  ({ good }) => changed(good, { temporality: good.stream.temporality === DELTA ? CUMULATIVE : DELTA }),
  // Instruments of their own: neither shares the temporality of a declared one.
  ({ good }) => wild(changed(good, { unit: 'h' }), 'unit'),
  ({ good }) => wild(changed(good, { kind: 'gauge' }), 'gauge'),
  ({ good }) => wild(changed(good, { temporality: CUMULATIVE, monotonic: false }), 'level'),
  ({ good }) => wild(changed(good, { temporality: DELTA, monotonic: false }), 'signed'),
  ({ good, random }) => ({
    ...changed(good, { kind: random.pick(['gauge', 'sum'] as const), monotonic: false, name: 'levels' }),
    attributes: [
      ['usage.customer.id', 'acme'],
      ['usage.dimension.id', 'never.declared'],
    ],
  }),
  // Ignored: nobody claims it, or it has no value by its own word.
  ({ good }) => ({
    ...changed(good, { name: 'http.server.requests' }),
    attributes: [['usage.customer.id', 'acme']],
  }),
  ({ good }) => ({ ...good, value: null, flags: NO_RECORDED_VALUE }),
];

/** The point by another scope, hence another instrument. */
function wild(point: OtlpPoint, scopeName: string): OtlpPoint {
  return changed(point, { scopeName: `faulty ${scopeName}` });
}
