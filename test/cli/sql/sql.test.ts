import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../../cli/command.ts';
import { Shell } from '../../../cli/shell.ts';
import { completions } from '../../../cli/sql/completion.ts';
import { isComplete } from '../../../cli/sql/interactive.ts';
import { sqlRoutes } from '../../../receiver/http/sql-route.ts';
import { SqlPool } from '../../../receiver/sql/sql-pool.ts';
import { type SampleLake, sampleLake } from '../../receiver/sql/sample-lake.ts';

let lake: SampleLake;
let pool: SqlPool;
let server: Server;
let url: string;
let folder: string;

beforeAll(async () => {
  lake = await sampleLake();
  pool = new SqlPool({ lakeDirectory: lake.directory });
  const app = express();
  app.use('/api/v1', sqlRoutes({ pool, memory: { bytes: 0, limitBytes: 1e9 }, log: () => {} }));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sql-cli-'));
  return () => rmSync(folder, { recursive: true });
});
afterAll(async () => {
  await pool.stop();
  server.closeAllConnections();
  server.close();
  lake.remove();
});

interface End {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(args: string[], input = '', isTerminal = false): Promise<End> {
  const read = (stream: PassThrough) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    return () => Buffer.concat(pieces).toString();
  };
  const [stdin, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [read(output), read(errors)];
  stdin.end(input);
  const shell = new Shell({
    environment: { XDG_STATE_HOME: folder },
    input: Object.assign(stdin, { isTTY: isTerminal }),
    output: Object.assign(output, { columns: 80 }),
    errors,
  });
  const code = await runCommand(['sql', ...args], shell);
  return { code, stdout: stdout(), stderr: stderr() };
}

const TOTALS = `SELECT customer_id, dimension_id, sum(quantity) AS quantity, sum(records)::INTEGER AS records
  FROM usage_daily GROUP BY ALL ORDER BY ALL`;
const TABLE = [
  'customer_id    dimension_id                        quantity  records',
  'acme           api.requests                  1.500000000001        2',
  'acme           tokens                        7.000000000000        1',
  'globex, "Inc"  api.requests  9007199254740993.000000000000        1',
];

describe('one query', () => {
  test.each([
    ['over a receiver', () => ['--url', url]],
    ["over a lake's files", () => ['--lake', lake.directory]],
  ])('%s: a table, exact', async (_, source) => {
    const { code, stdout, stderr } = await run([...source(), TOTALS]);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 4).map((line) => line.replace(/ {2,}/g, '  '))).toEqual(
      TABLE.map((line) => line.replace(/ {2,}/g, '  ')),
    );
    expect(lines[4]).toMatch(/^\(3 rows, as of 20\d\d-.*Z\)$/);
  });

  test.each([
    ['csv', 'customer_id,discovered\r\nacme,true\r\n"globex, ""Inc""",true\r\n'],
    ['json', /^\{"columns":\[.*\],"asOf":".*","rows":\[\n\["acme",true\],\n.*\n\],"rowCount":2\}\n$/s],
  ])('as %s', async (format, expected) => {
    const query = 'SELECT customer_id, discovered FROM customers ORDER BY 1';
    const { code, stdout } = await run(['--url', url, '--format', format, query]);
    expect(code).toBe(0);
    if (typeof expected === 'string') expect(stdout).toBe(expected);
    else expect(stdout).toMatch(expected);
  });

  test('from a file into a file, as Parquet', async () => {
    const [query, output] = [join(folder, 'query.sql'), join(folder, 'answer.parquet')];
    writeFileSync(query, '-- who\nFROM customers;\n');
    const { code, stdout } = await run(['--url', url, '-f', query, '--format', 'parquet', '-o', output]);
    expect([code, stdout]).toEqual([0, '']);
    expect(readFileSync(output).subarray(0, 4).toString()).toBe('PAR1');
  });

  test('from stdin', async () => {
    const { stdout } = await run(['--url', url, '--format', 'csv'], 'SELECT 42 AS answer\n');
    expect(stdout).toBe('answer\r\n42\r\n');
  });

  test('a table shows the first rows, and says that there are more', async () => {
    const { code, stdout, stderr } = await run(['--url', url, '--rows', '2', 'FROM range(1000000)']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^range\n +0\n +1\n\(more than 2 rows, as of .*\)\n$/);
    expect(stderr).toBe('the first 2 rows; --rows shows more, --format csv all\n');
  });

  test('an answer that breaks off leaves no file', async () => {
    const output = join(folder, 'answer.csv');
    const query = 'SELECT i, hash(i) FROM range(10000000) t(i)';
    const { code } = await run(['--url', url, '--format', 'csv', '--rows', '400000', '-o', output, query]);
    expect(code).toBe(1);
    expect(() => readFileSync(output)).toThrow(/ENOENT/);
  });

  test.each([
    ['SQL that is none', ['SELECT 1 +\nFROM'], 1, /syntax error at or near "FROM" \(line 2, column 1\)/],
    ['a refusal', ["FROM read_text('x')"], 1, /read_text is not allowed in FROM/],
    ['two queries', ['-f', 'x.sql', 'SELECT 1'], 2, /not both/],
    ['rows that are none', ['--rows', '0', 'SELECT 1'], 2, /--rows must be/],
    ['too many seconds', ['--seconds', '3000', 'SELECT 1'], 2, /--seconds must be/],
    ['a file that is not there', ['-f', '/nowhere/x.sql'], 2, /--file: ENOENT/],
    ['an unknown format', ['--format', 'xml', 'SELECT 1'], 2, /--format/],
  ])('%s', async (_, args, code, message) => {
    const end = await run(['--lake', lake.directory, ...args]);
    expect(end.code).toBe(code);
    expect(end.stderr).toMatch(message);
  });

  test('a receiver that is not there', async () => {
    const { code, stderr } = await run(['--url', 'http://127.0.0.1:1', 'SELECT 1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not answer/);
  });
});

describe('a person', () => {
  test('asks over several lines, errs, and finds the history again', async () => {
    const typed =
      "SELECT count(*)\n  FROM customers -- ; not yet\n;\nSELECT nothing;\n.schema lake_status\nSELECT 'a;b' AS text;\n.quit\n";
    const { code, stdout, stderr } = await run(['--lake', lake.directory], typed, true);
    expect([code, stderr.includes('usage-meter:')]).toEqual([0, false]);
    expect(stdout).toMatch(/count_star\(\)\r?\n +2\r?\n\(1 row, as of/);
    expect(stdout).toMatch(/journal_sequence +BIGINT +All usage up to/);
    expect(stdout).toMatch(/a;b\r?\n\(1 row/);
    expect(stderr).toMatch(/Referenced column "nothing" was not found.*\(line 1, column 8\)/);
    expect(readFileSync(join(folder, 'usage-meter', 'sql_history'), 'utf8')).toContain('SELECT nothing;\n');
  });
});

test.each([
  ['SELECT 1;', true],
  ['SELECT 1', false],
  ["SELECT ';", false],
  ["SELECT ';';", true],
  ['SELECT 1; -- done', true],
  ['SELECT 1 -- ;', false],
  ['SELECT /* ; */ 1', false],
  ['SELECT "a;', false],
])('whether %s ends', (query, expected) => {
  expect(isComplete(query)).toBe(expected);
});

test.each([
  ['SELECT cust', ['customer_id', 'customers']],
  ['SELECT * FROM cust', ['customers']],
  ['select * from usage_d', ['usage_daily']],
  ['.sch', ['.schema']],
  ['.schema usage_', ['usage_daily', 'usage_records']],
  ['SELECT * FROM customers WHE', ['WHERE', 'WHEN'].slice(0, 1)],
])('%s<Tab>', (line, expected) => {
  const vocabulary = {
    tables: ['customers', 'usage_daily', 'usage_records'],
    columns: ['customer_id', 'dimension_id'],
  };
  expect(completions(line, vocabulary)[0].filter((word) => word !== 'WHEN')).toEqual(expected);
});
