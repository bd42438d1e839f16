import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_ROWS } from '../../../cli/receiver-api.ts';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';
import { runCli } from '../run-cli.ts';

let receiver: TestReceiver;
let api: ApiClient;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-cli-'));
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
  await api.put('/dimensions/tokens', { unitPrice: '0.000000000003' });
  const { status } = await api.post('/usage', RECORDS);
  expect(status).toBe(201);
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});
beforeEach(() => process.chdir(folder));
afterAll(() => process.chdir('/'));

const RECORDS = [
  {
    customerId: 'acme',
    dimensionId: 'tokens',
    recordValue: '12345678901234567890123456.000000000001',
    timestamp: '2026-03-01T08:00:00.123456789Z',
    startTime: '2026-03-01T07:00:00Z',
    metadata: { region: 'eu', note: 'a "quoted", word\nand a line' },
  },
  {
    customerId: 'globex, Inc.',
    dimensionId: 'tokens',
    recordValue: '0.5',
    timestamp: '2026-03-02T00:00:00Z',
    metadata: {},
  },
  {
    customerId: 'acme',
    dimensionId: 'calls',
    recordValue: '3',
    timestamp: '2026-03-03T00:00:00Z',
    metadata: {},
  },
];

function cli(...args: string[]) {
  return runInProcess(['export', ...args, '--url', receiver.url]);
}

/** Rows of a Parquet file, each value as DuckDB spells it. */
async function parquetRows(path: string): Promise<{ types: Record<string, string>; rows: unknown[][] }> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const described = await connection.runAndReadAll(`DESCRIBE FROM '${path}'`);
  const types = Object.fromEntries(described.getRows().map(([name, type]) => [String(name), String(type)]));
  const columns = Object.keys(types).map((name) => `"${name}"::VARCHAR`);
  const rows = (await connection.runAndReadAll(`SELECT ${columns.join(', ')} FROM '${path}'`)).getRows();
  connection.closeSync();
  instance.closeSync();
  return { types, rows };
}

describe('records', () => {
  test('as CSV', async () => {
    const { code, stdout, stderr } = await cli('records', '--month', '2026-03', '-c', 'acme');
    expect([code, stderr]).toEqual([0, '']);
    const [head, first, ...rest] = stdout.split('\r\n');
    expect(head).toBe(
      'recordId,customerId,dimensionId,recordValue,unit,timestamp,startTime,metadata,meterId,meterVersion,kind',
    );
    expect(first.slice(first.indexOf(','))).toBe(
      ',acme,tokens,12345678901234567890123456.000000000001,1,2026-03-01T08:00:00.123456789Z,2026-03-01T07:00:00Z,' +
        '"{""note"":""a \\""quoted\\"", word\\nand a line"",""region"":""eu""}",api,0,record',
    );
    expect(rest.map((line) => line.slice(line.indexOf(',')))).toEqual([
      ',acme,calls,3,1,2026-03-03T00:00:00Z,,{},api,0,record',
      '',
    ]);
  });

  test('as NDJSON they are the rows of the API', async () => {
    const { stdout } = await cli('records', '--month', '2026-03', '-f', 'ndjson');
    const { body } = await api.get('/records?from=2026-03-01&to=2026-04-01');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(body.rows);
    expect(body.rows).toHaveLength(3);
  });

  test('as Parquet, to the last digit', async () => {
    const { code, stdout, stderr } = await cli(
      'records',
      '--month',
      '2026-03',
      '-o',
      "it's.parquet",
      '--json',
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      output: "it's.parquet",
      format: 'parquet',
      rows: 3,
      from: '2026-03-01',
    });
    const { types, rows } = await parquetRows("it''s.parquet");
    expect(types).toMatchObject({
      recordValue: 'DECIMAL(38,12)',
      timestamp: 'TIMESTAMP_NS',
      metadata: 'MAP(VARCHAR, VARCHAR)',
    });
    expect(rows[0].slice(1)).toEqual([
      'acme',
      'tokens',
      '12345678901234567890123456.000000000001',
      '1',
      '2026-03-01 08:00:00.123456789',
      '2026-03-01 07:00:00',
      expect.stringContaining('region=eu'),
      'api',
      '0',
      'record',
    ]);
    expect(rows[1].slice(1, 4)).toEqual(['globex, Inc.', 'tokens', '0.500000000000']);
    expect(await readdir(folder)).not.toContain("it's.parquet.part.staging");
  });

  test.each(['csv', 'ndjson', 'parquet'])('%s goes back in by import', async (format) => {
    const { code, stdout } = await cli('records', '--month', '2026-03', '-o', `back.${format}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 records in back\.\w+ \([\d,]+ bytes\), as of \d+\n$/);
    const other = await startTestReceiver();
    try {
      const zone = format === 'parquet' ? ['--time-zone', 'UTC'] : [];
      const map = ['--map', 'id=recordId', ...zone, '--url', other.url, '--json'];
      const imported = await runInProcess(['import', `back.${format}`, ...map]);
      expect([imported.code, imported.stderr.includes('rejected')]).toEqual([0, false]);
      const rows = (body: { rows: { recordId: string; meterId: string }[] }) =>
        body.rows.map(({ recordId: _id, ...row }) => row);
      const there = await new ApiClient(other.url).get('/records?from=2026-03-01&to=2026-04-01');
      const here = await api.get('/records?from=2026-03-01&to=2026-04-01');
      expect(rows(there.body)).toEqual(rows(here.body));
    } finally {
      await other.stop();
    }
  });

  test('of a range that is too long for the hours of a dimension', async () => {
    await api.put('/dimensions/hourly', { aggregation: 'max', interval: 'hour' });
    await api.post('/usage', {
      customerId: 'long',
      dimensionId: 'hourly',
      recordValue: '1',
      timestamp: '2026-01-01T00:00:00Z',
    });
    const range = ['--from', '1990-01-01', '--to', '2200-01-01', '-c', 'long'];
    expect((await cli('usage', ...range)).code).toBe(2);
    const { code, stdout } = await cli('records', ...range, '-o', 'long.csv');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^1 record in long.csv/)]);
  });

  test('of more than a page, in one state: what comes meanwhile is not in it', async () => {
    const records = Array.from({ length: PAGE_ROWS + 10 }, (_, at) => ({
      customerId: 'many',
      dimensionId: 'calls',
      recordValue: '1',
      timestamp: new Date(Date.UTC(2026, 4, 1) + at).toISOString(),
    }));
    await api.post('/usage', records, { Prefer: 'return=minimal' });
    const { body: status } = await api.get('/status');
    await api.post('/usage', { ...records[0], timestamp: '2026-05-20T00:00:00Z' });
    const asOf = String(status.journal.lastSequence);
    const { stdout } = await cli('records', '--month', '2026-05', '-o', 'many.csv', '--as-of', asOf);
    expect(stdout).toMatch(/^10,010 records in many\.csv/);
    expect((await readFile('many.csv', 'utf8')).split('\r\n')).toHaveLength(PAGE_ROWS + 12);
    const now = await cli('records', '--month', '2026-05', '-o', 'many.csv');
    expect(now.stdout).toMatch(/^10,011 records/);
    // In many chunks too, all are there in their order.
    await cli('records', '--month', '2026-05', '-o', 'many.parquet', '--as-of', asOf);
    const { rows } = await parquetRows('many.parquet');
    const times = rows.map((row) => Date.parse(`${row[5]}Z`));
    expect(times).toEqual(records.map(({ timestamp }) => Date.parse(timestamp)));
  });

  test('a record that is amended between two pages is there once, as it was', async () => {
    const records = Array.from({ length: PAGE_ROWS + 1 }, (_, at) => ({
      customerId: 'amended',
      dimensionId: 'calls',
      recordValue: '2',
      timestamp: new Date(Date.UTC(2026, 6, 1) + at).toISOString(),
    }));
    await api.post('/usage', records, { Prefer: 'return=minimal' });
    const { body } = await api.get('/records?from=2026-07-01&to=2026-08-01&limit=1');
    const amend = () =>
      api.post(`/records/${body.rows[0].recordId}/amend`, {
        reason: 'late',
        timestamp: '2026-07-31T00:00:00Z',
      });
    let pages = 0;
    const proxy = createServer(async (request, response) => {
      if (request.url?.startsWith('/api/v1/records?')) {
        pages += 1;
        // The replacement stands on the page to come.
        if (pages === 2) expect((await amend()).status).toBe(200);
      }
      const answer = await fetch(receiver.url + request.url);
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(await answer.text());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const args = ['export', 'records', '--month', '2026-07', '-o', 'amended.csv', '--url', url];
    const { code, stdout } = await runInProcess(args);
    proxy.closeAllConnections();
    proxy.close();
    expect([code, pages, stdout]).toEqual([0, 2, expect.stringMatching(/^10,001 records in/)]);
    const now = await cli('records', '--month', '2026-07', '-o', 'amended.csv');
    expect(now.stdout).toMatch(/^10,001 records in/);
  });
});

test.each(['csv', 'parquet'])('interrupted, an export to %s leaves nothing behind', async (format) => {
  const reached = Promise.withResolvers<void>();
  const proxy = createServer(async (request, response) => {
    // The second page never comes.
    if (request.url?.includes('cursor=')) {
      reached.resolve();
      return;
    }
    const answer = await fetch(receiver.url + request.url);
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const before = await readdir(folder);
  const file = `interrupted.${format}`;
  const end = await runCli(['export', 'records', '--month', '2026-05', '-o', file, '--url', url], {
    cwd: folder,
    onStart: (child) => void reached.promise.then(() => child.kill('SIGINT')),
  });
  proxy.closeAllConnections();
  proxy.close();
  expect([end.code, end.stdout, end.stderr]).toEqual([1, '', 'usage-meter: stopped\n']);
  expect(await readdir(folder)).toEqual(before);
});

describe('usage', () => {
  test('as CSV', async () => {
    const { stdout } = await cli('usage', '--month', '2026-03', '-g', 'dimensionId,metadata.region');
    expect(stdout.split('\r\n')).toEqual([
      'dimensionId,metadata.region,unit,windowStart,windowEnd,quantity,billableQuantity,amount,records',
      'calls,,1,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,3,3,,1',
      'tokens,,1,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,0.5,0.5,0.0000000000015,1',
      'tokens,eu,1,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,12345678901234567890123456.000000000001,' +
        '12345678901234567890123456.000000000001,37037036703703.703670370368000000000003,1',
      '',
    ]);
  });

  test('as Parquet', async () => {
    await cli(
      'usage',
      '--from',
      '2026-03-01',
      '--to',
      '2026-03-03',
      '-w',
      'day',
      '--no-fill',
      '-o',
      'usage.parquet',
    );
    const { types, rows } = await parquetRows('usage.parquet');
    expect(types).toMatchObject({ quantity: 'DECIMAL(38,12)', amount: 'DECIMAL(38,24)', records: 'BIGINT' });
    expect(rows.map((row) => row.slice(0, 2).concat(row.slice(5)))).toEqual([
      [
        'acme',
        'tokens',
        '12345678901234567890123456.000000000001',
        '12345678901234567890123456.000000000001',
        '37037036703703.703670370368000000000003',
        '1',
      ],
      ['globex, Inc.', 'tokens', '0.500000000000', '0.500000000000', '0.000000000001500000000000', '1'],
    ]);
  });
});

test.each([
  [['records'], 2, 'say what range to export'],
  [['records', '--month', 'this', '-f', 'parquet'], 2, 'name it with --output'],
  [['records', '--month', 'this', '-o', 'x.xlsx'], 2, 'say the --format, csv, ndjson, parquet'],
  [['records', '--month', 'this', '--json'], 2, '--json tells about the file'],
  [['records', '--from', 'x', '-o', 'bad.csv'], 2, 'from must be RFC 3339'],
  [['records', '--month', 'this', '-o', 'nowhere/x.csv'], 1, 'ENOENT'],
  [['records', '--month', 'this', '-o', 'x.csv', '--as-of', '999999'], 2, 'asOf must not be beyond'],
  [['everything'], 2, "unknown command 'everything'"],
])('export %j ends with %i and leaves no file', async (args, code, said) => {
  const before = await readdir(folder);
  const end = await cli(...args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
  expect(await readdir(folder)).toEqual(before);
});

test('a sum that a Parquet column cannot hold is refused, and the file that was there stays', async () => {
  await cli('usage', '--month', '2026-03', '-o', 'kept.parquet');
  const { size } = await stat('kept.parquet');
  const large = Array.from({ length: 9 }, () => ({
    ...RECORDS[0],
    customerId: 'large',
    recordValue: '99999999999999999999999999',
  }));
  await api.post('/usage', large);
  const end = await cli('usage', '--month', '2026-03', '-o', 'kept.parquet');
  expect([end.code, end.stderr]).toEqual([1, expect.stringContaining('export CSV or NDJSON')]);
  expect((await stat('kept.parquet')).size).toBe(size);
});
