/** The short form of `npm run torture`: a few kills, every point once, and a rebuild that agrees. */
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
  expect(outcome.acknowledgedPoints).toBeGreaterThanOrEqual(20_000);
  expect(outcome.broken + outcome.refused, 'the kills met requests in flight').toBeGreaterThan(0);
});
