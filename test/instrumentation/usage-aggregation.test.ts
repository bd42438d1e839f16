import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { halves, UsageAggregation, type UsageBatch } from '../../instrumentation/usage-aggregation.ts';
import type { Usage } from '../../instrumentation/usage-record.ts';
import { createWindowClock } from '../../instrumentation/window-clock.ts';
import { type CapturedPoint, decimal, pico, pointKey, pointsOf, totals } from './capture-server.ts';

const resource = resourceFromAttributes({});
const read = (batches: UsageBatch[]): CapturedPoint[] =>
  batches.flatMap(({ scopeMetrics }) =>
    pointsOf(new TextDecoder().decode(JsonMetricsSerializer.serializeRequest({ resource, scopeMetrics }))),
  );
const yes = () => true;

function aggregation(
  limits = { pointsPerBatch: 5000, lengthPerBatch: 1e6 },
  dimensions: ConstructorParameters<typeof UsageAggregation>[2] = { credit: { creditsAllowed: true } },
) {
  const clock = createWindowClock(
    () => 1000,
    () => 0,
  );
  return new UsageAggregation(clock, limits, dimensions);
}

const usage = (more: object = {}): Usage => ({ customer: 'acme', dimension: 'tokens', value: 1, ...more });

describe('exact sums', () => {
  test.each<[string, (number | bigint | string)[], string, [string, string][]]>([
    // what               recorded                      total                  points on the wire
    ['integers', [1, 2, 3n], '6', [['int', '6']]],
    ['tenths', [0.1, 0.2], '0.3', [['double', '0.3']]],
    ['ten tenths', Array(10).fill(0.1), '1', [['int', '1']]],
    ['mixed', [5, 0.25, '0.25'], '5.5', [['double', '5.5']]],
    ['nothing', [0], '0', [['int', '0']]],
    [
      'a sum that no double spells',
      [9007199254740990, '0.000000000001'],
      '9007199254740990.000000000001',
      [
        ['int', '9007199254740990'],
        ['double', '1e-12'],
      ],
    ],
    [
      'beyond 2^53',
      [2 ** 53 - 1, 2 ** 53 - 1, 5],
      '18014398509481987',
      [
        ['int', '9007199254740991'],
        ['int', '9007199254740991'],
        ['int', '5'],
      ],
    ],
    ['a carry', ['0.999999999999', '0.000000000001'], '1', [['int', '1']]],
  ])('%s', (_, values, total, wire) => {
    const sums = aggregation();
    for (const value of values) expect(sums.add(usage({ value }), yes)).toBeNull();
    const points = read(sums.collect());
    expect(totals(points)).toEqual({ 'acme tokens': total });
    expect(points.map(({ type, value }) => [type, value]).sort()).toEqual([...wire].sort());
    expect(new Set(points.map(({ start, time }) => `${start} ${time}`)).size).toBe(points.length);
  });

  test.each<[string, (number | string)[], string]>([
    ['a credit', [-2.5], '-2.5'],
    ['usage, then a credit', [5, -0.3], '4.7'],
    ['a credit, then usage', [-5, 0.3], '-4.7'],
    ['nothing left', [0.1, -0.1], '0'],
    ['beyond −2^53', [-(2 ** 53 - 1), -1], '-9007199254740992'],
  ])('with credits: %s', (_, values, total) => {
    const sums = aggregation();
    for (const value of values) {
      expect(sums.add(usage({ value, dimension: 'credit' }), yes)).toBeNull();
    }
    const points = read(sums.collect());
    expect(points.every(({ monotonic }) => monotonic)).toBe(false);
    expect(totals(points)).toEqual({ 'acme credit': total });
  });

  test('any records in any intervals: what is collected is what was recorded, to the last digit', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 1000 }),
      fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
      fc.integer({ min: 0, max: 1e9 }).map((n) => n / 1e6),
      fc.bigInt({ min: 1n, max: 10n ** 24n }).map((n) => decimal(n)),
    );
    const record = fc.record({ customer: fc.constantFrom('a', 'b'), value });
    const step = fc.oneof(
      { arbitrary: record, weight: 9 },
      { arbitrary: fc.constant('collect' as const), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const sums = aggregation();
        const points: CapturedPoint[] = [];
        const model = new Map<string, bigint>();
        for (const step of steps) {
          if (step === 'collect') {
            points.push(...read(sums.collect()));
            continue;
          }
          expect(sums.add(usage(step), yes)).toBeNull();
          const key = `${step.customer} tokens`;
          model.set(key, (model.get(key) ?? 0n) + pico(String(step.value)));
        }
        points.push(...read(sums.collect()));
        const expected = Object.fromEntries(Array.from(model, ([key, sum]) => [key, decimal(sum)]));
        expect(totals(points)).toEqual(expected);
        expect(new Set(points.map(pointKey)).size).toBe(points.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('windows', () => {
  test('of consecutive collections meet without gap or overlap, even within one millisecond', () => {
    const sums = aggregation();
    const windows: [bigint, bigint][] = [];
    for (let i = 0; i < 4; i++) {
      sums.add(usage({ value: 5 }), yes);
      if (i === 2) {
        sums.add(usage({ value: 2 ** 53 - 2 }), yes);
        sums.add(usage({ value: '0.000000000001' }), yes);
      }
      for (const point of read(sums.collect())) windows.push([point.start, point.time]);
    }
    windows.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [start, time] of windows) expect(start).toBeLessThan(time);
    for (let i = 1; i < windows.length; i++) expect(windows[i][0]).toBe(windows[i - 1][1]);
  });

  test('a collection leaves nothing behind', () => {
    const sums = aggregation();
    sums.add(usage(), yes);
    expect(read(sums.collect())).toHaveLength(1);
    expect(sums.size).toBe(0);
    expect(sums.collect()).toEqual([]);
  });
});

describe('series', () => {
  test.each<[string, object, object, number]>([
    ['the same', { a: 'x', b: 1 }, { a: 'x', b: 1 }, 1],
    ['keys in another order', { a: 'x', b: 1 }, { b: 1, a: 'x' }, 1],
    ['nothing and undefined', {}, { a: undefined, b: null }, 1],
    ['text and number', { a: '1' }, { a: 1 }, 2],
    ['text and boolean', { a: 'true' }, { a: true }, 2],
    ['true and false', { a: true }, { a: false }, 2],
    ['a boundary in a text', { a: 'x1:bs1:y' }, { a: 'x', b: 'y' }, 2],
    ['a boundary in a number', { a: 1, b: 2 }, { a: 12 }, 2],
    ['texts that are mended to the same', { a: 'x\ud800' }, { a: 'x\ud801' }, 1],
    ['a number that is sent as text, and that text', { a: 2 ** 60 }, { a: '1152921504606847000' }, 1],
    ['minus zero and zero', { a: -0 }, { a: 0 }, 1],
    ['a boundary in a key', { 'a;': 1 }, { a: 1 }, 2],
  ])('%s', (_, first, second, series) => {
    const sums = aggregation();
    // Each twice: the second time it is found by its parts.
    for (const metadata of [first, second, first, second]) sums.add(usage({ metadata }), yes);
    expect(sums.size).toBe(series);
    const points = read(sums.collect());
    expect(points).toHaveLength(series);
    expect(points.map(({ value }) => value)).toEqual(series === 1 ? ['4'] : ['2', '2']);
  });

  test('customer and dimension do not run into each other', () => {
    const sums = aggregation();
    sums.add(usage({ customer: 'ab', dimension: 'c' }), yes);
    sums.add(usage({ customer: 'a', dimension: 'bc' }), yes);
    expect(totals(read(sums.collect()))).toEqual({ 'ab c': '1', 'a bc': '1' });
  });

  test('metadata changed after the call changes nothing', () => {
    const sums = aggregation();
    const metadata: Record<string, string> = { region: 'eu' };
    const record = usage({ metadata });
    sums.add(record, yes);
    metadata.region = 'us';
    metadata.tier = 'gold';
    record.customer = 'other';
    const [point] = read(sums.collect());
    expect(point.attributes).toEqual({
      'usage.customer.id': 'acme',
      'usage.dimension.id': 'tokens',
      region: 'eu',
    });
  });

  test('metadata in ever new orders is the same series, and does not fill the memory', () => {
    const sums = aggregation();
    const names = Array.from({ length: 8 }, (_, i) => `k${i}`);
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: 8 }), (order) => {
        sums.add(usage({ metadata: Object.fromEntries(order.map((name) => [name, name])) }), yes);
      }),
      { numRuns: 1000 },
    );
    expect(read(sums.collect()).map(({ value }) => value)).toEqual(['1000']);
  });

  test('a text that looks like known metadata is still no metadata', () => {
    const sums = aggregation();
    sums.add(usage({ metadata: { 0: 'e', 1: 'u' } }), yes);
    expect(sums.add(usage({ metadata: 'eu' }), yes)).toBe('invalid_metadata');
  });

  test.each<[string, string, string]>([
    ['usual', 'api.requests', 'usage.api.requests'],
    ['with blanks and signs', 'API calls (§)', 'usage.API_calls____'],
    ['very long', 'x'.repeat(300), `usage.${'x'.repeat(249)}`],
  ])('the metric of a dimension, %s', (_, dimension, name) => {
    const sums = aggregation();
    sums.add(usage({ dimension }), yes);
    const [point] = read(sums.collect());
    expect(point.name).toBe(name);
    expect(point.attributes['usage.dimension.id']).toBe(dimension);
    expect(point).toMatchObject({ unit: '1', monotonic: true, temporality: 1 });
  });

  test('a declared unit travels', () => {
    const sums = aggregation(undefined, { storage: { unit: 'GiBy.h' } });
    sums.add(usage({ dimension: 'storage' }), yes);
    expect(read(sums.collect())[0].unit).toBe('GiBy.h');
  });
});

describe('what is no usage', () => {
  const hostile = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('never');
      },
    },
  );
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'invalid_record'],
    ['null', null, 'invalid_record'],
    ['a number', 5, 'invalid_record'],
    ['no value', usage({ value: undefined }), 'invalid_value'],
    ['a value that is no number', usage({ value: Number.NaN }), 'invalid_value'],
    ['a value beyond 2^53 − 1', usage({ value: 2 ** 53 }), 'value_out_of_range'],
    ['a value below twelve places', usage({ value: 1e-13 }), 'value_below_precision'],
    ['a negative value', usage({ value: -1 }), 'negative_value'],
    ['a small negative value', usage({ value: -0.5 }), 'negative_value'],
    ['no customer', usage({ customer: undefined }), 'invalid_customer'],
    ['an empty customer', usage({ customer: '' }), 'invalid_customer'],
    ['a customer that is a number', usage({ customer: 7 }), 'invalid_customer'],
    ['a customer of broken Unicode', usage({ customer: '\ud800' }), 'invalid_customer'],
    ['no dimension', usage({ dimension: undefined }), 'invalid_dimension'],
    ['an empty dimension', usage({ dimension: '' }), 'invalid_dimension'],
    ['metadata that is a text', usage({ metadata: 'eu' }), 'invalid_metadata'],
    ['metadata with an object', usage({ metadata: { a: {} } }), 'invalid_metadata'],
    ['metadata with a function', usage({ metadata: { a: () => 1 } }), 'invalid_metadata'],
    ['metadata with NaN', usage({ metadata: { a: Number.NaN } }), 'invalid_metadata'],
    ['metadata with an empty key', usage({ metadata: { '': 'x' } }), 'invalid_metadata'],
    ['metadata with __proto__', usage({ metadata: JSON.parse('{"__proto__":"x"}') }), 'invalid_metadata'],
    ['metadata with a broken key', usage({ metadata: { '\udc00': 'x' } }), 'invalid_metadata'],
    ['a reserved key', usage({ metadata: { 'usage.customer.id': 'other' } }), 'reserved_metadata_key'],
    ['a key of our prefix', usage({ metadata: { 'usage.x': 'y' } }), 'reserved_metadata_key'],
    ['the overflow key', usage({ metadata: { 'otel.metric.overflow': true } }), 'reserved_metadata_key'],
    ['very long metadata', usage({ metadata: { a: 'x'.repeat(70_000) } }), 'record_too_long'],
  ])('%s', (_, record, reason) => {
    const sums = aggregation();
    expect(sums.add(record as Usage, yes)).toBe(reason);
    expect(sums.collect()).toEqual([]);
  });

  test('metadata that throws is the caller’s own exception, which the meter catches', () => {
    expect(() => aggregation().add(usage({ metadata: hostile }), yes)).toThrow('never');
  });

  test.each<[string, string | number, unknown]>([
    ['a text cut within an emoji', 'ok \ud83d', 'ok \ufffd'],
    ['an integer that OTLP JSON cannot say', 2 ** 60, '1152921504606847000'],
    ['a fraction', 0.5, 0.5],
    ['an integer', 7, 7],
  ])('metadata is made safe rather than usage lost: %s', (_, value, sent) => {
    const sums = aggregation();
    expect(sums.add(usage({ metadata: { a: value } }), yes)).toBeNull();
    expect(read(sums.collect())[0].attributes.a).toEqual(sent);
  });

  test('without room a new series is dropped, and a known one still counts', () => {
    const sums = aggregation();
    const no = () => false;
    sums.add(usage(), yes);
    expect(sums.add(usage(), no)).toBeNull();
    expect(sums.add(usage({ customer: 'new' }), no)).toBe('buffer_full');
    expect(totals(read(sums.collect()))).toEqual({ 'acme tokens': '2' });
  });
});

describe('batches', () => {
  test.each<[string, { pointsPerBatch: number; lengthPerBatch: number }, number[]]>([
    ['by number', { pointsPerBatch: 4, lengthPerBatch: 1e6 }, [4, 4, 2]],
    ['by length', { pointsPerBatch: 100, lengthPerBatch: 3000 }, [3, 3, 3, 1]],
    ['all in one', { pointsPerBatch: 100, lengthPerBatch: 1e6 }, [10]],
  ])('ten points %s', (_, limits, sizes) => {
    const sums = aggregation(limits);
    for (let i = 0; i < 10; i++) {
      sums.add(usage({ customer: `c${i}`, metadata: { text: 'x'.repeat(1000) } }), yes);
    }
    const batches = sums.collect();
    expect(batches.map(({ points }) => points)).toEqual(sizes);
    expect(Object.keys(totals(read(batches)))).toHaveLength(10);
  });

  test('halves hold the very same points', () => {
    const sums = aggregation();
    for (let i = 0; i < 7; i++) sums.add(usage({ customer: `c${i}`, dimension: `d${i % 3}` }), yes);
    const [whole] = sums.collect();
    let parts = [whole];
    while (parts.some(({ points }) => points > 1)) parts = parts.flatMap((part) => halves(part) ?? [part]);
    expect(parts).toHaveLength(7);
    expect(read(parts).map(pointKey).sort()).toEqual(read([whole]).map(pointKey).sort());
    expect(halves(parts[0])).toBeNull();
  });
});
