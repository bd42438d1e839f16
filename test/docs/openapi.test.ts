/** docs/openapi.md: its commands run as they stand, its TypeScript compiles as it stands. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningReceiver, runReceiver } from '../receiver/http/openapi/running-receiver.ts';
import { ExampleRun, examplesOf } from '../support/documented-examples.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const markdown = readFileSync(`${root}docs/openapi.md`, 'utf8');
const [, typescript] = /^```ts\n(.*?)^```$/ms.exec(markdown)!;

let receiver: RunningReceiver;
beforeAll(async () => {
  receiver = await runReceiver();
});
afterAll(() => receiver.stop());

test.each(examplesOf(markdown.replace(/^```ts\n.*?^```$/ms, '')))('$command', (example) =>
  new ExampleRun(receiver.url).check(example),
);

test('the TypeScript compiles, with every operation and parameter by its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-openapi-docs-'));
  try {
    const wrong = `
      // @ts-expect-error: there is no such parameter
      await client.request('GET /api/v1/usage', { query: { from: '', to: '', customer: 'acme' } });`;
    writeFileSync(`${folder}/example.mts`, typescript + wrong);
    const compilerOptions = {
      noUnusedLocals: false,
      typeRoots: [`${root}node_modules/@types`],
      // As the package's own exports say it.
      paths: { 'otel-usage-meter/client': [`${root}client/index.ts`] },
    };
    const config = { extends: `${root}tsconfig.json`, include: ['example.mts'], compilerOptions };
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
    const tsc = `${root}node_modules/typescript/bin/tsc`;
    const said = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
    expect(said).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
