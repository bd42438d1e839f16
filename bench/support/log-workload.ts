/**
 * Log records of 2,000 customers that five meters turn into usage, of which one matches each record.
 *
 * A record has eight attributes, a text as body, trace and span id, and an event id of its own. Its value is a whole
 * number, a double, a decimal in a text, or one by the rule. Times move with every record.
 */
import { LogsRequest, type Message } from '../../test/receiver/otlp/otlp-proto.ts';
import { Random } from '../../test/support/random.ts';
import {
  CUSTOMERS,
  customerId,
  FIRST_TIME_UNIX_NANO,
  type NaiveRow,
  REGIONS,
  resourceOf,
  STEP_NANO,
  Workload,
} from './workload.ts';

/** How a kind of event says how much. */
type Spelling = 'none' | 'integer' | 'double' | 'text';

const KINDS: { kind: string; dimension: string; spelling: Spelling; route: string }[] = [
  { kind: 'request.served', dimension: 'api.requests', spelling: 'none', route: '/v1/orders/{id}' },
  { kind: 'completion.done', dimension: 'tokens', spelling: 'integer', route: '/v1/completions' },
  { kind: 'object.stored', dimension: 'storage', spelling: 'double', route: '/v1/objects/{key}' },
  { kind: 'job.finished', dimension: 'compute', spelling: 'text', route: '/v1/jobs/{id}' },
  { kind: 'mail.sent', dimension: 'mails', spelling: 'integer', route: '/v1/mails' },
];
const DIMENSIONS = KINDS.map(({ dimension }) => dimension);
const PLANS = ['free', 'team', 'enterprise'];
const WARM_UP_RECORDS = 5000;

export interface LogRecord {
  kind: number;
  customer: number;
  region: string;
  timeUnixNano: bigint;
  eventId: string;
  traceId: Uint8Array;
  spanId: Uint8Array;
  /** 0.25 is the smallest step, so that sums of doubles are exact. */
  amount: number;
}

/** The clock of one app, and its way through all customers, regions and kinds. */
class App {
  readonly random: Random;
  readonly resource: Message;
  /** Places of [kind, region, customer] in the order in which this app comes by them. */
  readonly places: Uint32Array;
  timeUnixNano = FIRST_TIME_UNIX_NANO;
  at = 0;
  events = 0;

  constructor(index: number, places: Uint32Array) {
    this.random = new Random(2000 + index);
    this.places = places;
    this.resource = { attributes: resourceOf(index).map(([key, value]) => attribute(key, String(value))) };
  }
}

export class LogWorkload extends Workload<LogRecord> {
  readonly noun = 'log record';
  readonly path = '/v1/logs';
  readonly dimensions = DIMENSIONS;
  readonly preparedPerSecond = 150_000;
  readonly totals = new Float64Array(CUSTOMERS * DIMENSIONS.length);
  override readonly meters = KINDS.map(({ kind, dimension, spelling }) => ({
    id: kind,
    signals: ['logs'],
    match: {
      all: [
        { path: 'attributes["event.kind"]', eq: kind },
        { path: 'attributes["outcome"]', in: ['ok', 'cached'] },
      ],
    },
    customer: 'attributes["customer.id"]',
    dimension,
    value: spelling === 'none' ? { constant: '1' } : { path: 'attributes["amount"]' },
    metadata: ['region', 'plan'],
  }));
  readonly #apps: App[];

  constructor(recordsPerBody: number, connections: number, host: string) {
    super(recordsPerBody, connections, host);
    const places = new Uint32Array(CUSTOMERS * REGIONS.length * KINDS.length).map((_, place) => place);
    const shuffled = Uint32Array.from(new Random(7).shuffled([...places]));
    this.#apps = Array.from({ length: connections }, (_, index) => new App(index, shuffled));
    // Apps come by the same customers at other times.
    for (const [index, app] of this.#apps.entries())
      app.at = Math.floor((index * places.length) / connections);
  }

  protected *warmUpBodies(): Iterable<{ connection: number; signals: LogRecord[] }> {
    const share = Math.ceil(this.#apps[0].places.length / this.#apps.length);
    for (const [connection, app] of this.#apps.entries()) {
      for (let left = share; left > 0; left -= WARM_UP_RECORDS) {
        yield { connection, signals: this.#nextRecords(app, Math.min(left, WARM_UP_RECORDS)) };
      }
    }
    this.series = this.#apps[0].places.length;
  }

  protected next(connection: number, count: number): LogRecord[] {
    return this.#nextRecords(this.#apps[connection], count);
  }

  protected encode(records: LogRecord[], connection: number): Uint8Array {
    return LogsRequest.encode({
      resourceLogs: [
        {
          resource: this.#apps[connection].resource,
          scopeLogs: [{ scope: { name: 'shop.events' }, logRecords: records.map(logRecord) }],
        },
      ],
    }).finish();
  }

  naiveRow(record: LogRecord): NaiveRow {
    const attributes = Object.fromEntries(
      attributesOf(record).map(({ key, value }) => [
        key,
        value.stringValue ?? value.doubleValue ?? value.intValue,
      ]),
    );
    const meter = KINDS.find(
      ({ kind }) => attributes['event.kind'] === kind && ['ok', 'cached'].includes(attributes.outcome),
    );
    if (meter === undefined) throw new Error(`no meter takes ${attributes['event.kind']}`);
    const quantity = meter.spelling === 'none' ? 1 : Number(attributes.amount);
    return {
      key: `${meter.dimension} ${attributes['log.record.uid']}`,
      customerId: attributes['customer.id'],
      dimensionId: meter.dimension,
      startUnixNano: 0n,
      timeUnixNano: record.timeUnixNano,
      scaledQuantity: BigInt(quantity * 4) * (10n ** 12n / 4n),
      metadata: JSON.stringify({ region: attributes.region, plan: attributes.plan }),
    };
  }

  #nextRecords(app: App, count: number): LogRecord[] {
    app.timeUnixNano += STEP_NANO;
    const { random, places } = app;
    return Array.from({ length: count }, (_, nth) => {
      const place = places[app.at];
      app.at = (app.at + 1) % places.length;
      const kind = place % KINDS.length;
      const customer = Math.floor(place / KINDS.length) % CUSTOMERS;
      const region = REGIONS[Math.floor(place / KINDS.length / CUSTOMERS)];
      const { spelling } = KINDS[kind];
      const quarters = random.integer(1, 4000);
      const amount = spelling === 'none' ? 1 : spelling === 'integer' ? quarters : quarters / 4;
      this.totals[customer * DIMENSIONS.length + kind] += amount;
      const traceId = randomBytes(random, 16);
      return {
        kind,
        customer,
        region,
        timeUnixNano: app.timeUnixNano + BigInt(nth),
        eventId: eventId(traceId, app.events++),
        traceId,
        spanId: randomBytes(random, 8),
        amount,
      };
    });
  }
}

function logRecord(record: LogRecord): Message {
  const { timeUnixNano, traceId, spanId, kind } = record;
  const time = { low: Number(timeUnixNano & 0xffffffffn), high: Number(timeUnixNano >> 32n) };
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: `${KINDS[kind].kind} for ${customerId(record.customer)}` },
    attributes: attributesOf(record),
    flags: 1,
    traceId,
    spanId,
  };
}

function attributesOf(record: LogRecord): Message[] {
  const { kind, dimension, spelling, route } = KINDS[record.kind];
  return [
    attribute('event.kind', kind),
    attribute('outcome', record.amount % 8 === 0 ? 'cached' : 'ok'),
    attribute('customer.id', customerId(record.customer)),
    attribute('region', record.region),
    attribute('plan', PLANS[record.customer % PLANS.length]),
    attribute('log.record.uid', record.eventId),
    spelling === 'none' ? attribute('module', dimension) : { key: 'amount', value: amountOf(record) },
    attribute('http.route', route),
  ];
}

function amountOf({ kind, amount }: LogRecord): Message {
  switch (KINDS[kind].spelling) {
    case 'integer':
      return { intValue: amount };
    case 'double':
      return { doubleValue: amount };
    default:
      return { stringValue: String(amount) };
  }
}

function attribute(key: string, value: string): Message {
  return { key, value: { stringValue: value } };
}

/** In the form of a UUID; the trace ids keep the apps' apart. */
function eventId(traceId: Uint8Array, event: number): string {
  const hex = `${Buffer.from(traceId.subarray(0, 12)).toString('hex')}${event.toString(16).padStart(8, '0')}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const words = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 4) words.setUint32(at, random.integer(0, 0xffffffff));
  return bytes;
}
