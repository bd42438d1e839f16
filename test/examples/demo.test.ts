import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const demo = fileURLToPath(new URL('../../examples/express-app/demo.ts', import.meta.url));

test('npm run demo: a real receiver, a real app, real traffic, and totals that agree', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo], {
    env: { PATH: process.env.PATH },
  });
  expect(stderr).toBe('');
  expect(stdout).toContain('FROM usage_records');
  expect(stdout).toMatch(/'globex' +│ +'compute\.seconds' +│ +'0\.3' +│ +'1' +│ +\d+ +│/);
  expect(stdout).toContain('both give exactly what the traffic was');
});

test('npm run demo -- --keep: the receiver stays with its usage until it is ended, and leaves nothing', async () => {
  const child = spawn(process.execPath, [demo, '--keep'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    let dataDir = '';
    let url = '';
    for await (const line of createInterface({ input: child.stdout })) {
      dataDir ||= /data in (\S+)$/.exec(line)?.[1] ?? '';
      url = /runs on at (\S+),/.exec(line)?.[1] ?? '';
      if (url !== '') break;
    }
    const range = new URLSearchParams({ from: '2020-01-01', to: '2100-01-01', customerId: 'globex' });
    const { rows } = (await (await fetch(`${url}/api/v1/usage?${range}`)).json()) as { rows: object[] };
    expect(rows).toContainEqual(expect.objectContaining({ dimensionId: 'api.requests', quantity: '72' }));
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    expect([dataDir !== '', existsSync(dataDir)]).toEqual([true, false]);
  } finally {
    child.kill('SIGKILL');
  }
});
