/**
 * The long form of the import's test, for a quiet hour: a million rows, 1 % of them bad, killed twice on the way.
 *   npm run torture:import
 *   npm run torture:import -- --rows N --kills N
 */
import { parseArgs } from 'node:util';
import { runImportTorture } from '../test/support/import-torture.ts';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, kills: { type: 'string', default: '2' } },
});
const rows = Number(values.rows);
const kills = Number(values.kills);
const killAt = Array.from({ length: kills }, (_, kill) => (kill + 1) / (kills + 1));
const outcome = await runImportTorture({ rows, killAt, badEvery: 100, log: (line) => console.log(line) });
const { differences, rejectedLines, badLines, seconds } = outcome;
const isEveryBadNamed = JSON.stringify(rejectedLines) === JSON.stringify(badLines);
console.log(
  `${rows} rows, ${outcome.kills} kills, ${seconds.toFixed(0)} s: ${differences.length} totals differ, ` +
    `${rejectedLines.length} rows named of ${badLines.length} bad ones`,
);
for (const difference of differences) console.log(difference);
if (differences.length > 0 || !isEveryBadNamed) process.exitCode = 1;
