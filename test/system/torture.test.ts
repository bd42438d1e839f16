/** The short form of `npm run torture`: a few kills, everything once, and a rebuild that agrees. */
import { expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/random.ts';
import { runTorture } from '../support/torture-run.ts';

test('killed again and again, the receiver loses nothing and counts nothing twice', async () => {
  const seed = seedFromEnvironment(Date.now() % 1_000_000);
  const outcome = await runTorture({ kills: 6, points: 20_000, seed });
  console.log(`torture with seed ${seed}: ${JSON.stringify(outcome)}`);
  expect(outcome).toMatchObject({
    kills: 6,
    lost: '0',
    countedTwice: '0',
    quarantined: 0,
    rebuildDifferences: 0,
  });
  const { points, logs, spans, records } = outcome.acknowledged;
  expect(points).toBeGreaterThanOrEqual(20_000);
  expect(Math.min(logs, spans, records), 'every kind came').toBeGreaterThan(0);
  expect(outcome.broken + outcome.refused, 'the kills met requests in flight').toBeGreaterThan(0);
}, 300_000);
