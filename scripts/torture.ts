/**
 * The long forms of the system tests, for a quiet hour:
 *   npm run torture                          50 kills, 500,000 acknowledged points
 *   npm run torture -- --kills N --points N  more or fewer
 *   npm run torture -- --property N          N random cases of "same points, same usage" instead
 * --seed S repeats a run.
 */
import { parseArgs } from 'node:util';
import { runProperty } from '../test/support/property-run.ts';
import { runTorture } from '../test/support/torture-run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    points: { type: 'string', default: '500000' },
    property: { type: 'string' },
    seed: { type: 'string', default: process.env.USAGE_METER_SEED ?? String(Date.now() % 1_000_000) },
  },
});

const seed = wholeNumber('seed', values.seed);
if (values.property !== undefined) await propertyRuns(wholeNumber('property', values.property));
else await torture();

async function propertyRuns(runs: number): Promise<void> {
  const sums = { points: 0, events: 0, records: 0, sent: 0, requests: 0, changes: 0, restarts: 0, kills: 0 };
  for (let run = 0; run < runs; run++) {
    const outcome = await runProperty(seed + run);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name];
    console.log(`seed ${seed + run}: ${JSON.stringify(outcome)}`);
  }
  console.log(`${runs} cases from seed ${seed}, all as the model says: ${JSON.stringify(sums)}`);
}

async function torture(): Promise<void> {
  const kills = wholeNumber('kills', values.kills);
  const points = wholeNumber('points', values.points);
  console.log(`torture with seed ${seed}: ${kills} kills, at least ${points} acknowledged points`);
  const outcome = await runTorture({ kills, points, seed, log: (line) => console.log(line) });
  console.log(JSON.stringify(outcome));
  const { acknowledged } = outcome;
  const { logs, spans, records } = acknowledged;
  console.log(
    `${outcome.kills} kills; ${acknowledged.points} points, ${logs} log records, ${spans} spans and ${records} records by hand ` +
      `acknowledged: ${outcome.lost} lost, ${outcome.countedTwice} counted twice; ` +
      `the ledger made anew from the journal differs in ${outcome.rebuildDifferences} rows`,
  );
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Error(`--${name} must be a whole number (got "${text}")`);
  }
  return number;
}
