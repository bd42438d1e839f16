import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { COMMAND } from '../support/receiver-process.ts';
import { runInProcess } from './in-process.ts';

test.each([
  // what is typed                 code  on stdout                    on stderr
  [['--help'], 0, 'Exit codes: 0 done', ''],
  [['query', '--help'], 0, 'Without a range: this month.', ''],
  [['help', 'quarantine'], 0, 'replay', ''],
  [[], 2, '', 'Usage: usage-meter'],
  [['quarantine'], 2, '', 'Usage: usage-meter quarantine'],
  [['frobnicate'], 2, '', "unknown command 'frobnicate'"],
  [['qeury'], 2, '', 'Did you mean query?'],
  [['import'], 2, '', "missing required argument 'paths'"],
  [['import', 'x.csv', '--bogus'], 2, '', "unknown option '--bogus'"],
  [['query', 'unexpected'], 2, '', 'too many arguments'],
  [['journal', 'repair', '--bogus'], 2, '', "unknown option '--bogus'"],
  [['import', 'no-such.csv'], 1, '', 'there is no such file or folder'],
])('%j ends with %i', async (args, code, stdout, stderr) => {
  const end = await runInProcess(args);
  expect(end).toEqual({
    code,
    stdout: expect.stringContaining(stdout),
    stderr: expect.stringContaining(stderr),
  });
  expect([end.stdout === '', end.stderr === '']).toEqual([stdout === '', stderr === '']);
});

test('the release is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect((await runInProcess(['--version'])).stdout).toBe(`${version}\n`);
});

test('whoever has read enough ends it without a word', () => {
  const script = `"${process.execPath}" "${COMMAND}" completion zsh | true; echo "\${PIPESTATUS[0]}"`;
  expect(execFileSync('bash', ['-c', script], { encoding: 'utf8', stdio: 'pipe' })).toBe('0\n');
});

async function against(listener: RequestListener, args: string[]) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await runInProcess([
      ...args,
      '--url',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a receiver of another release, and what is none', async () => {
  const other = await against((_, response) => response.end('{"rows": 7}'), ['customers', 'list']);
  expect([other.code, other.stderr]).toEqual([
    1,
    expect.stringContaining('use the usage-meter of its release'),
  ]);
  const page = await against((_, response) => response.writeHead(404).end('<html>'), ['query']);
  expect([page.code, page.stderr]).toEqual([1, expect.stringContaining('answers with 404: <html>')]);
});

test('a receiver that restarts is waited for, and a change is sent once', async () => {
  const seen: string[] = [];
  const { code, stderr, stdout } = await against(
    (request, response) => {
      seen.push(String(request.headers['idempotency-key']));
      if (seen.length === 1) {
        response.writeHead(503, { 'Retry-After': '0', 'Content-Type': 'application/problem+json' });
        response.end('{"detail": "recovering"}');
        return;
      }
      const record = {
        recordId: 'r',
        customerId: 'acme',
        dimensionId: 'd',
        recordValue: '1',
        unit: '1',
        timestamp: 't',
      };
      response.end(JSON.stringify({ records: [{ ...record, status: 'stored' }] }));
    },
    ['send', '-c', 'acme', '-d', 'd', '-v', '1'],
  );
  expect([code, stdout]).toEqual([0, 'stored: acme d 1 at t, record r\n']);
  expect(stderr).toContain('503: recovering; asking again');
  expect(seen).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), seen[0]]);
});
