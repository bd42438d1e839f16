import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'usage-meter-types-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function compile(name: string, config: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', path], { encoding: 'utf8' }).stdout;
}

test('an application without Node’s types compiles against the library’s, which are checked with it', () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const emitted = compile('emit.json', {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: { emitDeclarationOnly: true, rootDir: root, outDir: join(folder, 'dist') },
    include: [],
    files: [join(root, 'instrumentation/index.ts')],
  });
  expect(emitted).toBe('');
  mkdirSync(join(folder, 'app'));
  writeFileSync(
    join(folder, 'app', 'app.ts'),
    `import { createUsageMeter, recordUsage } from '../dist/instrumentation/index.js';
     recordUsage({ customer: 'acme', dimension: 'tokens', value: 1 });
     export const accepted: Promise<boolean> = createUsageMeter().flush().then((result) => result.accepted);`,
  );
  const checked = compile('app.json', {
    compilerOptions: {
      noEmit: true,
      strict: true,
      target: 'es2023',
      module: 'nodenext',
      skipLibCheck: false,
      types: [],
    },
    files: ['app/app.ts'],
  });
  expect(checked).toBe('');
}, 120_000);
