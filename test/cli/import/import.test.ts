/** `usage-meter import` against a receiver in a process of its own. */
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_URL, ReceiverClient } from '../../../cli/http-client.ts';
import { type FileOutcome, importFile } from '../../../cli/import/import-file.ts';
import { readFlags } from '../../../cli/import/import-options.ts';
import { inputFiles } from '../../../cli/import/input-files.ts';
import { RejectsFile } from '../../../cli/import/rejects-file.ts';
import { rowMapper } from '../../../cli/import/source-file.ts';
import { Progress } from '../../../cli/progress.ts';
import { importSummary, runImport, startImport } from '../../support/import-run.ts';
import { readTotals } from '../../support/receiver-api.ts';
import { freePort, type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';

const FROM = '2026-01-01T00:00:00Z';
const TO = '2027-01-01T00:00:00Z';
const HEADER = 'customerId,dimensionId,recordValue,timestamp\n';

let receiver: ReceiverProcess;
let folder: string;
let cases = 0;
/** Of this test alone, so that all can share a receiver. */
let customer: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'));
  receiver = await startReceiver({ dataDir: join(folder, 'data') });
});
afterAll(async () => {
  await receiver?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  cases += 1;
  customer = `customer-${cases}`;
});

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, `case-${cases}`, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function imported(...args: string[]) {
  const { code, summary } = await importSummary([...args, '--url', receiver.url]);
  const [{ rows, stored, duplicates, rejected }] = summary.files;
  return { code, rows, stored, duplicates, rejected };
}

interface StoredRecord {
  recordValue: string;
  timestamp: string;
  startTime?: string;
  metadata: Record<string, string>;
}

/** What is stored of this test's customer, in the order of time. */
async function records(customerId = customer): Promise<StoredRecord[]> {
  const query = new URLSearchParams({ customerId, from: FROM, to: TO, limit: '1000' });
  const response = await fetch(`${receiver.url}/api/v1/records?${query}`);
  const { rows } = (await response.json()) as { rows: StoredRecord[] };
  return rows
    .map(({ recordValue, timestamp, startTime, metadata }) => ({
      recordValue,
      timestamp,
      ...(startTime === undefined ? {} : { startTime }),
      metadata,
    }))
    .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
}

const VALUES = [
  //  in the file                             as it is stored
  ['9007199254740993', '9007199254740993'],
  ['0.1', '0.1'],
  ['1e-7', '0.0000001'],
  ['12345678901234567890123456.123456789012', '12345678901234567890123456.123456789012'],
] as const;
const time = (index: number) => `2026-03-01T00:00:0${index}.123456789Z`;
const EXACT = VALUES.map(([, recordValue], index) => ({
  recordValue,
  timestamp: time(index),
  startTime: '2026-03-01T00:00:00Z',
  metadata: { note: 'a "b",\nc' },
}));

describe('every format keeps values, times and texts exact', () => {
  const separated = (delimiter: string) =>
    [
      ['customerId', 'dimensionId', 'recordValue', 'timestamp', 'startTime', 'metadata.note'].join(delimiter),
      ...VALUES.map(([value], index) =>
        [customer, 'exact', value, time(index), '2026-03-01T00:00:00Z', '"a ""b"",\nc"'].join(delimiter),
      ),
    ].join('\n');
  // Numbers stand in the JSON as such, not as strings.
  const lines = () =>
    VALUES.map(
      ([value], index) =>
        `{"customerId":"${customer}","dimensionId":"exact","recordValue":${value},"timestamp":"${time(index)}",` +
        `"startTime":"2026-03-01T00:00:00Z","metadata":{"note":"a \\"b\\",\\nc"}}`,
    ).join('\n');

  test.each<[string, () => string | Buffer]>([
    ['a.csv', () => separated(',')],
    ['a.CSV.gz', () => gzipSync(separated(','))],
    ['a.tsv', () => separated('\t')],
    ['a.tsv.gz', () => gzipSync(separated('\t'))],
    ['a.ndjson', lines],
    ['a.jsonl', () => `\ufeff${lines()}\n`],
    ['a.jsonl.gz', () => gzipSync(lines())],
  ])('%s', async (name, content) => {
    const path = await fileOf(name, content());
    expect(await imported(path)).toEqual({ code: 0, rows: 4, stored: 4, duplicates: 0, rejected: 0 });
    expect(await records()).toEqual(EXACT);
    expect(await imported(path)).toEqual({ code: 0, rows: 4, stored: 0, duplicates: 4, rejected: 0 });
    expect(await records()).toEqual(EXACT);
  });

  test('Parquet: decimals, big integers, nanoseconds, maps and structs', async () => {
    const path = await fileOf('[a]*.parquet', '');
    await writeParquet(
      path,
      `SELECT '${customer}' AS customerId, 'exact' AS dimensionId, value::DECIMAL(38, 12) AS recordValue,
         ('2026-03-01 00:00:0' || i || '.123456789')::TIMESTAMP_NS AS timestamp,
         '2026-03-01 02:00:00+02'::TIMESTAMPTZ AS startTime, MAP {'note': 'a "b",' || chr(10) || 'c'} AS metadata
       FROM (VALUES (0, '9007199254740993'), (1, '0.1'), (2, '0.0000001'),
         (3, '12345678901234567890123456.123456789012')) AS rows (i, value)`,
    );
    expect(await imported(path, '--time-zone', 'UTC')).toMatchObject({ code: 0, stored: 4 });
    expect(await records()).toEqual(EXACT);
    expect(await imported(path, '--time-zone', 'UTC')).toMatchObject({ code: 0, duplicates: 4 });
  });

  test('Parquet: other types, a field of a struct, doubles', async () => {
    const path = await fileOf('b.parquet', '');
    await writeParquet(
      path,
      `SELECT {'id': '${customer}', 'limit': 9007199254740993} AS account, 170141183460469231731687::DECIMAL(38, 0) AS huge,
         0.1::DOUBLE + 0.2::DOUBLE AS double, 0.1::FLOAT AS single, 18446744073709551615::UBIGINT AS big,
         DATE '2026-03-01' AS day, 1772323200123456789 AS nanos, TRUE AS flag, NULL::VARCHAR AS nothing,
         [1, 2] AS list, 'x'::BLOB AS raw`,
    );
    const flags = (value: string, at: string) => [
      '--map', 'customerId=account.id', '--map', `recordValue=${value}`, '--map', `timestamp=${at}`,
      '--set', `dimensionId=${value}`,
    ]; // biome-ignore format: flags beside their values
    const run = (value: string, at: string, ...more: string[]) =>
      imported(path, ...flags(value, at), ...more);
    expect(await run('huge', 'day', '--time-zone', 'UTC', '--metadata', 'all')).toMatchObject({ code: 0 });
    expect(await records()).toEqual([
      {
        recordValue: '170141183460469231731687',
        timestamp: '2026-03-01T00:00:00Z',
        metadata: {
          'account.limit': '9007199254740993',
          double: '0.30000000000000004',
          single: '0.1',
          big: '18446744073709551615',
          nanos: '1772323200123456789',
          flag: 'true',
        },
      },
    ]);
    for (const value of ['double', 'single', 'big'])
      expect(await run(value, 'nanos', '--time-format', 'ns')).toMatchObject({ code: 0, stored: 1 });
    expect((await records()).map(({ recordValue }) => recordValue).sort()).toEqual(
      ['0.1', '0.3', '170141183460469231731687', '18446744073709551615'].sort(),
    );
    const refused = await runImport([path, ...flags('raw', 'day'), '--url', receiver.url]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('b.parquet has a column "raw" that is binary, not text');
  });

  test('Parquet in many row groups comes in order, each row with its number', async () => {
    const path = await fileOf('c.parquet', '');
    await writeParquet(
      path,
      `SELECT '${customer}' AS customerId, 'many' AS dimensionId, CASE WHEN i % 1000 = 999 THEN 'x' ELSE i::VARCHAR END AS
         recordValue, '${FROM}' AS timestamp FROM range(30000) AS rows (i)`,
      'ROW_GROUP_SIZE 4096',
    );
    expect(await imported(path)).toEqual({
      code: 3,
      rows: 30_000,
      stored: 29_970,
      duplicates: 0,
      rejected: 30,
    });
    const bad = (await rejectLines(`${path}.rejects.csv`)).map((line) => Number(line.split(',')[1]));
    expect(bad).toEqual(Array.from({ length: 30 }, (_, index) => (index + 1) * 1000));
  });
});

async function writeParquet(path: string, select: string, options = ''): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(
    `COPY (${select}) TO '${path}' (FORMAT parquet${options === '' ? '' : `, ${options}`})`,
  );
  connection.closeSync();
  instance.closeSync();
}

async function rejectLines(path: string): Promise<string[]> {
  const [header, ...lines] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(header).toBe('file,row,column,value,problem');
  return lines;
}

describe('each row counts once', () => {
  const content = () => `${HEADER}${customer},api,1,${FROM}\n${customer},api,1,${FROM}\n`;

  test('equal rows of a file are different usage; the same file is not, wherever it lies', async () => {
    const path = await fileOf('a.csv', content());
    expect(await imported(path)).toMatchObject({ stored: 2, duplicates: 0 });
    const copy = await fileOf('elsewhere/b.csv', '');
    await copyFile(path, copy);
    expect(await imported(copy)).toMatchObject({ stored: 0, duplicates: 2 });
    const zipped = await fileOf('c.csv.gz', gzipSync(content(), { level: 1 }));
    expect(await imported(zipped)).toMatchObject({ stored: 0, duplicates: 2 });
    expect(await records()).toHaveLength(2);
    // Rows that are equal in another file are other usage.
    const other = await fileOf('d.csv', `${content()}${customer},api,5,${FROM}\n`);
    expect(await imported(other)).toMatchObject({ stored: 3, duplicates: 0 });
  });

  test('a file with a column per dimension is imported once for each', async () => {
    const path = await fileOf(
      'a.csv',
      `customerId,tokens_in,tokens_out,timestamp\n${customer},3,5,${FROM}\n`,
    );
    for (const dimension of ['tokens_in', 'tokens_out', 'tokens_in'])
      await imported(path, '--map', `recordValue=${dimension}`, '--set', `dimensionId=${dimension}`);
    expect(await readTotals(receiver.url, FROM, TO)).toEqual(
      expect.objectContaining(
        new Map([
          [`${customer} / tokens_in`, '3'],
          [`${customer} / tokens_out`, '5'],
        ]),
      ),
    );
    const totals = await readTotals(receiver.url, FROM, TO);
    expect([totals.get(`${customer} / tokens_in`), totals.get(`${customer} / tokens_out`)]).toEqual([
      '3',
      '5',
    ]);
  });

  test('by ids of its own a file may grow', async () => {
    const path = await fileOf(
      'a.csv',
      `customerId,dimensionId,recordValue,timestamp,key\n${customer},api,1,${FROM},k1\n`,
    );
    expect(await imported(path, '--map', 'id=key')).toMatchObject({ stored: 1 });
    await appendFile(path, `${customer},api,2,${FROM},k2\n`);
    expect(await imported(path, '--map', 'id=key')).toMatchObject({ stored: 1, duplicates: 1 });
    expect(await records()).toHaveLength(2);
  });

  test('what would change stored usage is rejected by name, and changes nothing', async () => {
    const path = await fileOf(
      'a.csv',
      `customerId,one,two,timestamp\n${customer},1,2,${FROM}\n${customer},7,7,${FROM}\n`,
    );
    const flags = ['--set', 'dimensionId=api', '--map'];
    expect(await imported(path, ...flags, 'recordValue=one')).toMatchObject({ code: 0, stored: 2 });
    expect(await imported(path, ...flags, 'recordValue=two')).toMatchObject({
      code: 3,
      stored: 0,
      duplicates: 1,
      rejected: 1,
    });
    expect(await rejectLines(`${path}.rejects.csv`)).toEqual([
      `${path},2,two,2,"is 2, but 1 is stored under this id"`,
    ]);
    expect((await records()).map(({ recordValue }) => recordValue).sort()).toEqual(['1', '7']);
  });

  test('a folder: its files in order, without those that an import writes', async () => {
    const path = await fileOf('all/b.csv', content());
    await fileOf(
      'all/a/c.ndjson',
      `{"customerId":"${customer}","dimensionId":"api","recordValue":3,"timestamp":"${FROM}"}`,
    );
    await fileOf('all/b.csv.rejects.csv', 'x');
    await fileOf('all/.hidden.csv', 'x');
    await fileOf('all/README.md', 'x');
    const root = join(path, '..');
    await symlink(path, join(root, 'link.csv'));
    const { code, summary } = await importSummary([root, path, '--url', receiver.url]);
    expect(code).toBe(0);
    expect(summary.files.map((file) => [file.path.slice(root.length + 1), file.stored])).toEqual([
      [join('a', 'c.ndjson'), 1],
      ['b.csv', 2],
    ]);
    // Nothing is left behind.
    expect((await readdir(join(root, '..'))).sort()).toEqual(['all']);
  });

  test('a file that is written to while it is imported is left', async () => {
    const path = await fileOf('a.csv', content());
    const [file] = await inputFiles([path]);
    const { mapping } = readFlags([path], {}, DEFAULT_URL);
    const client = new ReceiverClient({ url: receiver.url, apiKey: undefined, patienceMs: 0 });
    const stateFolder = join(folder, 'state');
    const rejects = new RejectsFile(`${path}.rejects.csv`);
    const outcome: FileOutcome = {
      path, contentHash: null, rows: 0, stored: 0, duplicates: 0, acknowledgedEarlier: 0, rejected: 0, error: null,
    }; // biome-ignore format: all zero
    const progress = new Progress({ write: () => true }, 0);
    const { promise: isAppended, resolve } = Promise.withResolvers<void>();
    // The first bytes of the reading that follows the hash.
    progress.advance = () => void appendFile(path, `${customer},api,5,${FROM}\n`).then(resolve);
    const mapper = await rowMapper(file, { delimiter: ',', mapping });
    const slowMapper = { ...mapper, map: mapper.map };
    const context = { client, delimiter: ',', stateFolder, meaning: '', rejects, progress, sums: null };
    const result = importFile(context, file, slowMapper, outcome);
    await expect(result).rejects.toMatchObject({
      code: 'FILE_CHANGED',
      message: `${path} was written to while it was imported: repeat the import when it is whole`,
    });
    await isAppended;
    progress.end();
    expect(await records()).toEqual([]);
  });
});

describe('bad rows', () => {
  test('are listed by file, line, column, value and problem, and the others are imported', async () => {
    const path = await fileOf(
      'bad.csv',
      Buffer.concat([
        Buffer.from(`${HEADER}${customer},api,1,${FROM}\r\n`),
        Buffer.from(`${customer},api,oops,${FROM}\n`),
        Buffer.from(`,api,1,yesterday\n`),
        Buffer.from(`${customer},api\n`),
        Buffer.from(`${customer},api,"1"x,${FROM}\n`),
        Buffer.from(`${customer},"a\npi",1,${FROM}\n`),
        Buffer.from(`a\0b,api,1,${FROM}\n`),
        Buffer.from([0xff]),
        Buffer.from(`,api,1,${FROM}\n`),
        Buffer.from(`${'y'.repeat(2 << 20)},api,1,${FROM}\n`),
        Buffer.from(`${customer},api,-5,${FROM}\n`),
        Buffer.from(`${customer},api,1,2200-01-01T00:00:00Z\n`),
        Buffer.from(`${customer},api,"1,${FROM}\n`),
        Buffer.from(`${customer},api,2,${FROM}\n`),
      ]),
    );
    expect(await imported(path)).toEqual({ code: 3, rows: 13, stored: 3, duplicates: 0, rejected: 10 });
    const lines = await rejectLines(`${path}.rejects.csv`);
    expect(lines.map((line) => line.slice(path.length + 1))).toEqual([
      '3,recordValue,oops,"must be a number, like 12.5"',
      '4,customerId,,there is no customerId',
      '4,timestamp,yesterday,"must be a date and time, like 2026-03-01T00:00:00Z"',
      `5,recordValue,"${customer},api","the row has 2 columns, the header 4"`,
      `6,recordValue,"${customer},api,""1""x,${FROM}","has ""x"" after its closing quote (a quote inside quotes is doubled)"`,
      '9,customerId,a\0b,has the character NUL',
      '10,customerId,\ufffd,is not valid UTF-8',
      `11,,${'y'.repeat(200)}…,the row is longer than 1048576 bytes`,
      '12,recordValue,-5,"is negative (-5), and dimension ""api"" does not allow credits: declare it with creditsAllowed"',
      '13,timestamp,2200-01-01T00:00:00Z,must not be more than 600 s in the future',
      `14,recordValue,"${customer},api,""1,${FROM}",has a quote that is never closed`,
    ]);
    expect((await records()).map(({ recordValue }) => recordValue).sort()).toEqual(['1', '1', '2']);
  });

  test('in NDJSON', async () => {
    const good = `{"customerId":"${customer}","dimensionId":"api","recordValue":1,"timestamp":"${FROM}"}`;
    const path = await fileOf(
      'bad.ndjson',
      `${good}\n{"customerId":\n[]\n\n${good.replace(':1,', ':"1,5",')}\n${good}`,
    );
    const rejects = join(folder, 'chosen.csv');
    expect(await imported(path, '--rejects', rejects)).toMatchObject({
      code: 3,
      rows: 5,
      stored: 2,
      rejected: 3,
    });
    expect((await rejectLines(rejects)).map((line) => line.slice(path.length + 1))).toEqual([
      '2,,"{""customerId"":",the row is no JSON: Unexpected end of JSON input',
      '3,,[],the row is no JSON object',
      '5,recordValue,"1,5","must be a number with a point before its fraction, and without separators, like 1234.5"',
    ]);
  });

  test('that the receiver refuses in metadata are named by their column', async () => {
    const path = await fileOf(
      'a.csv',
      `${HEADER.trimEnd()},text\n${customer},api,1,${FROM},${'x'.repeat(5000)}\n`,
    );
    expect(await imported(path, '--map', 'metadata.the text=text')).toMatchObject({ code: 3, rejected: 1 });
    const [line] = await rejectLines(`${path}.rejects.csv`);
    expect(line).toContain(`${path},2,text,xxx`);
    expect(line).toContain('at most 4096 characters');
  });

  test('when they are mended the next import leaves no list of them', async () => {
    const path = await fileOf('a.csv', `${HEADER}${customer},api,x,${FROM}\n`);
    expect(await imported(path)).toMatchObject({ code: 3 });
    await writeFile(path, `${HEADER}${customer},api,1,${FROM}\n`);
    expect(await imported(path)).toMatchObject({ code: 0 });
    expect(await readdir(join(path, '..'))).toEqual(['a.csv']);
  });

  test('a file that ends in the middle is imported as far as it goes, or not at all', async () => {
    const rows = Array.from({ length: 20_000 }, (_, row) => `${customer},api,${row},${FROM}\n`).join('');
    const whole = gzipSync(HEADER + rows);
    const path = await fileOf('a.csv.gz', whole.subarray(0, whole.length >> 1));
    const good = await fileOf('b.csv', `${HEADER}${customer},api,1,${FROM}\n`);
    const { code, summary } = await importSummary([path, good, '--url', receiver.url]);
    // Its content has no hash, so its rows have no identity: none is sent.
    expect(code).toBe(3);
    expect(summary.files.map(({ stored }) => stored)).toEqual([0, 1]);
    expect(summary.files[0].error).toContain(`${path} cannot be read: unexpected end of file`);
  });
});

describe('a dry run', () => {
  test('checks and adds up, and sends nothing', async () => {
    const path = await fileOf(
      'a.csv',
      `${HEADER}${customer},api,0.1,${FROM}\n${customer},api,0.2,${FROM}\n${customer},api,x,${FROM}\nother,cpu,9007199254740993,${FROM}\n`,
    );
    const { code, summary } = await importSummary([path, '--dry-run', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(3);
    expect(summary).toMatchObject({
      dryRun: true,
      files: [{ rows: 4, rejected: 1, stored: 0 }],
      pairs: 2,
      sums: [
        { customerId: customer, dimensionId: 'api', quantity: '0.3', records: 2 },
        { customerId: 'other', dimensionId: 'cpu', quantity: '9007199254740993', records: 1 },
      ],
    });
    expect(await records()).toEqual([]);
    const { stdout } = await runImport([path, '--dry-run']);
    expect(stdout).toMatch(new RegExp(`${customer} +api +0\\.3 +2\n`));
    expect(stdout).toContain(`${path}:4: recordValue must be a number, like 12.5 (got "x")`);
  });
});

describe('what cannot be done is said, and nothing is sent', () => {
  test.each<[string, string[], number, string]>([
    ['a path that is missing', ['/no/such.csv'], 1, '/no/such.csv: there is no such file or folder'],
    ['an ending that is not known', ['NAME.xlsx'], 1, 'its name must end in .csv'],
    ['an empty file', ['EMPTY.csv'], 1, 'is empty: it has no header'],
    ['a column that is missing', ['A.csv', '--map', 'customerId=account'], 1, 'has no column "account"'],
    [
      'one of several files',
      ['A.csv', 'SEMICOLON.csv'],
      1,
      '(are its columns separated by ";"? --delimiter says so)',
    ],
    ['Parquet that is none', ['A.parquet'], 1, 'A.parquet cannot be read as Parquet'],
    ['a field that is not known', ['A.csv', '--map', 'customer=a'], 2, '--map knows customerId, dimensionId'],
    [
      'a flag without its value',
      ['A.csv', '--set', 'customerId'],
      2,
      '--set must look like --set customerId=VALUE',
    ],
    ['both of them', ['A.csv', '--set', 'customerId=a', '--map', 'customerId=b'], 2, 'customerId has both'],
    ['twice', ['A.csv', '--set', 'customerId=a', '--set', 'customerId=b'], 2, 'is given twice'],
    ['one id for all', ['A.csv', '--set', 'id=a'], 2, '--set id would make all rows the same record'],
    ['a constant that is no value', ['A.csv', '--set', 'recordValue=x'], 2, 'must be a number'],
    ['a constant that is no time', ['A.csv', '--set', 'timestamp=2026-03-01'], 2, '--time-zone says'],
    [
      'a zone that is none',
      ['A.csv', '--time-zone', 'Mars'],
      2,
      '--time-zone must be an IANA time zone, like Europe/Berlin (got "Mars")',
    ],
    ['a format that is none', ['A.csv', '--time-format', 'iso'], 2, '--time-format'],
    ['a delimiter that is none', ['A.csv', '--delimiter', '::'], 2, '--delimiter must be one character'],
    [
      'an address that is none',
      ['A.csv', '--url', 'localhost:4318'],
      2,
      "the receiver's address must be a URL",
    ],
    [
      'nobody at the address',
      ['A.csv', '--url', 'http://127.0.0.1:1', '--wait', '0'],
      1,
      'http://127.0.0.1:1 does not answer',
    ],
    ['rejects in the place of data', ['A.csv', '--rejects', 'A.csv'], 2, 'is one of the files to import'],
  ])('%s', async (_, args, code, message) => {
    await fileOf('A.csv', `${HEADER}${customer},api,1,${FROM}\n`);
    await fileOf('A.parquet', 'PAR1');
    await fileOf('EMPTY.csv', '');
    await fileOf('NAME.xlsx', '');
    await fileOf('SEMICOLON.csv', HEADER.replaceAll(',', ';'));
    const paths = args.map((arg) => (/^[A-Z]+\./.test(arg) ? join(folder, `case-${cases}`, arg) : arg));
    const url = args.includes('--url') ? [] : ['--url', receiver.url];
    const run = await runImport([...paths, ...url]);
    expect(run.stderr).toContain(message);
    expect(run.code).toBe(code);
    expect(await records()).toEqual([]);
  });
});

test('a receiver that comes later is waited for', async () => {
  const path = await fileOf('a.csv', `${HEADER}${customer},api,1,${FROM}\n`);
  const port = await freePort();
  const { child, ended } = startImport([path, '--url', `http://127.0.0.1:${port}`]);
  // It has met the closed port.
  await new Promise<void>((resolve) => child.stderr!.once('data', () => resolve()));
  const late = await startReceiver({ dataDir: join(folder, 'late'), port });
  const run = await ended;
  await late.stop();
  expect(run.stderr).toContain('does not answer');
  expect(run.code).toBe(0);
});

test('a receiver with keys takes them from USAGE_METER_API_KEY', async () => {
  const path = await fileOf('a.csv', `${HEADER}${customer},api,1,${FROM}\n`);
  const locked = await startReceiver({
    dataDir: join(folder, 'locked'),
    env: { USAGE_METER_API_KEYS: 'k1,k2' },
  });
  try {
    const without = await runImport([path, '--url', locked.url]);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('set USAGE_METER_API_KEY') });
    expect(await runImport([path, '--url', locked.url], { USAGE_METER_API_KEY: 'k2' })).toMatchObject({
      code: 0,
    });
  } finally {
    await locked.stop();
  }
});

test('what another receiver acknowledged is not taken for sent', async () => {
  const rows = Array.from({ length: 12_000 }, (_, row) => `${customer},api,1,${FROM},${row}\n`).join('');
  const path = await fileOf('a.csv', `${HEADER.trimEnd()},n\n${rows}`);
  const port = await freePort();
  const first = await startReceiver({ dataDir: join(folder, 'first'), port });
  const { child, ended } = startImport([path, '--url', first.url]);
  const state = join(path, '..', '.usage-meter-import');
  // Two batches are noted.
  for (let noted = ''; noted.split('"row"').length < 3; ) {
    const [name] = await readdir(state).catch(() => []);
    noted = name === undefined ? '' : await readFile(join(state, name), 'utf8').catch(() => '');
  }
  child.kill('SIGKILL');
  await ended;
  await first.kill();
  // The same address, but nothing in it.
  const second = await startReceiver({ dataDir: join(folder, 'second'), port });
  try {
    const { code, summary } = await importSummary([path, '--url', second.url]);
    expect(code).toBe(0);
    expect(summary.files[0]).toMatchObject({
      rows: 12_000,
      stored: 12_000,
      duplicates: 0,
      acknowledgedEarlier: 0,
    });
    expect(await readTotals(second.url, FROM, TO)).toEqual(new Map([[`${customer} / api`, '12000']]));
  } finally {
    await second.stop();
  }
});
