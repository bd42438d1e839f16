import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('npm run demo: a real receiver, a real app, real traffic, and totals that agree', async () => {
  const demo = fileURLToPath(new URL('../../examples/express-app/demo.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo], {
    env: { PATH: process.env.PATH },
  });
  expect(stderr).toBe('');
  expect(stdout).toContain('FROM usage_records');
  expect(stdout).toMatch(/'globex' +│ +'compute\.seconds' +│ +'0\.3' +│ +'1' +│ +\d+ +│/);
  expect(stdout).toContain('both give exactly what the traffic was');
});
