/** A large file imported by a process that is killed on the way, again and again: what it ends in must be exact. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileOutcome } from '../../cli/import/import-file.ts';
import { textFromScaled } from '../../storage/decimal.ts';
import { importSummary, startImport } from './import-run.ts';
import { readTotals } from './receiver-api.ts';
import { startReceiver } from './receiver-process.ts';

export interface ImportTortureOptions {
  rows: number;
  /** The import is killed when these shares of the rows are acknowledged. */
  killAt: readonly number[];
  /** Each row of this many is bad. */
  badEvery: number;
  /** The state is removed after the last kill. */
  losesState?: boolean;
  log?: (line: string) => void;
}

export interface ImportTortureOutcome {
  kills: number;
  /** Of the run that came to its end. */
  last: FileOutcome;
  /** Totals that differ from what the file says, as `customer / dimension: is, should be`. */
  differences: string[];
  /** Lines that the rejects file names. */
  rejectedLines: number[];
  badLines: number[];
  seconds: number;
}

const FROM = '2026-01-01T00:00:00Z';
const TO = '2027-01-01T00:00:00Z';

export async function runImportTorture(options: ImportTortureOptions): Promise<ImportTortureOutcome> {
  const { rows, killAt, badEvery, losesState = false, log = () => undefined } = options;
  const folder = await mkdtemp(join(tmpdir(), 'import-torture-'));
  const receiver = await startReceiver({ dataDir: join(folder, 'data') });
  const startedAt = Date.now();
  try {
    const path = join(folder, 'usage.csv');
    const { totals, badLines } = await writeUsage(path, rows, badEvery);
    const state = join(folder, 'state');
    const rejects = join(folder, 'rejects.csv');
    const args = [path, '--url', receiver.url, '--state', state, '--rejects', rejects];
    let kills = 0;
    for (const share of killAt) {
      const { child, ended } = startImport(args);
      const acknowledged = await acknowledgedRows(state, rows * share, ended);
      child.kill('SIGKILL');
      const { signal, code, stderr } = await ended;
      if (signal !== 'SIGKILL')
        throw new Error(`the import ended by itself (${code}) before it was killed: ${stderr}`);
      kills += 1;
      log(`killed when ${acknowledged} rows were acknowledged`);
    }
    if (losesState) await rm(state, { recursive: true });
    const { summary } = await importSummary(args);
    const [last] = summary.files;
    if (last === undefined || summary.error !== null) throw new Error(`the import failed: ${summary.error}`);
    log(`last run: ${JSON.stringify(last)}`);

    const stored = await readTotals(receiver.url, FROM, TO);
    const differences = [...new Set([...stored.keys(), ...totals.keys()])]
      .filter((pair) => stored.get(pair) !== totals.get(pair))
      .map((pair) => `${pair}: ${stored.get(pair)}, should be ${totals.get(pair)}`);
    const lines = (await readFile(rejects, 'utf8')).trimEnd().split('\n').slice(1);
    return {
      kills,
      last,
      differences,
      rejectedLines: lines.map((line) => Number(line.slice(path.length + 1).split(',', 1)[0])),
      badLines,
      seconds: (Date.now() - startedAt) / 1000,
    };
  } finally {
    await receiver.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until a state says that this many rows are acknowledged, or until the import has ended. */
async function acknowledgedRows(folder: string, rows: number, ended: Promise<unknown>): Promise<number> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  for (;;) {
    const [name] = await readdir(folder).catch(() => []);
    const text = name === undefined ? '' : await readFile(join(folder, name), 'utf8').catch(() => '');
    const acknowledged = Math.max(0, ...[...text.matchAll(/\{"row":(\d+),/g)].map(([, row]) => Number(row)));
    if (acknowledged >= rows || hasEnded) return acknowledged;
    await sleep(5);
  }
}

/** Rows whose values have up to 12 fraction digits, so that a sum by doubles would be off. */
async function writeUsage(
  path: string,
  rows: number,
  badEvery: number,
): Promise<{ totals: Map<string, string>; badLines: number[] }> {
  const sums = new Map<string, bigint>();
  const badLines: number[] = [];
  const file = createWriteStream(path);
  file.write('customerId,dimensionId,recordValue,timestamp,metadata.region\n');
  for (let row = 0; row < rows; row++) {
    const customer = `customer-${row % 89}`;
    const dimension = `dimension-${row % 3}`;
    const scaled = BigInt(row) * 1_000_003n + BigInt(row % 7) * 10n ** 12n + 1n;
    const time = new Date(Date.UTC(2026, 0, 1) + (row % 86_400) * 100_000).toISOString();
    const isBad = row % badEvery === badEvery - 1;
    if (isBad) badLines.push(row + 2);
    else sums.set(`${customer} / ${dimension}`, (sums.get(`${customer} / ${dimension}`) ?? 0n) + scaled);
    const value = isBad ? 'oops' : textFromScaled(scaled);
    if (!file.write(`${customer},${dimension},${value},${time},region-${row % 4}\n`))
      await once(file, 'drain');
  }
  file.end();
  await finished(file);
  return { totals: new Map([...sums].map(([pair, scaled]) => [pair, textFromScaled(scaled)])), badLines };
}
