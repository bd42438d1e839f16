/**
 * usage-meter.yaml over the life of a receiver: what each start makes of it, when it changes, forgets things, asks for
 * what cannot be, or is gone. Each test goes on from the state that the one before has left.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compareLedgers } from '../support/ledger-comparison.ts';
import { readQuarantine } from '../support/receiver-api.ts';
import { ledgerPath, type ReceiverProcess, runCommand, startReceiver } from '../support/receiver-process.ts';
import { ApiClient, logRequest } from './api/api-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'usage-meter-config-file-'));
const dataDir = join(directory, 'data');
const file = join(directory, 'usage-meter.yaml');
let receiver: ReceiverProcess | undefined;
let api: ApiClient;

afterAll(async () => {
  await receiver?.stop();
  rmSync(directory, { recursive: true });
});

async function start(args: string[]): Promise<void> {
  await receiver?.stop();
  receiver = undefined;
  receiver = await startReceiver({ dataDir, args });
  api = new ApiClient(receiver.url);
}

/** Starts anew with this in the file. */
async function startWith(text: string): Promise<void> {
  writeFileSync(file, text);
  await start(['--config', file]);
}

/** What a start with this in the file says before it ends. */
async function refusal(text: string): Promise<string> {
  await receiver?.stop();
  receiver = undefined;
  writeFileSync(file, text);
  const exit = startReceiver({ dataDir, args: ['--config', file] }).then(
    async (running) => {
      await running.stop();
      return 'it started';
    },
    (error: Error) => error.message,
  );
  return await exit;
}

const lastSequence = async () => (await api.get('/status')).body.journal.lastSequence as number;

let hours = 0;
/** A log line of an export, at an hour of its own. */
async function exported(rows: number, pages: number, tenant = 'acme'): Promise<void> {
  const timeUnixNano = BigInt(1_772_323_200 + 3600 * ++hours) * 1_000_000_000n;
  const attributes = { 'log.record.uid': `export-${hours}`, event: 'exported', tenant, rows, pages };
  await api.otlp('logs', logRequest([{ attributes, timeUnixNano }]));
}

const METER = (value: string, extra = '') => `
meters:
  - id: exports
    signals: [logs]
    match: { all: [{ path: 'attributes["event"]', eq: exported }] }
    customer: attributes["tenant"]
    dimension: exports
    value: { path: 'attributes["${value}"]' }${extra}
`;
const DIMENSION = (unit = '1', extra = '') => `
dimensions:
  - id: exports
    unit: '${unit}'${extra}
`;
const CUSTOMER = `
customers:
  - id: acme
    name: Acme Corp
    aliases: [acme-eu]
`;

test('what the file declares holds at the first request', async () => {
  await startWith(`maxFuture: 1h${DIMENSION()}${CUSTOMER}${METER('rows')}`);
  await exported(10, 1);
  await exported(5, 1, 'acme-eu');
  expect(await api.quantity('acme', 'exports')).toBe('15');
  expect((await api.get('/customers/acme')).body).toMatchObject({
    name: 'Acme Corp',
    aliases: ['acme-eu'],
    managedBy: 'file',
  });
  expect((await api.get('/meters/exports')).body).toMatchObject({ version: 1, managedBy: 'file' });
  expect((await api.get('/status')).body.settings).toEqual({ discovery: true, maxFutureSeconds: 3600 });
  for (const [path, body] of [
    ['/customers/acme', { name: 'Other' }],
    ['/dimensions/exports', { unit: '1', aggregation: 'max' }],
    ['/meters/exports', (await api.get('/meters/exports')).body.rule ?? {}],
  ] as const) {
    if (!path.startsWith('/meters')) expect((await api.put(path, body)).body.code).toBe('MANAGED_BY_FILE');
    expect((await api.delete(path)).body.code).toBe('MANAGED_BY_FILE');
  }
});

test('a start with the same file writes nothing', async () => {
  const before = await lastSequence();
  await start(['--config', file]);
  expect(await lastSequence()).toBe(before);
  // Neither does one that says the same in other words.
  await startWith(
    `maxFuture: 3600${CUSTOMER}${METER('rows', '\n    enabled: true')}${DIMENSION('1', '\n    rounding: null')}`,
  );
  expect(await lastSequence()).toBe(before);
  expect((await api.get('/meters/exports')).body.version).toBe(1);
});

test('a changed rule is a new version, for what comes after it', async () => {
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect((await api.get('/meters/exports?versions=all')).body.versions).toHaveLength(2);
  expect((await api.get('/status')).body.settings.maxFutureSeconds).toBe(600);
  expect(await api.quantity('acme', 'exports')).toBe('15');
  await exported(1000, 3);
  expect(await api.quantity('acme', 'exports')).toBe('18');
});

test('a file with faults starts nothing: each is named by its line, and nothing is changed', async () => {
  const before = await lastSequence();
  const said = await refusal(
    `dimension: []${CUSTOMER}${METER('rows').replace('exported }', 'exported, regexp: x }')}`,
  );
  expect(said).toContain(`${file}:1:1: dimension: unknown key; did you mean "dimensions"?`);
  expect(said).toMatch(/usage-meter\.yaml:10:\d+: meters\[0\]\.match\.all\[0\]\.regexp/);
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect(await lastSequence()).toBe(before);
});

test('a unit that has usage cannot change: nothing is changed, and the receiver does not run', async () => {
  const before = await lastSequence();
  const texts = [DIMENSION('By'), `${DIMENSION('{page}')}${METER('rows')}`];
  // The port is bound before the ledger is asked, so what it says comes after the first line.
  await receiver!.stop();
  receiver = undefined;
  for (const text of texts) {
    writeFileSync(file, text);
    const starting = await startReceiver({ dataDir, args: ['--config', file], until: 'listening' });
    expect((await starting.exited).code).toBe(1);
    expect(starting.output()).toMatch(/\\?"exports\\?" has usage in the unit \\?"1\\?"/);
  }
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect(await lastSequence()).toBe(before);
  expect(await api.quantity('acme', 'exports')).toBe('18');
});

test('a unit without usage may change', async () => {
  const unused = (unit: string) => `\n  - id: unused\n    unit: ${unit}`;
  await startWith(`${DIMENSION('1', unused('By'))}${CUSTOMER}${METER('pages')}`);
  await startWith(`${DIMENSION('1', unused('s'))}${CUSTOMER}${METER('pages')}`);
  expect((await api.get('/dimensions/unused')).body.unit).toBe('s');
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect((await api.get('/dimensions/unused')).status).toBe(404);
});

test('what the API declared becomes the file’s when the file declares it, and goes with it', async () => {
  expect((await api.post('/customers', { id: 'globex', name: 'By API' })).status).toBe(201);
  expect((await api.post('/customers', { id: 'kept', name: 'By API' })).status).toBe(201);
  await startWith(`${DIMENSION()}${CUSTOMER}  - id: globex\n    name: By file\n${METER('pages')}`);
  expect((await api.get('/customers/globex')).body).toMatchObject({ name: 'By file', managedBy: 'file' });
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect((await api.get('/customers/globex')).status).toBe(404);
  expect((await api.get('/customers/kept')).body).toMatchObject({ name: 'By API', managedBy: 'api' });
});

test('an alias changes hands, and cannot be taken from a customer that the API declared', async () => {
  await startWith(`${DIMENSION()}
customers:
  - { id: initech, aliases: [acme-eu] }
  - { id: acme, name: Acme Corp }
${METER('pages')}`);
  await exported(1, 4, 'acme-eu');
  expect(await api.quantity('initech', 'exports')).toBe('4');
  expect(await api.quantity('acme', 'exports')).toBe('18');

  const before = await lastSequence();
  await receiver!.stop();
  receiver = undefined;
  writeFileSync(file, `${DIMENSION()}${CUSTOMER.replace('acme-eu', 'kept')}${METER('pages')}`);
  const starting = await startReceiver({ dataDir, args: ['--config', file], until: 'listening' });
  expect((await starting.exited).code).toBe(1);
  expect(starting.output()).toMatch(/\\?"kept\\?" is an alias of \\?"acme\\?" here/);
  await startWith(`${DIMENSION()}
customers:
  - { id: initech, aliases: [acme-eu] }
  - { id: acme, name: Acme Corp }
${METER('pages')}`);
  expect(await lastSequence()).toBe(before);
});

test('what is forgotten keeps its usage; without discovery nothing new is counted for it', async () => {
  await startWith(`discovery: off${METER('pages')}`);
  expect((await api.get('/dimensions/exports')).status).toBe(404);
  expect(await api.quantity('acme', 'exports')).toBe('18');
  await exported(1, 100);
  expect(await api.quantity('acme', 'exports')).toBe('18');
  expect((await readQuarantine(receiver!.url)).map(({ reason, signals }) => `${reason} ${signals}`)).toEqual([
    'unknown_dimension 1',
  ]);
});

test('a meter that the file forgets claims nothing more', async () => {
  await startWith(`${DIMENSION()}${CUSTOMER}`);
  expect((await api.get('/meters/exports')).status).toBe(404);
  await exported(1, 1000);
  expect(await api.quantity('acme', 'exports')).toBe('18');
  // It comes back as another version.
  await startWith(`${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  expect((await api.get('/meters/exports')).body.version).toBe(3);
  await exported(1, 2);
  expect(await api.quantity('acme', 'exports')).toBe('20');
});

test('a pack is turned on, changed and turned off like what is written out', async () => {
  const text = `${DIMENSION()}${CUSTOMER}${METER('pages')}`;
  await startWith(`packs: [gen_ai]${text}`);
  expect((await api.get('/dimensions/gen_ai.input_tokens')).body).toMatchObject({
    unit: '{token}',
    managedBy: 'file',
  });
  await startWith(`packs: { gen_ai: { signals: [logs] } }${text}`);
  expect((await api.get('/meters/gen_ai.input_tokens')).body).toMatchObject({
    version: 2,
    signals: ['logs'],
  });
  await startWith(text);
  expect((await api.get('/meters/gen_ai.input_tokens')).status).toBe(404);
  expect((await api.get('/dimensions/gen_ai.input_tokens')).status).toBe(404);
});

test('a file that was named and is gone starts nothing', async () => {
  await receiver!.stop();
  receiver = undefined;
  rmSync(file);
  await expect(startReceiver({ dataDir, args: ['--config', file] })).rejects.toThrow(
    /usage-meter\.yaml.*(ENOENT|no such file|not)/i,
  );
});

test('without a file, what it declared stays as it was; its settings do not', async () => {
  await startWith(`maxFuture: 2h${DIMENSION()}${CUSTOMER}${METER('pages')}`);
  await start([]);
  expect((await api.get('/status')).body.settings).toEqual({ discovery: true, maxFutureSeconds: 600 });
  expect((await api.get('/meters/exports')).body).toMatchObject({ managedBy: 'file', deleted: false });
  await exported(1, 5);
  expect(await api.quantity('acme', 'exports')).toBe('25');
});

test('killed while it applies the file, it is as the file says at the next start', async () => {
  const customers = Array.from(
    { length: 60 },
    (_, index) => `  - { id: c-${index}, name: Customer ${index} }\n`,
  );
  writeFileSync(file, `${DIMENSION()}${CUSTOMER}${customers.join('')}${METER('rows')}`);
  await receiver!.kill();
  const starting = await startReceiver({ dataDir, args: ['--config', file], until: 'listening' });
  await starting.kill();
  receiver = undefined;
  await start(['--config', file]);
  expect((await api.get('/customers/c-59')).body).toMatchObject({
    name: 'Customer 59',
    managedBy: 'file',
  });
  const before = await lastSequence();
  await start(['--config', file]);
  expect(await lastSequence()).toBe(before);
  await exported(7, 1000);
  expect(await api.quantity('acme', 'exports')).toBe('32');
});

test('the ledger made anew from the journal knows the same', async () => {
  await receiver!.stop();
  receiver = undefined;
  const rebuilt = join(directory, 'rebuilt');
  cpSync(dataDir, rebuilt, {
    recursive: true,
    filter: (source) => !basename(source).startsWith('ledger.duckdb'),
  });
  await runCommand(['rebuild', '--data-dir', rebuilt]);
  const differences = await compareLedgers(ledgerPath(dataDir), ledgerPath(rebuilt));
  expect(differences.flatMap(({ examples }) => examples)).toEqual([]);
});
