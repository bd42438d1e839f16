/** What a browser loads of the page, all of its chunks together. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const LIMIT_BYTES = 220_000;
const root = fileURLToPath(new URL('../../', import.meta.url));

test('scripts and styles have at most 220 kB gzip in all', () => {
  execFileSync(process.execPath, [`${root}scripts/build-dashboard.ts`]);
  const folder = `${root}dashboard/dist/`;
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(js|css)$/.test(name))
    .map((name) => gzipSync(readFileSync(folder + name), { level: 9 }).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LIMIT_BYTES);
});
