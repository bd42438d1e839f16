/**
 * Any order, any repetition, any grouping, restarts and kills in between: the same usage, and the same quarantine.
 * USAGE_METER_SEED repeats one seed, USAGE_METER_RUNS says how many follow it.
 */
import { expect, test } from 'vitest';
import { runProperty } from '../support/property-run.ts';
import { seedFromEnvironment } from '../support/random.ts';

const first = seedFromEnvironment(Date.now() % 1_000_000);
const runs = Number(process.env.USAGE_METER_RUNS ?? (process.env.USAGE_METER_SEED ? 1 : 4));

test.each(Array.from({ length: runs }, (_, index) => first + index))(
  'seed %i',
  async (seed) => {
    const outcome = await runProperty(seed);
    console.log(`seed ${seed}: ${JSON.stringify(outcome)}`);
    expect(outcome.sent).toBeGreaterThan(outcome.points);
  },
  300_000,
);
