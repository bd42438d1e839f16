/**
 * Checks the package as its users get it: packs a tarball, lints its manifest and types, installs it into an empty
 * project and uses it from there.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  console.log('the installed command runs');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
