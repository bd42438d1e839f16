import { expect, test } from 'vitest';
import { BatchQueue } from '../../../receiver/metering/batch-queue.ts';
import { Metering, type MeteringOptions } from '../../../receiver/metering/metering.ts';
import { Registry } from '../../../receiver/metering/registry.ts';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { MetricColumns } from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { readBigInt, textFromScaled } from '../../../storage/decimal.ts';
import { type LedgerBatch, VALUE_DECIMAL } from '../../../storage/ledger-batch.ts';
import { codeName } from '../../../storage/quarantine-codes.ts';
import {
  CUMULATIVE,
  DELTA,
  NO_RECORDED_VALUE,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
  UNSPECIFIED,
} from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../support/otlp-writer.ts';

const NOW = 1_800_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;

const acme: OtlpAttributes = [
  ['usage.customer.id', 'acme'],
  ['usage.dimension.id', 'api.requests'],
  ['region', 'eu'],
];

function point(changes: Partial<OtlpPoint> = {}, streamChanges: Partial<OtlpStream> = {}): OtlpPoint {
  return {
    stream: stream(streamChanges),
    attributes: acme,
    startUnixNano: NOW - MINUTE,
    timeUnixNano: NOW,
    value: 5n,
    flags: 0,
    ...changes,
  };
}

/** A receiver's middle, without its ends. */
class Bench {
  readonly registry = new Registry();
  readonly queue = new BatchQueue();
  readonly interner: ByteInterner;
  readonly metering: Metering;
  readonly #columns = new MetricColumns();
  #sequence = 0;

  constructor(options: MeteringOptions = {}, interner = new ByteInterner()) {
    this.interner = interner;
    this.metering = new Metering(this.registry, this.interner, this.queue, options);
  }

  take(points: OtlpPoint[], receivedAt = NOW) {
    this.metering.trim();
    this.#columns.clear();
    decodeMetricsProtobuf(new ProtobufWriter().encode(requestOf(points)), this.interner, this.#columns);
    this.#sequence += 1;
    const outcome = this.metering.meter(this.#columns, this.#sequence, receivedAt);
    if (outcome.claimed > 0) this.queue.endFrame(this.#sequence, receivedAt);
    return outcome;
  }

  batches(): LedgerBatch[] {
    const batches: LedgerBatch[] = [];
    for (
      let batch = this.queue.take(this.#sequence);
      batch !== null;
      batch = this.queue.take(this.#sequence)
    ) {
      batches.push(batch);
    }
    return batches;
  }

  /** What the ledger would read: each row with its slot resolved. */
  rows() {
    const rows: {
      customer: string | null;
      dimension: string | null;
      value: string;
      code: string;
      hash: string;
    }[] = [];
    let slots = new Map<number, LedgerBatch['slots'][number]>();
    for (const batch of this.batches()) {
      if (batch.reset) slots = new Map();
      for (const slot of batch.slots) slots.set(slot.slot, slot);
      for (let row = 0; row < batch.length; row++) {
        const slot = slots.get(batch.slot[row]);
        if (slot === undefined) throw new Error(`row ${row} has the undefined slot ${batch.slot[row]}`);
        rows.push({
          customer: slot.customerId,
          dimension: slot.dimensionId,
          value:
            batch.valueKind[row] === VALUE_DECIMAL
              ? textFromScaled(readBigInt(batch.quantity, row * 4))
              : `kind ${batch.valueKind[row]}`,
          code: batch.code[row] === 0 ? '' : codeName(batch.code[row]),
          hash: slot.seriesHash,
        });
      }
    }
    return rows;
  }
}

test('a counter of our library becomes a row for its customer and dimension', () => {
  const bench = new Bench();
  expect(bench.take([point()])).toMatchObject({ claimed: 1, ignored: 0, markers: 0 });
  const [batch] = bench.batches();
  expect(batch.slots).toEqual([
    expect.objectContaining({
      customerId: 'acme',
      dimensionId: 'api.requests',
      metadata: '{"region":"eu"}',
      meterId: 'builtin',
      role: 'delta',
    }),
  ]);
  expect(batch.contexts).toEqual([
    expect.objectContaining({ metricName: 'usage.api.requests', fromSdk: true, weakIdentity: false }),
  ]);
  expect(batch.events).toEqual([
    { type: 'instrument_declared', sequence: 1, instrumentHash: expect.any(String), temporality: 1 },
    { type: 'customer_discovered', sequence: 1, customerId: 'acme' },
    { type: 'dimension_discovered', sequence: 1, dimensionId: 'api.requests', unit: '1' },
  ]);
  expect(batch.frames.length).toBe(1);
  expect(batch.length).toBe(1);
});

const named: Partial<OtlpStream> = { name: 'requests' };
test.each<[string, OtlpPoint, { customer: string | null; dimension: string | null } | null]>([
  // what                              point                                                       claimed as
  ['name and attributes', point(), { customer: 'acme', dimension: 'api.requests' }],
  ['attribute alone', point({}, named), { customer: 'acme', dimension: 'api.requests' }],
  [
    'name alone',
    point({ attributes: [['usage.customer.id', 'acme']] }, { name: 'usage.tokens' }),
    { customer: 'acme', dimension: 'tokens' },
  ],
  ['neither', point({ attributes: [['usage.customer.id', 'acme']] }, named), null],
  ['an empty dimension', point({ attributes: [['usage.dimension.id', '']] }, named), null],
  [
    'the prefix and nothing more',
    point({ attributes: [['usage.customer.id', 'acme']] }, { name: 'usage.' }),
    { customer: 'acme', dimension: null },
  ],
  [
    'a customer on the resource',
    point(
      { attributes: [['usage.dimension.id', 'tokens']] },
      { resource: [['usage.customer.id', 'umbrella']] },
    ),
    { customer: 'umbrella', dimension: 'tokens' },
  ],
  [
    'a customer on both',
    point({}, { resource: [['usage.customer.id', 'umbrella']] }),
    { customer: 'acme', dimension: 'api.requests' },
  ],
  [
    'ids of other types',
    point({
      attributes: [
        ['usage.customer.id', 42n],
        ['usage.dimension.id', true],
      ],
    }),
    { customer: '42', dimension: 'true' },
  ],
  [
    'a customer that is a double',
    point({ attributes: [['usage.customer.id', 4.2]] }),
    { customer: null, dimension: 'api.requests' },
  ],
])('the built-in meter reads %s', (_, given, claimed) => {
  const bench = new Bench();
  const outcome = bench.take([given]);
  expect(outcome.ignored).toBe(claimed === null ? 1 : 0);
  expect(bench.rows().map(({ customer, dimension }) => ({ customer, dimension }))).toEqual(
    claimed === null ? [] : [claimed],
  );
});

const double = (value: number) => point({ value });
test.each<[string, OtlpPoint]>([
  // code                  point
  ['sdk_overflow', point({ attributes: [['otel.metric.overflow', true]] })],
  ['missing_customer', point({ attributes: [['usage.dimension.id', 'api.requests']] })],
  ['missing_customer', point({ attributes: [['usage.customer.id', '']] })],
  ['duplicate_attribute', point({ attributes: [...acme, ['region', 'us']] })],
  [
    'duplicate_attribute',
    point(
      {},
      {
        resource: [
          ['a', 1n],
          ['a', 1n],
        ],
      },
    ),
  ],
  ['time_zero', point({ startUnixNano: 0n, timeUnixNano: 0n })],
  ['start_after_time', point({ startUnixNano: NOW + 1n })],
  ['time_in_future', point({ timeUnixNano: NOW + 10n * MINUTE + 1n })],
  ['time_in_future', point({ timeUnixNano: 2n ** 64n - 1n })],
  ['no_value', point({ value: null })],
  ['not_a_number', double(Number.NaN)],
  ['infinite', double(Number.POSITIVE_INFINITY)],
  ['infinite', double(Number.NEGATIVE_INFINITY)],
  ['out_of_range', double(1e26)],
  ['unspecified_temporality', point({}, { temporality: UNSPECIFIED })],
  ['unspecified_temporality', point({}, { temporality: 7 })],
  ['unsupported_kind', point({ value: { count: 3n, sum: 4.5 } }, { kind: 'histogram' })],
  ['unsupported_kind', point({ value: { count: 3n, sum: null } }, { kind: 'exponential_histogram' })],
  ['unsupported_kind', point({ value: { count: 3n, sum: 4.5 } }, { kind: 'summary', temporality: 0 })],
  ['negative_monotonic', point({ value: -1n })],
  ['negative_monotonic', double(-0.5)],
  ['unknown_dimension', point({}, { kind: 'gauge', temporality: 0, monotonic: false })],
  ['unknown_dimension', point({}, { monotonic: false })],
  ['unknown_dimension', point({ attributes: [['usage.customer.id', 'acme']] }, { name: 'usage.' })],
])('%s', (code, given) => {
  const bench = new Bench();
  expect([...bench.take([given]).quarantined]).toEqual([[code, 1]]);
  expect(bench.rows().map((row) => row.code)).toEqual([code]);
  // Only what counts discovers.
  expect(bench.registry.customers.size + bench.registry.dimensions.size).toBe(0);
});

test.each<[string, OtlpPoint]>([
  ['other_temporality', point({}, { temporality: CUMULATIVE })],
  ['wrong_unit', point({}, { unit: 'By' })],
  ['level_into_sum', point({}, { name: 'other', kind: 'gauge', temporality: 0, monotonic: false })],
  ['level_into_sum', point({}, { name: 'other', temporality: CUMULATIVE, monotonic: false })],
  ['credits_not_allowed', point({}, { monotonic: false })],
])('%s, once the instrument and the dimension are known', (code, given) => {
  const bench = new Bench();
  bench.take([point()]);
  expect([...bench.take([given]).quarantined]).toEqual([[code, 1]]);
});

test.each<[string, string, OtlpPoint]>([
  // first that applies    and also               point
  ['missing_customer', 'time_zero', point({ attributes: [], timeUnixNano: 0n })],
  [
    'duplicate_attribute',
    'not_a_number',
    point({ attributes: [...acme, ['region', 'us']], value: Number.NaN }),
  ],
  [
    'time_zero',
    'unsupported_kind',
    point({ timeUnixNano: 0n, value: { count: 1n, sum: 1 } }, { kind: 'histogram' }),
  ],
  ['no_value', 'unspecified_temporality', point({ value: null }, { temporality: UNSPECIFIED })],
  [
    'time_in_future',
    'infinite',
    point({ timeUnixNano: NOW + 3600n * SECOND, value: Number.POSITIVE_INFINITY }),
  ],
  ['unspecified_temporality', 'negative_monotonic', point({ value: -1n }, { temporality: UNSPECIFIED })],
])('%s comes before %s', (code, _other, given) => {
  expect([...new Bench().take([given]).quarantined]).toEqual([[code, 1]]);
});

test('ten minutes ahead, zero and negative zero count', () => {
  const bench = new Bench();
  const outcome = bench.take([
    point({ timeUnixNano: NOW + 10n * MINUTE }),
    point({ value: 0n, timeUnixNano: NOW - 2n }),
    double(-0),
  ]);
  expect(outcome.quarantined.size).toBe(0);
  expect(bench.rows().map((row) => row.value)).toEqual(['5', '0', '0']);
});

test('a marker of an ended series is no point, and discovers nothing', () => {
  const bench = new Bench();
  expect(bench.take([point({ value: null, flags: NO_RECORDED_VALUE })])).toMatchObject({
    claimed: 0,
    ignored: 0,
    markers: 1,
  });
  expect(bench.batches()).toEqual([]);
});

test('bad points leave their neighbours alone', () => {
  const bench = new Bench();
  const outcome = bench.take([
    point({ value: 1n }),
    point({ value: Number.NaN }),
    point({ value: 2n }),
    point({ startUnixNano: 0n, timeUnixNano: 0n }),
  ]);
  expect(Object.fromEntries(outcome.quarantined)).toEqual({ not_a_number: 1, time_zero: 1 });
  expect(bench.rows().map((row) => [row.value, row.code])).toEqual([
    ['1', ''],
    ['kind 1', 'not_a_number'],
    ['2', ''],
    ['5', 'time_zero'],
  ]);
});

test('a faulty first point does not decide the temporality of its instrument', () => {
  const bench = new Bench();
  bench.take([point({ timeUnixNano: 0n, startUnixNano: 0n })]);
  expect(bench.take([point({}, { temporality: CUMULATIVE })]).quarantined.size).toBe(0);
  expect([...bench.take([point({}, { temporality: DELTA })]).quarantined]).toEqual([
    ['other_temporality', 1],
  ]);
});

test('a dimension that is discovered later changes the verdict over series seen before', () => {
  const bench = new Bench();
  const gauge = point({}, { name: 'other', kind: 'gauge', temporality: 0, monotonic: false });
  expect([...bench.take([gauge]).quarantined]).toEqual([['unknown_dimension', 1]]);
  bench.take([point()]);
  expect([...bench.take([gauge]).quarantined]).toEqual([['level_into_sum', 1]]);
});

test('units that mean the same are the same', () => {
  for (const unit of ['', '1', '{request}', '{call}']) {
    const bench = new Bench();
    bench.take([point()]);
    expect(bench.take([point({}, { unit })]).quarantined.size, unit).toBe(0);
  }
});

test('one series has one slot, whatever the order of its attributes and the description of its resource', () => {
  const bench = new Bench();
  bench.take([
    point(),
    point({ attributes: [...acme].reverse() }),
    point(
      {},
      {
        resource: [
          ['service.instance.id', 'i-1'],
          ['service.name', 'shop'],
          ['host.name', 'elsewhere'],
        ],
      },
    ),
  ]);
  expect(bench.metering.slots).toBe(1);
  expect(new Set(bench.rows().map((row) => row.hash)).size).toBe(1);
});

test('what tells writers apart makes another series', () => {
  const bench = new Bench();
  const changes: Partial<OtlpStream>[] = [
    {},
    { scopeName: 'other' },
    { scopeVersion: '2' },
    { scopeAttributes: [['a', 1n]] },
    { name: 'usage.other' },
    { unit: '{request}' },
    { temporality: CUMULATIVE },
    { monotonic: false },
    {
      resource: [
        ['service.instance.id', 'i-2'],
        ['service.name', 'shop'],
      ],
    },
    { resource: [['service.name', 'shop']] },
    {
      resource: [
        ['service.name', 'shop'],
        ['host.name', 'h1'],
      ],
    },
    {
      resource: [
        ['service.instance.id', 'i-1'],
        ['service.name', 'shop'],
        ['usage.customer.id', 'x'],
      ],
    },
  ];
  bench.take(changes.map((change) => point({}, change)));
  expect(new Set(bench.rows().map((row) => row.hash)).size).toBe(changes.length);
});

test('forgetting every live series changes no row', () => {
  const points = Array.from({ length: 50 }, (_, i) =>
    point({
      attributes: [
        ['usage.customer.id', `c${i % 7}`],
        ['region', `r${i}`],
      ],
      value: BigInt(i),
    }),
  );
  const run = (options: MeteringOptions, interner?: ByteInterner) => {
    const bench = new Bench(options, interner);
    for (let i = 0; i < points.length; i += 5) {
      bench.take(points.slice(i, i + 5));
      bench.take(points.slice(0, 5));
    }
    return bench.rows();
  };
  const whole = run({});
  expect(run({ maxSlots: 3 })).toEqual(whole);
  expect(run({}, new ByteInterner({ entries: 4 }))).toEqual(whole);
});

test('rows are handed over in journal order, whole frames only', () => {
  const bench = new Bench();
  for (let i = 1; i <= 5; i++) bench.take([point({ value: BigInt(i), timeUnixNano: NOW + BigInt(i) })]);
  const first = bench.queue.take(3);
  expect([...(first?.frames.sequence ?? [])]).toEqual([1, 2, 3]);
  expect(first?.slots.length).toBe(1);
  const rest = bench.queue.take(9);
  expect([...(rest?.frames.sequence ?? [])]).toEqual([4, 5]);
  expect(rest?.reset).toBe(false);
  expect(rest?.slots).toEqual([]);
  expect(bench.queue.take(9)).toBeNull();
});

test('ids longer than 1,024 characters are quarantined, shortened', () => {
  const bench = new Bench();
  const long = 'x'.repeat(5_000);
  const outcome = bench.take([
    point({ attributes: [['usage.customer.id', long]] }),
    point({ attributes: [['usage.customer.id', 'acme']] }, { name: `usage.${long}` }),
    point({ attributes: [['usage.customer.id', 'x'.repeat(1024)]] }),
  ]);
  expect(Object.fromEntries(outcome.quarantined)).toEqual({ id_too_long: 2 });
  for (const { customer, dimension } of bench.rows()) {
    expect(Math.max(customer?.length ?? 0, dimension?.length ?? 0)).toBeLessThanOrEqual(1024);
  }
});

test('a resource is described to the ledger once per stream, and not beyond what anybody looks at', () => {
  const bench = new Bench();
  const resource: OtlpAttributes = [
    ['service.instance.id', 'i-1'],
    ['blob', 'y'.repeat(100_000)],
  ];
  bench.take(Array.from({ length: 20 }, (_, i) => point({}, { resource, name: `usage.d${i}` })));
  const contexts = bench.batches().flatMap((batch) => batch.contexts);
  expect(contexts.length).toBe(20);
  for (const context of contexts) expect(JSON.parse(context.resource)).toHaveProperty('too large to keep');
});

test('a unit of braces is compared like any other', () => {
  const bench = new Bench();
  bench.take([point()]);
  expect([...bench.take([point({}, { unit: '{'.repeat(200_000) })]).quarantined]).toEqual([
    ['wrong_unit', 1],
  ]);
});

test('a resource that names a key twice is judged the same, whoever of its series came first', () => {
  const sound: Partial<OtlpStream> = {
    resource: [
      ['service.instance.id', 'i-1'],
      ['a', 1n],
    ],
  };
  const broken: Partial<OtlpStream> = {
    resource: [
      ['service.instance.id', 'i-1'],
      ['a', 1n],
      ['a', 1n],
    ],
  };
  for (const maxSlots of [1, 1000]) {
    const bench = new Bench({ maxSlots });
    expect(bench.take([point({}, sound)]).quarantined.size).toBe(0);
    expect([...bench.take([point({}, broken)]).quarantined]).toEqual([['duplicate_attribute', 1]]);
    expect(bench.take([point({ value: 9n }, sound)]).quarantined.size).toBe(0);
  }
});
