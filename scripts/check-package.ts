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
     for (const [name, value] of Object.entries({ recordUsage, createUsageMeter, Receiver, Ledger, Journal })) {
       if (typeof value !== 'function') throw new Error(name + ' is not exported');
     }
     console.log('the installed package exports what the README names');`,
  );
  console.log(run(process.execPath, ['use.js'], app).trim());
  const help = run(join(app, 'node_modules', '.bin', 'usage-meter'), ['--help'], app);
  if (!help.includes('serve')) throw new Error('the installed command does not know "serve"');
  await countOnePoint(join(app, 'node_modules', '.bin', 'usage-meter'), join(folder, 'data'));
  console.log('the installed command serves, counts and stops');
} finally {
  rmSync(folder, { recursive: true, force: true });
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
    const asked = await fetch(`${url}/api/v1/usage?from=2020-01-01&to=2100-01-01`);
    const answer = await asked.text();
    if (!answer.includes('"quantity":"5"')) throw new Error(`the installed receiver counted ${answer}`);
  } finally {
    receiver.kill('SIGTERM');
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`the installed receiver ended with ${code}`);
}
