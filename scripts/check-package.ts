/**
 * Checks the package as its users get it: packs a tarball, lints its manifest and types, installs it into an empty
 * project and uses it from there.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'usage-meter-package-'));

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], root);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
  console.log(run('npx', ['publint', 'run', tarball, '--strict'], root).trim());
  console.log(run('npx', ['attw', tarball, '--profile', 'esm-only', '--no-emoji'], root).trim());

  const app = join(folder, 'app');
  execFileSync('mkdir', [app]);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], app);
  writeFileSync(
    join(app, 'use.js'),
    `import { recordUsage, createUsageMeter } from 'otel-usage-meter';
     import { Receiver } from 'otel-usage-meter/receiver';
     import { Ledger, Journal } from 'otel-usage-meter/storage';
     import { UsageMeterClient } from 'otel-usage-meter/client';
     import openapi from 'otel-usage-meter/openapi.json' with { type: 'json' };
     if (!openapi.openapi.startsWith('3.1')) throw new Error('openapi.json is not OpenAPI 3.1');
     const functions = { recordUsage, createUsageMeter, Receiver, Ledger, Journal, UsageMeterClient };
     for (const [name, value] of Object.entries(functions)) {
       if (typeof value !== 'function') throw new Error(name + ' is not exported');
     }
     console.log('the installed package exports what the README names');`,
  );
  console.log(run(process.execPath, ['use.js'], app).trim());
  checkClientTypes(app);
  console.log('the installed client knows what it is asked and what it is answered');
  const help = run(join(app, 'node_modules', '.bin', 'usage-meter'), ['--help'], app);
  if (!help.includes('serve')) throw new Error('the installed command does not know "serve"');
  await countOnePoint(join(app, 'node_modules', '.bin', 'usage-meter'), join(folder, 'data'));
  console.log('the installed command serves, counts and stops');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @throws Error unless the installed types take what is right and refuse what is wrong */
function checkClientTypes(app: string): void {
  const source = `import { UsageMeterClient } from 'otel-usage-meter/client';
    const client = new UsageMeterClient({ url: 'http://127.0.0.1:4318' });
    const { rows } = await client.request('GET /api/v1/usage', { query: { from: '2026-03-01', to: '2026-04-01' } });
    export const quantities: string[] = rows.map(({ quantity }) => quantity);
    // @ts-expect-error: a number is no quantity
    export const numbers: number[] = rows.map(({ quantity }) => quantity);
    // @ts-expect-error: there is no such operation
    await client.request('GET /api/v1/nothing');
    // @ts-expect-error: from and to are required
    await client.request('GET /api/v1/usage', { query: {} });
  `;
  writeFileSync(join(app, 'use.ts'), source);
  const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck'];
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'use.ts'], app);
}

/** @throws Error unless the installed receiver counts what it is sent and ends by SIGTERM with exit code 0 */
async function countOnePoint(command: string, dataDir: string): Promise<void> {
  const receiver = spawn(command, ['serve', '--port', '0', '--data-dir', dataDir, '--log', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(receiver, 'exit');
  try {
    const [line] = await once(createInterface({ input: receiver.stdout }), 'line');
    const { url } = JSON.parse(line);
    const point = {
      asInt: '5',
      timeUnixNano: `${Date.now()}000000`,
      attributes: [{ key: 'usage.customer.id', value: { stringValue: 'acme' } }],
    };
    const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] };
    const metrics = [{ name: 'usage.requests', sum }];
    const sent = await fetch(`${url}/v1/metrics`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
    });
    if (sent.status !== 200) throw new Error(`the installed receiver answered ${sent.status}`);
    for (const path of [
      '/api/docs',
      '/api/docs/swagger-ui.css',
      '/api/docs/swagger-ui-bundle.js',
      '/api/v1/openapi.json',
    ]) {
      const { status } = await fetch(`${url}${path}`);
      if (status !== 200) throw new Error(`the installed receiver answered ${status} at ${path}`);
    }
    await checkDashboard(url);
    const asked = await fetch(`${url}/api/v1/usage?from=2020-01-01&to=2100-01-01`);
    const answer = await asked.text();
    if (!answer.includes('"quantity":"5"')) throw new Error(`the installed receiver counted ${answer}`);
  } finally {
    receiver.kill('SIGTERM');
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`the installed receiver ended with ${code}`);
}

/** @throws Error unless the installed receiver answers with the dashboard's page, and with what the page loads */
async function checkDashboard(url: string): Promise<void> {
  const html = await waitForPage(url);
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
  if (!files.some((path) => path.endsWith('.js'))) throw new Error(`the dashboard loads no script: ${html}`);
  for (const path of files) {
    const { status } = await fetch(`${url}${path}`);
    if (status !== 200) throw new Error(`the installed receiver answered ${status} at ${path}`);
  }
}

/** It reads the files of the page while it is answering already. */
async function waitForPage(url: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(url, { headers: { Accept: 'text/html' } });
    if (response.status === 200) return await response.text();
    if (attempt === 100)
      throw new Error(`the dashboard answered ${response.status}: ${await response.text()}`);
    await sleep(50);
  }
}
