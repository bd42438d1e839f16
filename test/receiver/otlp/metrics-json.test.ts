import { describe, expect, test } from 'vitest';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { DecodeError, MetricColumns } from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsJson } from '../../../receiver/otlp/metrics-json.ts';
import { rowsOfColumns } from './differential.ts';
import { encode, Random, randomRequest } from './otlp-generator.ts';
import { toJson } from './otlp-json.ts';
import { MetricsRequest, plainText, type Row, rowsOfMessage } from './otlp-proto.ts';

const utf8 = new TextEncoder();

function rows(body: string | Uint8Array): Row[] {
  const interner = new ByteInterner();
  const columns = new MetricColumns();
  decodeMetricsJson(typeof body === 'string' ? utf8.encode(body) : body, interner, columns);
  return rowsOfColumns(columns, interner);
}

const metric = (fields: string) => `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{${fields}}]}]}]}`;
const point = (fields: string) => metric(`"sum":{"dataPoints":[{${fields}}]}`);
const value = (any: string) => point(`"attributes":[{"key":"k","value":${any}}]`);
const valueText = (text: string) => [{ attributes: `[{"key":"k","value":${text}}]` }];
const POINT = 'resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0]';

describe('what is read', () => {
  test.each<[string, string, object[]]>([
    //  case                          body                                             rows in part
    ['an empty request', '{}', []],
    ['null is absent', '{"resourceMetrics":null}', []],
    [
      'null everywhere',
      '{"resourceMetrics":[{"resource":null,"schemaUrl":null,"scopeMetrics":[{"scope":null,"metrics":[{"name":null,"sum":null,"gauge":{"dataPoints":[{"asInt":null,"attributes":null,"exemplars":null,"flags":null,"timeUnixNano":null}]}}]}]}]}',
      [{ kind: 0, value: 'none', time: 0n, attributes: '[]' }],
    ],
    ['a metric without points', metric('"name":"m","sum":{"dataPoints":[]}'), []],
    [
      'an integer as a string',
      point('"asInt":"9223372036854775807"'),
      [{ value: 'int 9223372036854775807' }],
    ],
    ['the smallest', point('"asInt":"-9223372036854775808"'), [{ value: 'int -9223372036854775808' }]],
    ['an integer as a number', point('"asInt":-5'), [{ value: 'int -5' }]],
    ['a bare integer beyond 2^53', point('"asInt":9007199254740993'), [{ value: 'int 9007199254740993' }]],
    [
      'two of them, and doubles beside',
      `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":-9223372036854775808,"startTimeUnixNano":1700000000123456789},{"asDouble":9007199254740993},{"asDouble":1.7976931348623157e308}]}}]}]}]}`,
      [
        { value: 'int -9223372036854775808', start: 1700000000123456789n },
        { value: 'double 0x4340000000000000' },
        { value: 'double 0x7fefffffffffffff' },
      ],
    ],
    [
      'a bare integer with an exponent',
      point('"asInt":9007199254740993e0'),
      [{ value: 'int 9007199254740993' }],
    ],
    ['an integer in exponent form', point('"asInt":"1.5e1"'), [{ value: 'int 15' }]],
    ['an integer with a fraction of zeros', point('"asInt":5.0'), [{ value: 'int 5' }]],
    ['minus zero is the integer zero', point('"asInt":-0'), [{ value: 'int 0' }]],
    ['uint64', point('"timeUnixNano":"18446744073709551615"'), [{ time: 2n ** 64n - 1n }]],
    ['a double as a string', point('"asDouble":"0.1"'), [{ value: 'double 0x3fb999999999999a' }]],
    ['a double from an integer', point('"asDouble":3'), [{ value: 'double 0x4008000000000000' }]],
    ['minus zero', point('"asDouble":-0'), [{ value: 'double 0x8000000000000000' }]],
    ['NaN', point('"asDouble":"NaN"'), [{ value: 'double NaN' }]],
    ['infinity', point('"asDouble":"-Infinity"'), [{ value: 'double 0xfff0000000000000' }]],
    ['flags', point('"flags":4294967295'), [{ flags: 4294967295 }]],
    [
      'a temporality by name',
      metric(
        '"sum":{"dataPoints":[{}],"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true}',
      ),
      [{ temporality: 1, monotonic: true }],
    ],
    [
      'a temporality that OTLP does not know',
      metric('"sum":{"dataPoints":[{}],"aggregationTemporality":-7}'),
      [{ temporality: -7 }],
    ],
    [
      'names as in the .proto file',
      '{"resource_metrics":[{"scope_metrics":[{"metrics":[{"exponential_histogram":{"data_points":[{"time_unix_nano":"5","count":2}],"aggregation_temporality":2}}]}]}]}',
      [{ kind: 3, time: 5n, count: 2n, value: 'none', temporality: 2 }],
    ],
    [
      'unknown names, however they nest',
      point('"asInt":1,"new":{"deep":[[[{"asInt":"x"}]]]}'),
      [{ value: 'int 1' }],
    ],
    ['a name that comes twice: the last', point('"asInt":1,"asInt":2'), [{ value: 'int 2' }]],
    [
      'a histogram',
      metric(
        '"histogram":{"dataPoints":[{"count":"3","sum":1.5,"bucketCounts":["1",2],"explicitBounds":[1,"2"],"min":0}]}',
      ),
      [{ kind: 2, count: 3n, value: 'sum 0x3ff8000000000000' }],
    ],
    [
      'a histogram without a sum',
      metric('"histogram":{"dataPoints":[{"count":3}]}'),
      [{ count: 3n, value: 'none' }],
    ],
    [
      'a summary without a sum',
      metric('"summary":{"dataPoints":[{"count":3}]}'),
      [{ kind: 4, value: 'sum 0x0' }],
    ],
    ['escapes', metric('"name":"\\u00fc\\ud83e\\udd86\\n","gauge":{"dataPoints":[{}]}'), [{ name: 'ü🦆\n' }]],
    ['a byte-order mark', `\ufeff${point('"asInt":1')}`, [{ value: 'int 1' }]],
    ['a string value', value('{"stringValue":"v"}'), valueText('{"type":"string","value":"v"}')],
    ['an empty string is a value', value('{"stringValue":""}'), valueText('{"type":"string","value":""}')],
    ['false is a value', value('{"boolValue":false}'), valueText('{"type":"bool","value":false}')],
    [
      'a bare int beyond 2^53',
      value('{"intValue":9007199254740993}'),
      valueText('{"type":"int","value":"9007199254740993n"}'),
    ],
    ['base64', value('{"bytesValue":"AP8="}'), valueText('{"type":"bytes","value":"00ff"}')],
    [
      'base64 for URLs, not padded',
      value('{"bytesValue":"-_8"}'),
      valueText('{"type":"bytes","value":"fbff"}'),
    ],
    [
      'an array',
      value('{"arrayValue":{"values":[{},{"intValue":1}]}}'),
      valueText('{"type":"array","value":[{"type":"empty"},{"type":"int","value":"1n"}]}'),
    ],
    [
      'a map',
      value('{"kvlistValue":{"values":[{"key":"a"}]}}'),
      valueText('{"type":"map","value":[{"key":"a","value":{"type":"empty"}}]}'),
    ],
    ['no value', value('null'), valueText('{"type":"empty"}')],
    ['nesting of 100 levels', value(nestedArrays(46)), [{}]],
  ])('%s', (_, body, expected) => {
    expect(rows(body)).toMatchObject(expected);
    expect(rows(body)).toHaveLength(expected.length);
  });
});

function nestedArrays(levels: number): string {
  return `${'{"arrayValue":{"values":['.repeat(levels)}{"intValue":1}${']}}'.repeat(levels)}`;
}

describe('what is refused, and where', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{', 'JSON: '],
    ['an empty body', '', 'JSON: '],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'JSON: the body is not UTF-8'],
    ['no object', '[]', 'JSON: expected an object (got an array)'],
    [
      'a list that is none',
      '{"resourceMetrics":{}}',
      'JSON: resourceMetrics: expected an array (got an object)',
    ],
    [
      'a null in a list',
      '{"resourceMetrics":[null]}',
      'JSON: resourceMetrics[0]: expected an object (got null)',
    ],
    [
      'a name',
      metric('"name":5'),
      'JSON: resourceMetrics[0].scopeMetrics[0].metrics[0].name: expected a string (got 5)',
    ],
    ['a description', metric('"description":[]'), '.description: expected a string (got an array)'],
    [
      'half a surrogate pair',
      metric('"name":"\\ud83e"'),
      '.name: expected valid Unicode (got a lone surrogate)',
    ],
    ['a fraction as an integer', point('"asInt":1.5'), `${POINT}.asInt: expected a 64-bit integer (got 1.5)`],
    [
      'an empty string as an integer',
      point('"asInt":""'),
      `${POINT}.asInt: expected a 64-bit integer (got "")`,
    ],
    [
      'an integer beyond 64 bits',
      point('"asInt":"9223372036854775808"'),
      '.asInt: expected a 64-bit integer',
    ],
    ['the same, bare', point('"asInt":9223372036854775808'), '.asInt: expected a 64-bit integer'],
    ['a fraction beyond 2^53', point('"asInt":9007199254740993.5'), 'too large to be exact'],
    ['true as an integer', point('"asInt":true'), '.asInt: expected a 64-bit integer (got true)'],
    [
      'a negative time',
      point('"timeUnixNano":"-1"'),
      '.timeUnixNano: expected an unsigned 64-bit integer (got "-1")',
    ],
    ['flags of 33 bits', point('"flags":4294967296'), '.flags: expected an unsigned 32-bit integer'],
    ['a double', point('"asDouble":"x"'), `${POINT}.asDouble: expected a number (got "x")`],
    ['a double that is too large', point('"asDouble":1e999'), 'within the range of a double'],
    ['two values', point('"asInt":1,"asDouble":2'), `${POINT}: expected one value (got asInt and asDouble)`],
    [
      'two kinds of data',
      metric('"sum":{},"gauge":{}'),
      'metrics[0]: expected one kind of data (got gauge and sum)',
    ],
    ['both spellings', point('"asInt":1,"as_int":2'), `${POINT}: a field comes in both spellings`],
    [
      'a temporality',
      metric('"sum":{"aggregationTemporality":"DELTA"}'),
      '.sum.aggregationTemporality: expected one of',
    ],
    ['monotonic', metric('"sum":{"isMonotonic":1}'), '.sum.isMonotonic: expected true or false (got 1)'],
    [
      'two members of a value',
      value('{"intValue":1,"stringValue":""}'),
      '.attributes[0].value: expected one value (got intValue and stringValue)',
    ],
    ['a value', value('"x"'), `${POINT}.attributes[0].value: expected an object (got "x")`],
    ['base64', value('{"bytesValue":"a"}'), '.attributes[0].value.bytesValue: expected base64 (got "a")'],
    [
      'deep in a value',
      value('{"arrayValue":{"values":[{},{"kvlistValue":{"values":[{"key":1}]}}]}}'),
      '.value.arrayValue.values[1].kvlistValue.values[0].key: expected a string (got 1)',
    ],
    [
      'a bucket',
      metric('"histogram":{"dataPoints":[{"bucketCounts":[1,"x"]}]}'),
      '.bucketCounts[1]: expected an unsigned 64-bit integer (got "x")',
    ],
    [
      'an exemplar',
      point('"exemplars":[{"filteredAttributes":[{"key":1}]}]'),
      '.exemplars[0].filteredAttributes[0].key: expected a string',
    ],
    ['nesting of 101 levels', value(nestedArrays(47)), 'more than 100 levels of nesting'],
    ['brackets in an unknown field', `{"x":${'['.repeat(300)}${']'.repeat(300)}}`, 'nested brackets'],
    ['brackets and nothing else', '['.repeat(1_000_000), 'nested brackets'],
  ])('%s', (_, body, reason) => {
    expect(() => rows(body)).toThrow(DecodeError);
    expect(() => rows(body)).toThrow(reason);
  });

  test('brackets in strings do not nest', () => {
    expect(rows(metric(`"name":"${'\\"[{'.repeat(200)}","gauge":{"dataPoints":[{}]}`))).toHaveLength(1);
  });
});

test('integers of any length are exact', () => {
  const random = new Random(7);
  const numbers = [0n, 10n ** 9n, 10n ** 18n, 9n * 10n ** 18n - 1n, 9n * 10n ** 18n, 2n ** 63n - 1n];
  for (let i = 0; i < 2000; i++) {
    const words = (BigInt(random.below(2 ** 31)) << 32n) | BigInt(random.below(2 ** 32));
    numbers.push(words >> BigInt(random.below(63)));
  }
  const points = numbers.map(
    (number, i) => `{"asInt":"${i % 2 === 0 ? number : -number}","timeUnixNano":"${number}"}`,
  );
  expect(rows(metric(`"sum":{"dataPoints":[${points.join(',')}]}`))).toMatchObject(
    numbers.map((number, i) => ({ value: `int ${i % 2 === 0 ? number : -number}`, time: number })),
  );
});

test('points are appended once, also where the body is parsed twice', () => {
  const interner = new ByteInterner();
  const columns = new MetricColumns();
  for (const integer of ['1', '9007199254740993']) {
    const body = metric(`"gauge":{"dataPoints":[{"asInt":7},{"asInt":${integer}}]}`);
    decodeMetricsJson(utf8.encode(body), interner, columns);
  }
  expect(rowsOfColumns(columns, interner).map((row) => row.value)).toEqual([
    'int 7',
    'int 1',
    'int 7',
    'int 9007199254740993',
  ]);
  expect(columns.metrics).toHaveLength(2);
});

test('random requests mean the same in JSON and in protobuf', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`JSON: seed ${seed}`);
  let points = 0;
  for (let index = 0; index < 1500; index++) {
    const random = new Random(seed + index);
    const message = MetricsRequest.decode(encode(randomRequest(random, 'metrics')));
    const expected = rowsOfMessage(message);
    expect(plainText(rows(toJson(MetricsRequest, message, random))), `seed ${seed + index}`).toBe(
      plainText(expected),
    );
    points += expected.length;
  }
  expect(points).toBeGreaterThan(3000);
});
