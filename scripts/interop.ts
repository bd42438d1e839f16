/**
 * `npm run test:interop`: the OpenTelemetry SDKs of other languages into a running receiver, every value exact.
 *   --languages python,go,java   which ones; each needs its own tools (python3 with venv, go, mvn with a JDK)
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pythonEnvironment } from '../test/support/python-environment.ts';
import { readQuarantine, readUsage } from '../test/support/receiver-api.ts';
import { startReceiver } from '../test/support/receiver-process.ts';

const execute = promisify(execFile);
const PROGRAMS = fileURLToPath(new URL('../test/system/interop/', import.meta.url));
const CACHE = fileURLToPath(new URL('../node_modules/.cache/interop/', import.meta.url));

/** Every program records the same usage. */
const EXPECTED = ['hours [h]: 12.55', 'largest [1]: 9223372036854775807', 'requests [1]: 9007199254740993'];

interface Language {
  /** Installs or builds what is needed. @returns the command, to which the arguments are added */
  prepare(): string[];
}

const LANGUAGES: Record<string, Language> = {
  python: {
    prepare() {
      const folder = join(PROGRAMS, 'python');
      const program = pythonEnvironment(join(CACHE, 'python'), join(folder, 'requirements.txt'));
      return [program('python'), join(folder, 'send.py')];
    },
  },
  go: {
    prepare() {
      mkdirSync(CACHE, { recursive: true });
      const program = join(CACHE, 'go-interop');
      execFileSync('go', ['build', '-o', program, '.'], { cwd: join(PROGRAMS, 'go'), stdio: 'inherit' });
      return [program];
    },
  },
  java: {
    prepare() {
      // Maven writes beside its project, so it works on a copy.
      const folder = join(CACHE, 'java');
      cpSync(join(PROGRAMS, 'java'), folder, { recursive: true });
      const classpath = join(folder, 'target', 'classpath');
      execFileSync(
        'mvn',
        ['-q', '-B', 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`],
        {
          cwd: folder,
          stdio: 'inherit',
        },
      );
      const classes = join(folder, 'target', 'classes');
      return ['java', '-cp', `${classes}:${readFileSync(classpath, 'utf8').trim()}`, 'Send'];
    },
  },
};

const { values } = parseArgs({ options: { languages: { type: 'string', default: 'python,go,java' } } });
const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-interop-'));
const receiver = await startReceiver({ dataDir });
let passed = 0;
let failed = 0;
try {
  for (const name of values.languages.split(',')) {
    const language = LANGUAGES[name];
    if (language === undefined)
      throw new Error(`--languages: one of ${Object.keys(LANGUAGES)} (got "${name}")`);
    const [program, ...args] = language.prepare();
    for (const temporality of ['delta', 'cumulative']) {
      for (const compression of ['none', 'gzip']) {
        const customer = `${name}-${temporality}-${compression}`;
        const endpoint = `${receiver.url}/v1/metrics`;
        const { stdout, stderr } = await execute(
          program,
          [...args, endpoint, customer, temporality, compression],
          {
            timeout: 120_000,
            // Every run is a service of its own: an instrument has one temporality.
            env: { ...process.env, OTEL_SERVICE_NAME: customer },
          },
        );
        const rows = await readUsage(receiver.url, {
          from: '2020-01-01',
          to: '2100-01-01',
          customerId: customer,
        });
        const counted = rows.map((row) => `${row.dimensionId} [${row.unit}]: ${row.quantity}`).sort();
        if (JSON.stringify(counted) === JSON.stringify(EXPECTED)) {
          passed++;
          console.log(`exact: ${customer}`);
        } else {
          failed++;
          console.log(
            `NOT EXACT: ${customer}: expected ${EXPECTED.join(', ')}; counted ${counted.join(', ')}`,
          );
          console.log(`${stdout}${stderr}`);
        }
      }
    }
  }
  const quarantined = await readQuarantine(receiver.url);
  if (quarantined.length > 0) {
    failed++;
    console.log(`NOT EXPECTED in quarantine: ${JSON.stringify(quarantined)}`);
  }
  await receiver.stop();
} finally {
  await receiver.kill();
  rmSync(dataDir, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
