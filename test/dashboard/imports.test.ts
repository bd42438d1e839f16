/** Who may import whom: the page takes code of its own, of the client and of libraries, and only types from elsewhere. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Import and export lines with what they name, as paths in the repository. */
function imports(file: string): { line: string; target: string }[] {
  const source = readFileSync(join(root, file), 'utf8');
  const found = source.matchAll(
    /^(?:import|export)\b[^;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gms,
  );
  return [...found].map(([line, from, bare, lazy]) => {
    const name = from ?? bare ?? lazy;
    return { line, target: name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name };
  });
}

const files = (pattern: string): string[] => globSync(pattern, { cwd: root, exclude: ['**/dist/**'] });

test('the dashboard imports itself, the client and libraries; of storage/query only types', () => {
  const all = files('dashboard/**/*.{ts,tsx}');
  expect(all.length).toBeGreaterThan(50);
  const wrong = all.flatMap((file) =>
    imports(file)
      .filter(({ line, target }) => {
        if (/^(dashboard|client)\//.test(target)) return false;
        // Addresses of texts, and no code.
        if (/^examples\/sql-cookbook\/[\w-]+\.sql\?url$/.test(target)) return false;
        if (/^storage\/query\//.test(target)) return !/^(import|export) type /.test(line);
        const isLibrary = /^(react|react-dom|@tanstack|uplot)(\/|$)/.test(target);
        const isOfBuild = file === 'dashboard/vite.config.ts';
        return !isLibrary && !isOfBuild;
      })
      .map(({ line }) => `${file}: ${line}`),
  );
  expect(wrong).toEqual([]);
});

test('nothing of the receiver, the storage or the library imports the dashboard', () => {
  const all = files('{client,cli,instrumentation,receiver,storage}/**/*.ts');
  const wrong = all.filter((file) => imports(file).some(({ target }) => target.startsWith('dashboard/')));
  expect(wrong).toEqual([]);
});
