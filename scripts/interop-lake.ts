/**
 * The second part of `npm run test:interop`: what analysts have, on the lake of a running receiver.
 *   --only load,arrow,dbt          which parts
 *   --rate 50000 --seconds 25      data points per second while DuckDBs read, and for how long
 *   --json FILE                    the figures of the load, as JSON
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pythonEnvironment } from '../test/support/python-environment.ts';
import { startReceiver } from '../test/support/receiver-process.ts';
import { dbtFaults } from '../test/system/interop/lake/dbt.ts';
import { recordStory, type Story, untilPublished } from '../test/system/interop/lake/story.ts';
import { lakeUnderLoad, type UnderLoadFigures } from '../test/system/interop/lake/under-load.ts';

const execute = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../test/system/interop/lake/', import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL('../node_modules/.cache/interop/lake/', import.meta.url));

/** What the lake holds to on a machine that has time for it. */
const MOST_AGE_SECONDS = 10;
/** A machine that others keep busy makes everything late, but a lake that old does not come on at all. */
const STUCK_SECONDS = 60;
/** Who is idle for less of the time has no time to spare. */
const SPARE_SHARE = 0.2;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'load,arrow,dbt' },
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '25' },
    json: { type: 'string' },
  },
});
const parts = new Set(options.only.split(','));
const program = pythonEnvironment(ENVIRONMENT, join(FOLDER, 'requirements.txt'));
let passed = 0;
let failed = 0;

if (parts.has('load')) {
  const pointsPerSecond = Number(options.rate);
  await checked(`three DuckDBs read while ${pointsPerSecond} points come per second`, async () => {
    const figures = await lakeUnderLoad({
      pointsPerSecond,
      seconds: Number(options.seconds),
      python: program('python'),
      duckdb: program('duckdb'),
    });
    print(figures);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
    const mostSeconds = figures.idleShare > SPARE_SHARE ? MOST_AGE_SECONDS : STUCK_SECONDS;
    return [
      ...figures.faults,
      ...figures.readers
        .filter(({ worstAgeSeconds }) => worstAgeSeconds > mostSeconds)
        .map(({ reader, worstAgeSeconds }) => `${reader}: data was ${worstAgeSeconds.toFixed(1)} s old`),
    ];
  });
}

if (parts.has('arrow') || parts.has('dbt')) {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-interop-lake-'));
  const receiver = await startReceiver({ dataDir: join(folder, 'data') });
  try {
    const story = await recordStory(receiver);
    await untilPublished(receiver, story);
    if (parts.has('arrow'))
      await checked('pyarrow reads POST /api/v1/sql', () => arrowFaults(receiver.url, story));
    if (parts.has('dbt')) {
      await checked('dbt builds, and its days and months are those of the API', () =>
        dbtFaults({ receiver, program, folder }),
      );
    }
    await receiver.stop();
  } finally {
    await receiver.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** @param check returns what was not as it has to be */
async function checked(name: string, check: () => Promise<string[]>): Promise<void> {
  const faults = await check().catch((error: Error & { stdout?: string; stderr?: string }) => [
    `${error.stack}\n${error.stdout ?? ''}${error.stderr ?? ''}`,
  ]);
  if (faults.length === 0) {
    passed++;
    console.log(`passed: ${name}`);
    return;
  }
  failed++;
  console.log(`FAILED: ${name}`);
  for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
}

/** Decimals have to stay decimals on their way into a table of Arrow's. */
async function arrowFaults(url: string, { records, sum }: Story): Promise<string[]> {
  const { stdout } = await execute(program('python'), [
    join(FOLDER, 'read_arrow.py'),
    url,
    'SELECT sum(record_value) AS total, max("timestamp") IS NOT NULL AS isKnown, count(*) AS n FROM usage_records',
  ]);
  const found = JSON.stringify(JSON.parse(stdout));
  const expected = JSON.stringify({
    types: ['decimal128(38, 12)', 'bool', 'int64'],
    rows: [[sum, 'True', String(records)]],
  });
  return found === expected ? [] : [`expected ${expected}, found ${found}`];
}

function print(figures: UnderLoadFigures): void {
  const { points, pointsPerSecond, acknowledgementP50Ms, acknowledgementP99Ms, idleShare } = figures;
  console.log(
    `  ${points} points, ${Math.round(pointsPerSecond)} per second; acknowledged in p50 ` +
      `${acknowledgementP50Ms.toFixed(1)} ms, p99 ${acknowledgementP99Ms.toFixed(1)} ms; ` +
      `the machine idle for ${(idleShare * 100).toFixed(0)} % of its time`,
  );
  for (const one of figures.readers) {
    console.log(
      `  ${one.reader}: ${one.questions} questions, ${one.medianMs.toFixed(0)} ms (worst ${one.worstMs.toFixed(0)}); ` +
        `data ${one.medianAgeSeconds.toFixed(1)} s old (worst ${one.worstAgeSeconds.toFixed(1)}` +
        `${one.worstAgeSeconds > MOST_AGE_SECONDS ? `, more than the ${MOST_AGE_SECONDS} wanted` : ''})`,
    );
  }
}
