import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CsvReader } from '../../../cli/import/csv-reader.ts';
import type { SourceRow } from '../../../cli/import/source-row.ts';
import { INVALID_UTF8, MAX_ROW_BYTES, textBlocks } from '../../../cli/import/text-blocks.ts';

/** Rows of a file whose bytes arrive in pieces of a size. */
async function read(
  content: Buffer | string,
  { delimiter = ',', pieceBytes = 1 << 18 } = {},
): Promise<{ header: string[] | null; rows: SourceRow[] }> {
  const bytes = Buffer.from(content);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const reader = new CsvReader(delimiter);
  const rows: SourceRow[][] = [];
  for await (const block of textBlocks(pieces())) rows.push(reader.push(block));
  rows.push(reader.end());
  return { header: reader.header, rows: rows.flat() };
}

/** `line: cells` of good rows, `line ! column: problem` of bad ones. */
async function told(content: Buffer | string, options = {}): Promise<string[]> {
  const { rows } = await read(content, options);
  return rows.map(({ row, cells, fault }) =>
    fault === undefined ? `${row}: ${JSON.stringify(cells)}` : `${row} ! ${fault.column}: ${fault.problem}`,
  );
}

describe('well-formed rows', () => {
  test.each<[string, string, string[]]>([
    ['line feeds', 'a,b\n1,2\n3,4\n', ['2: ["1","2"]', '3: ["3","4"]']],
    ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n', ['2: ["1","2"]', '3: ["3","4"]']],
    ['no line feed at the end', 'a,b\n1,2', ['2: ["1","2"]']],
    ['CR at the end', 'a,b\n1,"2"\r', ['2: ["1","2"]']],
    ['empty fields are none', 'a,b\n,\n"",x\n', ['2: [null,null]', '3: [null,"x"]']],
    ['blanks stay', 'a,b\n 1 ,\t2\n', ['2: [" 1 ","\\t2"]']],
    ['a delimiter in quotes', 'a,b\n"1,1",2\n', ['2: ["1,1","2"]']],
    ['doubled quotes', 'a,b\n"say ""hi""",""""\n', ['2: ["say \\"hi\\"","\\""]']],
    ['a quote inside an unquoted field', 'a,b\n5" pipe,2\n', ['2: ["5\\" pipe","2"]']],
    ['line feeds in quotes', 'a,b\n"1\n1","2\r\n2"\n3,4\n', ['2: ["1\\n1","2\\r\\n2"]', '5: ["3","4"]']],
    ['empty lines', 'a,b\n\n1,2\n\r\n\n3,4\n\n', ['3: ["1","2"]', '6: ["3","4"]']],
    ['empty lines before the header', '\n\na,b\n1,2\n', ['4: ["1","2"]']],
    ['a byte order mark', '\ufeffa,b\n1,2\n', ['2: ["1","2"]']],
    ['a quoted header', '"a","b\nc"\n1,2\n', ['3: ["1","2"]']],
    ['U+FFFD that is meant', 'a,b\n\ufffd,2\n', ['2: ["\ufffd","2"]']],
    ['all planes of Unicode', 'a,b\nü,𝛑\n', ['2: ["ü","𝛑"]']],
  ])('%s', async (_, content, expected) => {
    expect(await told(content)).toEqual(expected);
    // However the bytes arrive.
    for (const pieceBytes of [1, 2, 3, 7]) expect(await told(content, { pieceBytes })).toEqual(expected);
  });

  test('the header is given without its byte order mark', async () => {
    for (const pieceBytes of [1, 2, 100])
      expect((await read('\ufeff"a b",c\r\n', { pieceBytes })).header).toEqual(['a b', 'c']);
  });

  test('other delimiters', async () => {
    expect(await told('a;b\n"1;1";2,5\n', { delimiter: ';' })).toEqual(['2: ["1;1","2,5"]']);
    expect(await told('a\tb\n1\t2\n', { delimiter: '\t' })).toEqual(['2: ["1","2"]']);
  });
});

describe('a broken row is named and costs itself alone', () => {
  test.each<[string, string, string[]]>([
    [
      'too few columns',
      'a,b,c\n1,2\n4,5,6\n',
      ['2 ! c: the row has 2 columns, the header 3', '3: ["4","5","6"]'],
    ],
    ['too many columns', 'a,b\n1,2,3\n4,5\n', ['2 ! : the row has 3 columns, the header 2', '3: ["4","5"]']],
    [
      'text behind a closing quote',
      'a,b\n1,"2"x\n3,4\n',
      ['2 ! b: has "x" after its closing quote (a quote inside quotes is doubled)', '3: ["3","4"]'],
    ],
    [
      'a quote that is never closed',
      'a,b\n1,2\n3,"4\n5,6\n7,8\n',
      ['2: ["1","2"]', '3 ! b: has a quote that is never closed', '4: ["5","6"]', '5: ["7","8"]'],
    ],
    [
      'a stray quote that meets a later one',
      'a,b\n1,"2\n3,4\n5,"6"\n7,8\n',
      [
        '2 ! b: has "6" after its closing quote (a quote inside quotes is doubled)',
        '3: ["3","4"]',
        '4: ["5","6"]',
        '5: ["7","8"]',
      ],
    ],
    [
      'a stray quote that eats the columns behind it',
      'a,b,c\n1,"2,3\n4,5,6\n7,8,"\n9,9,9\n',
      [
        '2 ! c: the row has 2 columns, the header 3',
        '3: ["4","5","6"]',
        '4 ! c: has a quote that is never closed',
        '5: ["9","9","9"]',
      ],
    ],
  ])('%s', async (_, content, expected) => {
    expect(await told(content)).toEqual(expected);
    for (const pieceBytes of [1, 2, 3, 7]) expect(await told(content, { pieceBytes })).toEqual(expected);
  });

  test('an unclosed quote in a large file ends at the limit, and what follows is read', async () => {
    const lines = Array.from({ length: 300_000 }, (_, index) => `${index},x`);
    lines[1000] = '1000,"x';
    const { rows } = await read(`a,b\n${lines.join('\n')}\n`);
    expect(rows).toHaveLength(300_000);
    expect(rows.filter(({ fault }) => fault !== undefined)).toEqual([
      {
        row: 1002,
        cells: null,
        fault: { column: 'b', value: '1000,"x', problem: 'has a quote that is never closed' },
      },
    ]);
    expect(rows.at(-1)).toEqual({ row: 300_001, cells: ['299999', 'x'] });
  });

  test.each([
    ['unquoted', 'y'.repeat(3 * MAX_ROW_BYTES)],
    ['quoted', `"${'y'.repeat(3 * MAX_ROW_BYTES)}"`],
  ])('a huge field, %s', async (_, field) => {
    const { rows } = await read(`a,b\n1,2\n3,${field}\n5,6\n`, { pieceBytes: 100_000 });
    expect(rows.map(({ row, fault }) => [row, fault?.problem])).toEqual([
      [2, undefined],
      [3, `the row is longer than ${MAX_ROW_BYTES} bytes`],
      [4, undefined],
    ]);
  });

  test('bytes that are not UTF-8 are marked in their line, and nowhere else', async () => {
    const content = Buffer.concat([
      Buffer.from('a,b\nok,\ufffd\n'),
      Buffer.from([0x78, 0xff, 0x2c, 0x79, 0x0a]),
      Buffer.from('3,4\n'),
    ]);
    expect((await read(content)).rows.map(({ cells }) => cells)).toEqual([
      ['ok', '\ufffd'],
      [`x${INVALID_UTF8}`, 'y'],
      ['3', '4'],
    ]);
  });
});

test.each([
  ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'is UTF-16: save it as UTF-8'],
  ['a broken header', 'a,"b"x\n1,2\n', 'has a header that has "x" after its closing quote'],
  ['a huge header', `${'a'.repeat(2 * MAX_ROW_BYTES)}\n1\n`, 'has a header of more than'],
])('%s makes the file unreadable', async (_, content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});

test('on well-formed files it reads what DuckDB reads, however the bytes arrive', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'csv-')), 'a.csv');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const field = fc
    .array(fc.constantFrom('x', '1', ' ', ',', '"', '\n', 'ü', "'", ';'), { maxLength: 6 })
    .map((characters) => characters.join(''));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const written = fc
    .tuple(field, fc.boolean())
    .map(([text, quotes]) => (quotes || /[",\n]/.test(text) ? quoted(text) : text));
  const row = fc.array(written, { minLength: 3, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 9 }),
      async (rows, lineEnd, pieceBytes) => {
        const content = `a,b,c${lineEnd}${rows.map((cells) => cells.join(',') + lineEnd).join('')}`;
        await writeFile(path, content);
        const result = await connection.runAndReadAll(
          `FROM read_csv('${path}', columns = {a: 'VARCHAR', b: 'VARCHAR', c: 'VARCHAR'}, auto_detect = false,
            header = true, delim = ',', quote = '"', escape = '"', new_line = '${lineEnd === '\n' ? '\\n' : '\\r\\n'}')`,
        );
        const ours = await read(content, { pieceBytes });
        // DuckDB keeps the empty text that stands in quotes; to us it is none either way.
        expect(ours.rows.map(({ cells }) => cells)).toEqual(
          result.getRows().map((cells) => cells.map((cell) => (cell === '' ? null : cell))),
        );
      },
    ),
    { numRuns: 200 },
  );
  instance.closeSync();
});
