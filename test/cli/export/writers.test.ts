import { expect, test } from 'vitest';
import type { Column } from '../../../cli/export/columns.ts';
import { scaledDecimal } from '../../../cli/export/parquet-file.ts';
import { csvLines, ndjsonLines } from '../../../cli/export/text-writers.ts';

test.each<[text: string, scale: number, scaled: bigint | null]>([
  ['0', 12, 0n],
  ['-0.5', 1, -5n],
  ['1.50', 1, 15n],
  ['1.25', 1, null],
  ['0.0000000000001', 12, null],
  ['99999999999999999999999999.999999999999', 12, 10n ** 38n - 1n],
  ['100000000000000000000000000', 12, null],
  ['-100000000000000000000000000', 12, null],
  ['1e3', 12, null],
  ['', 12, null],
])('"%s" with %i fraction digits is %s', (text, scale, scaled) => {
  expect(scaledDecimal(text, scale)).toBe(scaled);
});

interface Row {
  id: string | null;
  metadata: Record<string, string>;
}
const COLUMNS: Column<Row>[] = [
  { name: 'id', type: { is: 'text' }, value: ({ id }) => id },
  { name: 'meta,data', type: { is: 'map' }, value: ({ metadata }) => metadata },
];

async function* pages(...rows: Row[]) {
  yield rows;
  yield [];
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

test.each<[Row, csv: string]>([
  [{ id: 'plain', metadata: {} }, 'plain,{}'],
  [{ id: null, metadata: {} }, ',{}'],
  [{ id: '', metadata: {} }, '"",{}'],
  [{ id: 'two\nlines', metadata: {} }, '"two\nlines",{}'],
  [{ id: 'a\rb', metadata: {} }, '"a\rb",{}'],
  [{ id: 'say "x", please', metadata: {} }, '"say ""x"", please",{}'],
  [{ id: 'm', metadata: { a: '1', b: '' } }, 'm,"{""a"":""1"",""b"":""""}"'],
])('%j in CSV', async (row, csv) => {
  expect(await textOf(csvLines(COLUMNS, pages(row)))).toBe(`id,"meta,data"\r\n${csv}\r\n`);
});

test('NDJSON is a line for each row', async () => {
  const rows = [
    { id: 'two\nlines', metadata: {} },
    { id: null, metadata: { a: '1' } },
  ];
  const text = await textOf(ndjsonLines(pages(...rows)));
  expect(text.split('\n').map((line) => (line === '' ? '' : JSON.parse(line)))).toEqual([...rows, '']);
});
