import { expect, test } from 'vitest';
import { NdjsonReader } from '../../../cli/import/ndjson-reader.ts';
import { MAX_ROW_BYTES, TOO_LONG } from '../../../cli/import/text-blocks.ts';

test('numbers are the text that stands in the file', () => {
  const [{ cells }] = new NdjsonReader().push(
    '{"a":9007199254740993,"b":0.10,"c":1e-7,"d":{"e":12345678901234567890123456.123456789012},"f":"1.0","g":null,"h":true}',
  );
  expect(cells).toEqual({
    a: '9007199254740993',
    b: '0.10',
    c: '1e-7',
    d: { e: '12345678901234567890123456.123456789012' },
    f: '1.0',
    g: null,
    h: true,
  });
});

test('rows know their lines, over blocks and empty lines', () => {
  const reader = new NdjsonReader();
  const rows = [...reader.push('{"a":1}\r\n\n \n{"a":2}\n'), ...reader.push('{"a":3}\n{"a":4}')];
  expect(rows.map(({ row, cells }) => [row, cells])).toEqual([
    [1, { a: '1' }],
    [4, { a: '2' }],
    [5, { a: '3' }],
    [6, { a: '4' }],
  ]);
});

test.each([
  ['{"a":1', 'the row is no JSON: '],
  ['{"a":NaN}', 'the row is no JSON: '],
  ["{'a':1}", 'the row is no JSON: '],
  ['[1,2]', 'the row is no JSON object'],
  ['"text"', 'the row is no JSON object'],
  ['null', 'the row is no JSON object'],
  ['{"a":"\u0000"}', 'the row is no JSON: '],
  [`{"a":"yyy${TOO_LONG}`, `the row is longer than ${MAX_ROW_BYTES} bytes`],
])('%j is one bad row', (line, problem) => {
  const rows = new NdjsonReader().push(`{"a":1}\n${line}\n{"a":2}\n`);
  expect(rows.map(({ row, fault }) => [row, fault?.problem])).toEqual([
    [1, undefined],
    [2, expect.stringContaining(problem)],
    [3, undefined],
  ]);
});
