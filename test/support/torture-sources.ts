/**
 * What the torture's clients send: data points, log records, spans and records by hand. Each source makes things that
 * are all new, and knows what all of them come to.
 */
import type { HandRecord } from '../model/event-model.ts';
import { decimalText, scaledQuantity } from '../model/usage-model.ts';
import { encodeEvents, looseEvent, type OtlpEvent, type OtlpEventSource } from './otlp-events.ts';
import {
  CUMULATIVE,
  DELTA,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
} from './otlp-points.ts';
import { ProtobufWriter, requestOf } from './otlp-writer.ts';
import type { Random } from './random.ts';

/** The times of all that is sent lie in it: they run through its hours. */
export const TORTURE_RANGE = { from: '2025-11-01T00:00:00Z', to: '2025-12-01T00:00:00Z' };
const FIRST_TIME = 1_761_955_200_000_000_000n;
const MILLISECOND = 1_000_000n;
const CUSTOMERS = 100;

export type TortureKind = 'points' | 'logs' | 'spans' | 'records';

export interface TortureSource<Item> {
  kind: TortureKind;
  path: string;
  contentType: string;
  /** How many items a body has. */
  sizes: readonly number[];
  /** The answers that acknowledge a body. */
  accepted: readonly number[];
  next(count: number, random: Random): Item[];
  encode(items: readonly Item[]): Uint8Array;
  /** `customer / dimension` → quantity × 10^12 of everything made so far */
  totals(): Map<string, bigint>;
}

const PROTOBUF = 'application/x-protobuf';

/** Sums of what was made, by customer and dimension. */
class Totals {
  readonly sums = new Map<string, bigint>();

  add(customerId: string, dimensionId: string, scaled: bigint): void {
    const key = `${customerId} / ${dimensionId}`;
    this.sums.set(key, (this.sums.get(key) ?? 0n) + scaled);
  }
}

// --- data points ----------------------------------------------------------------------------------------------

const writer = new ProtobufWriter();

function pointSource({ next, totals }: Pick<TortureSource<OtlpPoint>, 'next' | 'totals'>) {
  return {
    kind: 'points',
    path: '/v1/metrics',
    contentType: PROTOBUF,
    sizes: [1, 50, 500, 1500],
    accepted: [200],
    encode: (points) => writer.encode(requestOf([...points])),
    next,
    totals,
  } satisfies TortureSource<OtlpPoint>;
}

/** A customer's attributes are one object, so that the writer encodes them once. */
function customerAttributes(dimensionId: string): OtlpAttributes[] {
  return Array.from({ length: CUSTOMERS }, (_, index) => [
    ['usage.customer.id', `customer-${index}`],
    ['usage.dimension.id', dimensionId],
    ['region', index % 2 === 0 ? 'eu' : 'us'],
  ]);
}

function clientStream(client: number, changes: Partial<OtlpStream>): OtlpStream {
  return stream({
    resource: [
      ['service.name', 'torture'],
      ['service.instance.id', `client-${client}`],
      ['telemetry.sdk.name', 'opentelemetry'],
    ],
    name: `torture.${client}`,
    ...changes,
  });
}

function deltaPoints(client: number, dimensionId: string, value: (random: Random) => bigint | number) {
  const own = clientStream(client, { temporality: DELTA });
  const attributes = customerAttributes(dimensionId);
  const totals = new Totals();
  let timeUnixNano = FIRST_TIME;
  return pointSource({
    next: (count, random) =>
      Array.from({ length: count }, () => {
        const customer = random.integer(0, CUSTOMERS - 1);
        const startUnixNano = timeUnixNano;
        timeUnixNano += MILLISECOND;
        const quantity = value(random);
        totals.add(`customer-${customer}`, dimensionId, scaledQuantity(quantity)!);
        const point = { stream: own, attributes: attributes[customer], startUnixNano, timeUnixNano };
        return { ...point, value: quantity, flags: 0 };
      }),
    totals: () => totals.sums,
  });
}

/** Running totals; each of them starts anew now and then, as a restarted app does. */
function cumulativePoints(client: number, dimensionId: string) {
  const own = clientStream(client, { temporality: CUMULATIVE });
  const attributes = customerAttributes(dimensionId);
  const series = attributes.map(() => ({ startUnixNano: FIRST_TIME, total: 0n, earlierStarts: 0n }));
  let timeUnixNano = FIRST_TIME;
  return pointSource({
    next: (count, random) =>
      Array.from({ length: count }, () => {
        const customer = random.integer(0, CUSTOMERS - 1);
        const state = series[customer];
        timeUnixNano += MILLISECOND;
        if (random.chance(0.01)) {
          state.earlierStarts += state.total;
          state.total = 0n;
          state.startUnixNano = timeUnixNano - 1n;
        }
        state.total += BigInt(random.integer(0, 1000));
        return {
          stream: own,
          attributes: attributes[customer],
          startUnixNano: state.startUnixNano,
          timeUnixNano,
          value: state.total,
          flags: 0,
        };
      }),
    totals: () =>
      new Map(
        series.map((state, customer) => [
          `customer-${customer} / ${dimensionId}`,
          (state.earlierStarts + state.total) * 10n ** 12n,
        ]),
      ),
  });
}

/** Of each client another kind of them. */
export function torturePoints(client: number): TortureSource<OtlpPoint> {
  switch (client % 3) {
    case 0:
      return deltaPoints(client, 'requests', (random) => BigInt(random.integer(1, 1_000_000)));
    case 1:
      return deltaPoints(client, 'seconds', (random) => random.integer(1, 1_000_000) / 1000 + 0.1);
    default:
      return cumulativePoints(client, 'tokens');
  }
}

// --- events ---------------------------------------------------------------------------------------------------

/** Log records that name their event, or spans, which have ids of their own. */
export function tortureEvents(client: number, kind: 'logs' | 'spans'): TortureSource<OtlpEvent> {
  const source: OtlpEventSource = {
    resource: [['service.name', `torture-${client}`]],
    scopeName: 'torture',
    scopeVersion: '',
  };
  const dimensionId = `${kind}.${client}`;
  const signal = kind === 'logs' ? 'logs' : 'traces';
  const totals = new Totals();
  let number = 0;
  return {
    kind,
    path: `/v1/${signal}`,
    contentType: PROTOBUF,
    sizes: [1, 20, 200],
    accepted: [200],
    next: (count, random) =>
      Array.from({ length: count }, (): OtlpEvent => {
        number += 1;
        const customer = `customer-${random.integer(0, CUSTOMERS - 1)}`;
        const scaled = BigInt(random.integer(1, 1_000_000_000)) * 10n ** BigInt(random.integer(0, 9));
        totals.add(customer, dimensionId, scaled);
        const endUnixNano = FIRST_TIME + BigInt(number) * MILLISECOND;
        const attributes: OtlpAttributes = [
          ['usage.customer.id', customer],
          ['usage.dimension.id', dimensionId],
          ['usage.value', decimalText(scaled)],
        ];
        if (kind === 'logs')
          return {
            type: 'log',
            source,
            timeUnixNano: endUnixNano,
            observedTimeUnixNano: endUnixNano,
            severityNumber: 9,
            body: 'done',
            attributes: [...attributes, ['usage.event.id', `${client}-${number}`]],
            eventName: '',
          };
        return {
          type: 'span',
          source,
          traceId: hex(client + 1, 32),
          spanId: hex(number, 16),
          name: 'work',
          kind: 1,
          startUnixNano: endUnixNano - MILLISECOND,
          endUnixNano,
          attributes,
        };
      }),
    encode: (events) => encodeEvents(signal, events.map(looseEvent), 'protobuf'),
    totals: () => totals.sums,
  };
}

function hex(number: number, length: number): string {
  return number.toString(16).padStart(length, '0');
}

// --- records by hand ------------------------------------------------------------------------------------------

/** Records by hand, each with an id. */
export function tortureRecords(client: number): TortureSource<HandRecord> {
  const dimensionId = `records.${client}`;
  const totals = new Totals();
  let number = 0;
  return {
    kind: 'records',
    path: '/api/v1/usage',
    contentType: 'application/json',
    sizes: [1, 20, 200],
    accepted: [200, 201],
    next: (count, random) =>
      Array.from({ length: count }, () => {
        number += 1;
        const customerId = `customer-${random.integer(0, CUSTOMERS - 1)}`;
        const scaled = BigInt(random.integer(1, 1_000_000_000)) * 10n ** BigInt(random.integer(0, 9));
        totals.add(customerId, dimensionId, scaled);
        return {
          id: `record-${client}-${number}`,
          customerId,
          dimensionId,
          recordValue: decimalText(scaled),
          timeUnixNano: FIRST_TIME + BigInt(number) * MILLISECOND,
          metadata: { client: String(client) },
        };
      }),
    encode: (records) =>
      Buffer.from(
        JSON.stringify(
          records.map(({ timeUnixNano, ...record }) => ({
            ...record,
            timestamp: new Date(Number(timeUnixNano / MILLISECOND)).toISOString(),
          })),
        ),
      ),
    totals: () => totals.sums,
  };
}
