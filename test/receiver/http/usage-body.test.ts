import { describe, expect, test } from 'vitest';
import { ProblemError } from '../../../receiver/http/problem.ts';
import {
  MAX_RECORDS,
  readAmendment,
  readUsageJson,
  readUsageLines,
} from '../../../receiver/http/usage-body.ts';

const record = (fields: string) => `{"customerId":"acme","dimensionId":"api.requests",${fields}}`;

/** The faults of a body, as `path: message`. */
function faultsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ProblemError)
      return error.problem.errors?.map(({ path, message }) => `${path}: ${message}`) ?? [error.code];
    throw error;
  }
  return [];
}

describe('recordValue keeps its digits', () => {
  test.each([
    // as written                              as kept
    ['1', '1'],
    ['12.5', '12.5'],
    ['"12.50"', '12.5'],
    ['"007"', '7'],
    ['-0', '0'],
    ['"-0.0"', '0'],
    ['-3', '-3'],
    ['1.0', '1'],
    ['1e3', '1000'],
    ['25E-1', '2.5'],
    ['0.1', '0.1'],
    ['1e-12', '0.000000000001'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567890'],
    ['99999999999999999999999999.999999999999', '99999999999999999999999999.999999999999'],
    ['"99999999999999999999999999.999999999999"', '99999999999999999999999999.999999999999'],
    ['123456789012.123456789012', '123456789012.123456789012'],
    ['0.100000000000000000000000000000', '0.1'],
    ['  1234567890123456789', '1234567890123456789'],
  ])('%s is %s', (written, kept) => {
    const { records } = readUsageJson(record(`"recordValue":${written}`));
    expect(records[0].recordValue).toBe(kept);
  });

  test.each([
    // beyond 26 integer or 12 fraction digits, or no decimal
    ['1e26'],
    ['100000000000000000000000000'],
    ['1e-13'],
    ['1.0000000000000000001'],
    ['1e-400'],
    ['1e999'],
    ['"1e3"'],
    ['"+1"'],
    ['" 1"'],
    ['".5"'],
    ['"1."'],
    ['""'],
    ['"0x10"'],
    ['"NaN"'],
    ['"1,5"'],
    ['"١"'],
    ['"0.0000000000000"'],
    [`"${'0'.repeat(2000)}1"`],
    ['null'],
    ['true'],
    ['[1]'],
    ['{}'],
  ])('%s is refused', (written) => {
    const faults = faultsOf(() => readUsageJson(record(`"recordValue":${written}`)));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^recordValue: must be a decimal/);
  });
});

test.each([
  // timestamp                             Unix nanoseconds
  ['2026-03-01T00:00:00Z', 1772323200000000000n],
  ['2026-03-01T00:00:00.5Z', 1772323200500000000n],
  ['2026-03-01T00:00:00.123456789Z', 1772323200123456789n],
  ['2026-03-01T01:00:00+01:00', 1772323200000000000n],
  ['2026-02-28T18:30:00-05:30', 1772323200000000000n],
  ['2026-03-01t00:00:00z', 1772323200000000000n],
])('timestamp %s', (timestamp, unixNano) => {
  const { records } = readUsageJson(record(`"recordValue":1,"timestamp":"${timestamp}"`));
  expect(records[0].timeUnixNano).toBe(unixNano);
});

test.each([
  // timestamp                     what is said of it
  ['2026-03-01', /RFC 3339 with an offset/],
  ['2026-03-01T00:00:00', /offset/],
  ['2026-03-01 00:00:00Z', /RFC 3339/],
  ['2026-02-30T00:00:00Z', /exists/],
  ['2026-03-01T24:00:00Z', /exists/],
  ['2026-03-01T00:00:00.1234567891Z', /9 fraction digits/],
  ['1970-01-01T00:00:00Z', /after 1970/],
  ['1969-12-31T23:59:59Z', /after 1970/],
  ['1899-12-31T23:59:59Z', /1900/],
  ['9999-12-31T23:59:59Z', /2262/],
  ['now', /RFC 3339/],
  ['', /RFC 3339/],
])('timestamp %j is refused', (timestamp, said) => {
  const faults = faultsOf(() => readUsageJson(record(`"recordValue":1,"timestamp":"${timestamp}"`)));
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(/^timestamp: /);
  expect(faults[0]).toMatch(said);
});

test('what is left out has its default, and null is left out', () => {
  const bare = { timeUnixNano: null, startUnixNano: 0n, metadata: {}, id: null };
  const expected = { ...bare, customerId: 'acme', dimensionId: 'api.requests', recordValue: '1' };
  expect(readUsageJson(record('"recordValue":1'))).toEqual({ records: [expected], isSingle: true });
  const nulls = '"recordValue":1,"timestamp":null,"startTime":null,"metadata":null,"id":null';
  expect(readUsageJson(`[${record(nulls)}]`)).toEqual({ records: [expected], isSingle: false });
});

test('numbers and booleans of metadata become their text, long numbers with all their digits', () => {
  const metadata = '{"a":"x","b":1.50,"c":true,"d":12345678901234567890,"recordValue":"","é ключ":"ü"}';
  const { records } = readUsageJson(record(`"recordValue":1,"metadata":${metadata}`));
  expect(records[0].metadata).toEqual({
    a: 'x',
    b: '1.5',
    c: 'true',
    d: '12345678901234567890',
    recordValue: '',
    'é ключ': 'ü',
  });
});

const pairs = (count: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, ''])));

test.each([
  // what                     fields after the ids                                        paths
  ['nothing', '"recordValue":1', []],
  ['64 pairs', `"recordValue":1,"metadata":${pairs(64)}`, []],
  ['65 pairs', `"recordValue":1,"metadata":${pairs(65)}`, ['metadata']],
  ['a list of metadata', '"recordValue":1,"metadata":[]', ['metadata']],
  ['nested metadata', '"recordValue":1,"metadata":{"a":{}}', ['metadata.a']],
  ['null in metadata', '"recordValue":1,"metadata":{"a b":null}', ['metadata["a b"]']],
  ['__proto__', '"recordValue":1,"metadata":{"__proto__":"x"}', ['metadata.__proto__']],
  ['an empty key', '"recordValue":1,"metadata":{"":"x"}', ['metadata[""]']],
  ['a long text', `"recordValue":1,"metadata":{"a":"${'x'.repeat(4097)}"}`, ['metadata.a']],
  ['half a surrogate pair', '"recordValue":1,"metadata":{"a":"\\ud800"}', ['metadata.a']],
  ['an unknown field', '"recordValue":1,"quantity":1', ['quantity']],
  ['an empty id', '"recordValue":1,"id":""', ['id']],
  ['an id with NUL', '"recordValue":1,"id":"a\\u0000b"', ['id']],
  ['an id that is a number', '"recordValue":1,"id":7', ['id']],
  ['two customers', '"recordValue":1,"customerId":""', ['customerId']],
  ['a number for a customer', '"recordValue":1,"customerId":7', ['customerId']],
  ['half a customer', '"recordValue":1,"customerId":"\\udfff"', ['customerId']],
  ['a long dimension', `"recordValue":1,"dimensionId":"${'x'.repeat(1025)}"`, ['dimensionId']],
  ['no value', '"timestamp":"2026-03-01T00:00:00Z"', ['recordValue']],
  [
    'several faults',
    '"timestamp":"x","startTime":"y","recordValue":"z"',
    ['timestamp', 'startTime', 'recordValue'],
  ],
])('a record with %s', (_, fields, paths) => {
  const faults = faultsOf(() => readUsageJson(record(fields)));
  expect(faults.map((fault) => fault.split(': ', 1)[0])).toEqual(paths);
});

test('every bad record of an array is named', () => {
  const good = record('"recordValue":1');
  const body = `[${good},${record('"recordValue":"x"')},${good},7,null,${record('"recordValue":1,"colour":"red"')}]`;
  expect(faultsOf(() => readUsageJson(body)).map((fault) => fault.split(': ', 1)[0])).toEqual([
    '[1].recordValue',
    '[3]',
    '[4]',
    '[5].colour',
  ]);
});

test('NDJSON is a record per line, of any line ending, and empty lines are none', () => {
  const { records, isSingle } = readUsageLines(
    `${record('"recordValue":1')}\r\n\n  \n${record('"recordValue":2')}\n`,
  );
  expect(records.map(({ recordValue }) => recordValue)).toEqual(['1', '2']);
  expect(isSingle).toBe(false);
  expect(readUsageLines('').records).toEqual([]);
});

test('broken lines are named beside bad records, in their order', () => {
  const body = [record('"recordValue":"x"'), '', '{broken', record('"recordValue":1'), '[1]'].join('\n');
  const faults = faultsOf(() => readUsageLines(body));
  expect(faults.map((fault) => fault.split(': ', 1)[0])).toEqual(['[0].recordValue', '[1]', '[3]']);
  expect(faults[1]).toContain('line 3 is not JSON');
});

test.each([
  ['nothing', ''],
  ['no JSON', '{"customerId":'],
  ['two values', '{} {}'],
])('a body of %s is refused', (_, body) => {
  expect(faultsOf(() => readUsageJson(body))).toEqual(['INVALID_JSON']);
});

test('too many records are refused', () => {
  const one = record('"recordValue":1');
  expect(
    faultsOf(() =>
      readUsageJson(
        `[${Array(MAX_RECORDS + 1)
          .fill('0')
          .join()}]`,
      ),
    ),
  ).toEqual(['TOO_MANY_RECORDS']);
  expect(faultsOf(() => readUsageLines(`${one}\n`.repeat(MAX_RECORDS + 1)))).toEqual(['TOO_MANY_RECORDS']);
});

test.each([
  // body                                                            what it changes
  ['{"reason":"r","recordValue":5}', { recordValue: '5' }],
  ['{"reason":"r","startTime":null}', { startUnixNano: 0n }],
  ['{"reason":"r","metadata":{}}', { metadata: {} }],
  [
    '{"reason":"r","customerId":"b","dimensionId":"d","timestamp":"2026-03-01T00:00:00Z"}',
    { customerId: 'b', dimensionId: 'd', timeUnixNano: 1772323200000000000n },
  ],
])('an amendment %s', (body, changes) => {
  expect(readAmendment(body)).toEqual({ reason: 'r', ...changes });
});

test.each([
  // body                                              paths
  ['{"recordValue":5}', ['reason']],
  ['{"reason":"","recordValue":5}', ['reason']],
  ['{"reason":"r"}', ['']],
  ['{"reason":"r","recordValue":"x","id":"y"}', ['id', 'recordValue']],
  ['{"reason":"r","quantity":5}', ['quantity']],
  ['[]', ['']],
])('an amendment %s is refused', (body, paths) => {
  const faults = faultsOf(() => readAmendment(body)).map((fault) => fault.split(': ', 1)[0]);
  expect(faults.toSorted()).toEqual(paths);
});
