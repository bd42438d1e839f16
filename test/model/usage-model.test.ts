import { describe, expect, test } from 'vitest';
import {
  CUMULATIVE,
  DELTA,
  NO_RECORDED_VALUE,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
  UNSPECIFIED,
} from '../support/otlp-points.ts';
import { decimalText, scaledOfText, scaledQuantity, totalsOf, usageOf } from './usage-model.ts';

const NOW = 1_000_000n;
const SDK: OtlpAttributes = [
  ['service.instance.id', 'a'],
  ['telemetry.sdk.name', 'opentelemetry'],
];
const NO_SDK: OtlpAttributes = [['service.instance.id', 'a']];

interface PointChanges extends Partial<Omit<OtlpPoint, 'stream'>> {
  stream?: Partial<OtlpStream>;
}

function point(changes: PointChanges): OtlpPoint {
  return {
    attributes: [['usage.customer.id', 'acme']],
    startUnixNano: 10n,
    timeUnixNano: 20n,
    value: 1n,
    flags: 0,
    ...changes,
    stream: stream(changes.stream),
  };
}

/** What a set of readings [start, time, value] of one series becomes: counted in all, and what is a baseline. */
function outcome(
  readings: [number, number, number | bigint][],
  temporality: number,
  resource: OtlpAttributes,
) {
  const points = readings.map(([start, time, value]) =>
    point({
      startUnixNano: BigInt(start),
      timeUnixNano: BigInt(time),
      value: BigInt(value),
      stream: { temporality, resource },
    }),
  );
  const forth = usageOf(points, NOW);
  const back = usageOf(points.toReversed(), NOW);
  expect(totalsOf(back.usage), 'the same whatever the order').toEqual(totalsOf(forth.usage));
  expect(back.quarantined).toEqual(forth.quarantined);
  return [
    forth.usage
      .toSorted((a, b) => Number(a.timeUnixNano - b.timeUnixNano))
      .map(({ quantity }) => Number(quantity / 10n ** 12n)),
    forth.quarantined.map(({ code, quantity }) => `${code} ${decimalText(quantity!)}`),
  ];
}

describe('delta', () => {
  test.each<[string, [number, number, number][], number[]]>([
    //                              [start, time, value]                   counted
    ['one', [[10, 20, 5]], [5]],
    [
      'the same again',
      [
        [10, 20, 5],
        [10, 20, 5],
      ],
      [5],
    ],
    [
      'same window, another value: both',
      [
        [10, 20, 5],
        [10, 20, 6],
      ],
      [5, 6],
    ],
    ['start equals time', [[20, 20, 5]], [5]],
    [
      'start is zero',
      [
        [0, 20, 5],
        [0, 30, 5],
      ],
      [5, 5],
    ],
    [
      'gap and overlap',
      [
        [10, 20, 5],
        [30, 40, 5],
        [15, 50, 5],
      ],
      [5, 5, 5],
    ],
    ['zero is a record', [[10, 20, 0]], [0]],
  ])('%s', (_, readings, counted) => {
    expect(outcome(readings, DELTA, SDK)).toEqual([counted, []]);
  });
});

describe('cumulative', () => {
  test.each<[string, OtlpAttributes, [number, number, number][], number[], string[]]>([
    //                                     [start, time, value]                    increments   quarantined
    [
      'growth',
      SDK,
      [
        [10, 20, 5],
        [10, 30, 8],
      ],
      [5, 3],
      [],
    ],
    [
      'retry',
      SDK,
      [
        [10, 20, 5],
        [10, 20, 5],
      ],
      [5],
      [],
    ],
    [
      'late reading splits',
      SDK,
      [
        [10, 20, 5],
        [10, 40, 9],
        [10, 30, 6],
      ],
      [5, 1, 3],
      [],
    ],
    [
      'decrease: the maximum holds',
      SDK,
      [
        [10, 20, 8],
        [10, 30, 2],
        [10, 40, 9],
      ],
      [8, 0, 1],
      [],
    ],
    [
      'new start counts from zero',
      SDK,
      [
        [10, 20, 8],
        [21, 30, 3],
      ],
      [8, 3],
      [],
    ],
    [
      'overlapping segments are two writers',
      SDK,
      [
        [10, 30, 8],
        [20, 40, 9],
      ],
      [8, 9],
      [],
    ],
    [
      'first at its start, an SDK',
      SDK,
      [
        [10, 10, 100],
        [10, 20, 225],
      ],
      [100, 125],
      [],
    ],
    [
      'first at its start, no SDK',
      NO_SDK,
      [
        [10, 10, 100],
        [10, 20, 225],
      ],
      [0, 125],
      ['baseline 100'],
    ],
    [
      'first after its start, no SDK',
      NO_SDK,
      [
        [10, 20, 100],
        [10, 30, 225],
      ],
      [100, 125],
      [],
    ],
    ['empty SDK name is none', [['telemetry.sdk.name', '']], [[10, 10, 7]], [0], ['baseline 7']],
    [
      'unknown start',
      SDK,
      [
        [0, 10, 100],
        [0, 20, 225],
      ],
      [0, 125],
      ['baseline 100'],
    ],
    [
      'unknown start, late first',
      SDK,
      [
        [0, 20, 225],
        [0, 10, 100],
        [0, 5, 90],
      ],
      [0, 10, 125],
      ['baseline 90'],
    ],
    [
      'unknown start, decrease',
      SDK,
      [
        [0, 10, 100],
        [0, 20, 30],
        [0, 30, 35],
      ],
      [0, 30, 5],
      ['baseline 100'],
    ],
  ])('%s', (_, resource, readings, increments, quarantined) => {
    expect(outcome(readings, CUMULATIVE, resource)).toEqual([increments, quarantined]);
  });
});

describe('quarantine', () => {
  const customer: OtlpAttributes[number] = ['usage.customer.id', 'acme'];
  test.each<[string, PointChanges, string | null]>([
    ['sdk_overflow', { attributes: [['otel.metric.overflow', true]] }, 'sdk_overflow'],
    ['no customer', { attributes: [] }, 'missing_customer'],
    ['empty customer', { attributes: [['usage.customer.id', '']] }, 'missing_customer'],
    ['customer is a double', { attributes: [['usage.customer.id', 1.5]] }, 'missing_customer'],
    ['customer is an integer', { attributes: [['usage.customer.id', 7n]] }, null],
    [
      'customer on the resource',
      { attributes: [], stream: { resource: [['usage.customer.id', 'b']] } },
      null,
    ],
    ['twice the same key', { attributes: [customer, ['a', 'x'], ['a', 'y']] }, 'duplicate_attribute'],
    ['no time', { startUnixNano: 0n, timeUnixNano: 0n }, 'time_zero'],
    ['start behind time', { startUnixNano: 21n }, 'start_after_time'],
    ['ten minutes ahead', { timeUnixNano: NOW + 600_000_000_000n }, null],
    ['more than ten minutes', { timeUnixNano: NOW + 600_000_000_001n }, 'time_in_future'],
    ['no value', { value: null }, 'no_value'],
    ['NaN', { value: Number.NaN }, 'not_a_number'],
    ['infinity', { value: -Infinity }, 'infinite'],
    ['26 digits', { value: 9.9e25 }, null],
    ['27 digits', { value: 1e26 }, 'out_of_range'],
    ['no temporality', { stream: { temporality: UNSPECIFIED } }, 'unspecified_temporality'],
    ['temporality 3', { stream: { temporality: 3 } }, 'unspecified_temporality'],
    ['histogram', { value: { count: 1n, sum: 2 }, stream: { kind: 'histogram' } }, 'unsupported_kind'],
    ['summary', { value: { count: 1n, sum: 2 }, stream: { kind: 'summary' } }, 'unsupported_kind'],
    ['negative', { value: -1n }, 'negative_monotonic'],
    ['minus zero', { value: -0 }, null],
    ['a level', { stream: { kind: 'gauge' } }, 'unknown_dimension'],
    ['an up-down counter', { stream: { monotonic: false, temporality: CUMULATIVE } }, 'unknown_dimension'],
    ['nothing behind "usage."', { stream: { name: 'usage.' } }, 'unknown_dimension'],
    ['a signed delta', { stream: { monotonic: false } }, 'unknown_dimension'],
  ])('%s', (_, changes, code) => {
    const result = usageOf([point(changes)], NOW);
    expect(result.quarantined.map((row) => row.code)).toEqual(code === null ? [] : [code]);
    expect(result.usage).toHaveLength(code === null ? 1 : 0);
  });

  test.each<[string, PointChanges, string]>([
    [
      'other unit',
      { stream: { unit: 'By', name: 'other' }, attributes: dimension('api.requests') },
      'wrong_unit',
    ],
    ['level', { stream: { kind: 'gauge' } }, 'level_into_sum'],
    ['signed delta', { stream: { monotonic: false } }, 'credits_not_allowed'],
    ['both temporalities', { stream: { temporality: CUMULATIVE } }, 'other_temporality'],
  ])('into a dimension that a counter discovered: %s', (_, changes, code) => {
    const result = usageOf([point({}), point(changes), point(changes)], NOW);
    expect(result.quarantined.map((row) => row.code)).toEqual([code]);
    expect([...totalsOf(result.usage)]).toEqual([['acme / api.requests', '1']]);
  });

  test('a series that mixes known and unknown starts', () => {
    const cumulative = { temporality: CUMULATIVE };
    const known = point({ stream: cumulative, value: 7n });
    const unknown = point({ stream: cumulative, startUnixNano: 0n, value: 9n });
    expect(usageOf([known, unknown], NOW).quarantined.map((row) => row.code)).toEqual(['mixed_start']);
    expect(usageOf([unknown, known], NOW).quarantined.map((row) => row.code)).toEqual([
      'mixed_start',
      'baseline',
    ]);
  });

  function dimension(id: string): OtlpAttributes {
    return [customer, ['usage.dimension.id', id]];
  }
});

describe('claimed', () => {
  test.each<[string, string, OtlpAttributes, string | null]>([
    //            metric             attributes                        dimension
    ['by name', 'usage.tokens', [], 'tokens'],
    ['by attribute', 'http.requests', [['usage.dimension.id', 'calls']], 'calls'],
    ['by both: the attribute', 'usage.tokens', [['usage.dimension.id', 'calls']], 'calls'],
    ['by neither', 'http.requests', [], null],
  ])('%s', (_, name, attributes, dimensionId) => {
    const all: OtlpAttributes = [['usage.customer.id', 'acme'], ...attributes];
    const result = usageOf([point({ stream: { name }, attributes: all })], NOW);
    expect(result.usage.map((row) => row.dimensionId)).toEqual(dimensionId === null ? [] : [dimensionId]);
    expect(result.ignored).toBe(dimensionId === null ? 1 : 0);
  });

  test('a marker is neither usage nor quarantined', () => {
    expect(usageOf([point({ flags: NO_RECORDED_VALUE, value: null })], NOW)).toEqual({
      usage: [],
      quarantined: [],
      ignored: 0,
      markers: 1,
    });
  });
});

describe('one series', () => {
  const identified: OtlpAttributes = [
    ['service.name', 'shop'],
    ['service.instance.id', 'a'],
  ];
  const anonymous: OtlpAttributes = [['service.name', 'shop']];
  const base = point({ stream: { resource: identified } });
  const nameless = point({ stream: { resource: anonymous } });
  const withAttribute = (value: OtlpAttributes[number][1]) =>
    point({
      attributes: [
        ['usage.customer.id', 'acme'],
        ['k', value],
      ],
    });

  test.each<[string, OtlpPoint, OtlpPoint, boolean]>([
    [
      'other host, same instance',
      base,
      point({ stream: { resource: [...identified, ['host.name', 'h']] } }),
      true,
    ],
    [
      'other host, no instance',
      nameless,
      point({ stream: { resource: [...anonymous, ['host.name', 'h']] } }),
      false,
    ],
    [
      'empty instance id is none',
      nameless,
      point({ stream: { resource: [...anonymous, ['service.instance.id', '']] } }),
      false,
    ],
    [
      'other instance',
      base,
      point({
        stream: {
          resource: [
            ['service.name', 'shop'],
            ['service.instance.id', 'b'],
          ],
        },
      }),
      false,
    ],
    [
      'other customer on the resource, same instance',
      point({ stream: { resource: [...identified, ['usage.customer.id', 'acme']] } }),
      point({ stream: { resource: [...identified, ['usage.customer.id', 'globex']] } }),
      false,
    ],
    ['order of attributes', base, point({ stream: { resource: identified.toReversed() } }), true],
    ['"1" and 1', withAttribute('1'), withAttribute(1n), false],
    ['1 and 1.0', withAttribute(1n), withAttribute(1), false],
    [
      'order of a map',
      withAttribute({
        map: [
          ['a', 1n],
          ['b', 2n],
        ],
      }),
      withAttribute({
        map: [
          ['b', 2n],
          ['a', 1n],
        ],
      }),
      true,
    ],
    ['order of an array', withAttribute([1n, 2n]), withAttribute([2n, 1n]), false],
    ['value 1 and 1.0', point({ value: 1n }), point({ value: 1 }), true],
    ['scope version', base, point({ stream: { resource: identified, scopeVersion: '2' } }), false],
    ['unit', base, point({ stream: { resource: identified, unit: '' } }), false],
  ])('%s', (_, one, other, same) => {
    const result = usageOf([one, other], NOW);
    expect(result.quarantined).toEqual([]);
    expect(result.usage).toHaveLength(same ? 1 : 2);
  });
});

describe('values', () => {
  test.each<[string, bigint | number, string]>([
    ['the largest int64', 9223372036854775807n, '9223372036854775807'],
    ['above 2^53', 9007199254740993n, '9007199254740993'],
    ['a tenth', 0.1, '0.1'],
    ['large double', 1.5e25, '15000000000000000000000000'],
    ['small', 1e-12, '0.000000000001'],
    ['half to even, down', 2.5e-12, '0.000000000002'],
    ['half to even, up', 3.5e-12, '0.000000000004'],
    ['below half', 4e-13, '0'],
    ['negative', -12.25, '-12.25'],
  ])('%s', (_, value, text) => {
    expect(decimalText(scaledQuantity(value)!)).toBe(text);
    expect(decimalText(scaledOfText(text))).toBe(text);
  });
});
