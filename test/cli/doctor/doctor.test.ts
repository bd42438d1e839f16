import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { againstJournal, clockCheck } from '../../../cli/doctor/data-checks.ts';
import { nodeCheck, spaceCheck, syncTimeCheck } from '../../../cli/doctor/machine-checks.ts';
import { skewCheck } from '../../../cli/doctor/receiver-checks.ts';
import { SEGMENT_HEADER_BYTES } from '../../../storage/journal/frame.ts';
import { freePort, type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient, logRequest } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver } from '../receiver.ts';

const MIB = 1024 * 1024;

test.each([
  // what is looked at                                        what it is, and what the line says
  [nodeCheck('20.19.0'), 'fail', 'version 20.19.0 is too old'],
  [nodeCheck('22.14.9'), 'fail', 'too old'],
  [nodeCheck('22.15.0'), 'ok', '22.15.0'],
  [nodeCheck('24.1.0'), 'ok', '24.1.0'],
  [spaceCheck(255 * MIB, 256 * MIB), 'fail', '255 MiB free; below 256 MiB usage is refused'],
  [spaceCheck(1000 * MIB, 256 * MIB), 'warn', '1000 MiB free'],
  [spaceCheck(40_000 * MIB, 256 * MIB), 'ok', '39 GiB free'],
  [syncTimeCheck([1, 900, 2]), 'ok', '2.0 ms (median of 3), 900.0 ms at most'],
  [syncTimeCheck([40, 30, 50]), 'warn', '40.0 ms'],
  [againstJournal(7, 1, 7), 'ok', 'up to 7, as the journal'],
  [againstJournal(4, 1, 7), 'ok', 'the next start loads 3 more'],
  [againstJournal(9, 1, 7), 'fail', 'the journal has lost some'],
  [againstJournal(3, 5, 7), 'fail', 'those between are gone'],
  [againstJournal(4, 5, 7), 'ok', 'loads 3 more'],
  [clockCheck(10_000, 11_000_000_000n), 'ok', '1970-01-01T00:00:10.000Z'],
  [clockCheck(10_000, 60_000_000_000n), 'fail', 'before the last request of the journal'],
  [skewCheck(2_000, 600), 'ok', 'agree'],
  [skewCheck(-60_000, 600), 'warn', '60 seconds behind'],
  [skewCheck(3_600_000, 600), 'fail', '3,600 seconds ahead'],
])('%o is %s', (check, state, said) => {
  expect([check.state, check.detail]).toEqual([state, expect.stringContaining(said)]);
  expect(check.advice === null).toBe(state === 'ok');
});

let folder: string;
/** Data of a receiver that was killed; nothing in it is to change. */
let killed: string;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-cli-'));
  process.chdir(folder);
  killed = join(folder, 'killed');
  port = await freePort();
  const receiver = await startReceiver({ dataDir: killed });
  const api = new ApiClient(receiver.url);
  for (let request = 0; request < 3; request++)
    await api.post('/usage', { customerId: 'acme', dimensionId: 'calls', recordValue: '1' });
  await api.quantity('acme', 'calls');
  await receiver.kill();
});
afterAll(async () => {
  process.chdir('/');
  await rm(folder, { recursive: true });
});

/** A line for each check: its state, its name, what it says. */
async function doctor(...args: string[]) {
  const { code, stdout, stderr } = await runInProcess(['doctor', ...args, '--json']);
  const { checks, ok } = JSON.parse(stdout) as {
    ok: boolean;
    checks: { name: string; state: string; detail: string; advice: string | null }[];
  };
  expect([ok, stderr]).toEqual([code === 0, '']);
  const found = (name: string) => {
    const check = checks.find((one) => one.name === name);
    return check === undefined ? undefined : `${check.state}: ${check.detail} → ${check.advice}`;
  };
  return { code, checks, found };
}

async function copyOf(name: string): Promise<string> {
  const path = join(folder, name);
  await cp(killed, path, { recursive: true });
  return path;
}

async function segmentOf(dataDir: string): Promise<string> {
  const [name] = await readdir(join(dataDir, 'journal'));
  return join(dataDir, 'journal', name);
}

/** Names, sizes, times and content of all files. */
async function fingerprint(path: string): Promise<string[]> {
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return Promise.all(
    names.map(async (entry) => {
      const file = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(file);
      return `${file} ${size} ${mtimeMs} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`;
    }),
  );
}

describe('without a running receiver', () => {
  test('data that a kill has left is well, and stays as it is', async () => {
    const before = await fingerprint(killed);
    for (const flags of [[], ['--full']]) {
      const { code, checks, found } = await doctor('--data-dir', killed, '--port', String(port), ...flags);
      expect([code, checks.filter(({ state }) => state === 'fail')]).toEqual([0, []]);
      expect(found('journal')).toMatch(/^ok: requests 1 to 3 in 1 file, /);
      expect(found('ledger')).toMatch(/^ok: it has requests up to \d/);
      expect(found('lock')).toMatch(/^ok: free/);
      expect(found('port')).toMatch(/^ok: 127\.0\.0\.1:\d+ is free/);
    }
    expect(await fingerprint(killed)).toEqual(before);
  });

  test('a directory that is not there yet', async () => {
    const { code, found } = await doctor('--data-dir', join(folder, 'a', 'b'), '--port', '0');
    expect([code, found('data directory')]).toEqual([0, expect.stringContaining('made by the first start')]);
    expect(await readdir(folder)).not.toContain('a');
  });

  test('for people: a line for each check, and what to do', async () => {
    const path = await copyOf('no-ledger');
    await rm(join(path, 'ledger.duckdb'));
    const args = ['doctor', '--data-dir', path, '--port', '0'];
    const { code, stdout } = await runInProcess(args, { env: { FORCE_COLOR: '0' } });
    expect(code).toBe(0);
    expect(stdout).toContain(
      '\nwarn  ledger          it is missing\n                      → nothing to do: the next start makes it',
    );
    expect(stdout).toMatch(/\n\d+ checks: 0 failed, 1 with a warning\n$/);
    const coloured = await runInProcess(args, { columns: 100 });
    expect(coloured.stdout).toContain('\u001b[33mwarn\u001b[39m');
    const plain = await runInProcess(args, { columns: 100, env: { NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b');
  });

  test('a write that a crash has cut short', async () => {
    const path = await copyOf('torn');
    const segment = await segmentOf(path);
    const { size } = await stat(segment);
    const handle = await open(segment, 'r+');
    await handle.write(Buffer.alloc(700, 0x5a), 0, 700, size);
    await handle.close();
    const { code, found } = await doctor('--data-dir', path, '--port', '0');
    expect([code, found('journal')]).toEqual([0, expect.stringMatching(/^warn: .*nothing to do/s)]);
  });

  test('a journal that has decayed', async () => {
    const path = await copyOf('decayed');
    const segment = await segmentOf(path);
    const handle = await open(segment, 'r+');
    // The first group begins behind the header's block; two more follow it.
    await handle.write(Buffer.alloc(8, 0xff), 0, 8, SEGMENT_HEADER_BYTES + 64);
    await handle.close();
    const { code, found } = await doctor('--data-dir', path, '--port', '0');
    expect([code, found('journal')]).toEqual([
      1,
      expect.stringMatching(/^fail: .*usage-meter journal repair$/s),
    ]);
    expect(found('ledger')).toBeUndefined();
  });

  test('a journal that has lost what the ledger has, or a file', async () => {
    const path = await copyOf('lost');
    await writeFile(join(path, 'journal', '0000000000000009.journal'), await readFile(await segmentOf(path)));
    const missing = await doctor('--data-dir', path, '--port', '0');
    expect([missing.code, missing.found('journal')]).toEqual([1, expect.stringMatching(/^fail: /)]);
    await rm(join(path, 'journal'), { recursive: true });
    await mkdir(join(path, 'journal'));
    const empty = await doctor('--data-dir', path, '--port', '0');
    expect([empty.code, empty.found('ledger')]).toEqual([
      1,
      expect.stringContaining('the journal has lost some'),
    ]);
  });

  test('a ledger that is none', async () => {
    const path = await copyOf('no-database');
    await rm(join(path, 'ledger.duckdb.wal'), { force: true });
    await writeFile(join(path, 'ledger.duckdb'), 'x'.repeat(8192));
    const { code, found } = await doctor('--data-dir', path, '--port', '0');
    expect([code, found('ledger')]).toEqual([1, expect.stringMatching(/^fail: .*usage-meter rebuild/s)]);
  });

  test('a configuration that is wrong, or exposes the receiver', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'dimension: []\n');
    const bad = await doctor('--data-dir', killed, '--config', 'bad.yaml');
    expect([bad.code, bad.found('configuration')]).toEqual([1, expect.stringContaining('bad.yaml:1')]);
    expect(bad.found('journal')).toMatch(/^ok/);
    const exposed = await doctor('--data-dir', killed, '--host', '0.0.0.0', '--port', '0');
    expect([exposed.code, exposed.found('configuration')]).toEqual([
      1,
      expect.stringContaining('no API key'),
    ]);
  });

  test('a port that somebody has', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port: taken } = server.address() as AddressInfo;
    const { code, found } = await doctor('--data-dir', killed, '--port', String(taken));
    await new Promise((resolve) => server.close(resolve));
    expect([code, found('port')]).toEqual([
      1,
      expect.stringMatching(/^fail: .*EADDRINUSE → another program/),
    ]);
  });
});

describe('with a running receiver', () => {
  let receiver: ReceiverProcess;
  beforeAll(async () => {
    receiver = await startReceiver({ dataDir: join(folder, 'running'), port });
    const api = new ApiClient(receiver.url);
    await api.post('/usage', { customerId: 'acme', dimensionId: 'calls', recordValue: '1' });
    await api.otlp(
      'logs',
      logRequest([
        { attributes: { 'usage.dimension.id': 'calls' }, timeUnixNano: 1_772_355_600_000_000_000n },
      ]),
    );
    // Its status tells what is loaded; this waits for it.
    expect((await api.get('/quarantine')).body.rows).toHaveLength(1);
  });
  afterAll(() => receiver?.stop());

  test('that holds the directory', async () => {
    const args = ['--data-dir', receiver.dataDir, '--port', String(port)];
    const { code, found } = await doctor(...args);
    expect(code).toBe(0);
    expect(found('lock')).toMatch(new RegExp(`^ok: held by process ${receiver.pid} on `));
    expect(found('journal')).toMatch(/^ok: from request 1 in 1 file/);
    expect(found('receiver')).toBe(`ok: ${receiver.url} is ready, 1 record → null`);
    expect(found('ledger')).toMatch(/^ok: 0 requests behind the journal, complete until 20/);
    expect(found('quarantine')).toBe(
      'warn: 1 signal claimed as usage and not counted → usage-meter quarantine list says why',
    );
    expect(found('port')).toBeUndefined();
    // It still has its lock, and counts.
    expect(await new ApiClient(receiver.url).quantity('acme', 'calls')).toBe('1');
  });

  test('elsewhere', async () => {
    const { code, checks } = await doctor('--url', receiver.url);
    expect([code, checks.map(({ name, state }) => `${name} ${state}`)]).toEqual([
      0,
      ['node ok', 'receiver ok', 'ledger ok', 'quarantine warn', 'clock ok'],
    ]);
  });

  test('that wants a key', async () => {
    const locked = await startTestReceiver({ apiKeys: ['secret'] });
    const { code, found } = await doctor('--url', locked.url);
    expect([code, found('receiver')]).toEqual([1, expect.stringContaining('set USAGE_METER_API_KEY')]);
    const env = { USAGE_METER_API_KEY: 'secret' };
    expect((await runInProcess(['doctor', '--url', locked.url], { env })).code).toBe(0);
    await locked.stop();
  });

  test('none', async () => {
    const away = await doctor('--url', `http://127.0.0.1:${await freePort()}`);
    expect([away.code, away.found('receiver')]).toEqual([1, expect.stringContaining('does not answer')]);
    const other: Server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const wrong = await doctor('--url', `http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    await new Promise((resolve) => other.close(resolve));
    expect([wrong.code, wrong.found('receiver')]).toEqual([
      1,
      expect.stringContaining('this is no receiver'),
    ]);
  });
});
