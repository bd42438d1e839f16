/**
 * Whatever happens to closed periods, what is stated and what is pending add up to the usage.
 * USAGE_METER_SEED repeats one seed, USAGE_METER_RUNS says how many follow it.
 */
import { expect, test } from 'vitest';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { tellStory } from './period-story.ts';

const first = seedFromEnvironment(Date.now() % 1_000_000);
const runs = Number(process.env.USAGE_METER_RUNS ?? (process.env.USAGE_METER_SEED ? 1 : 2));

test.each(Array.from({ length: runs }, (_, index) => first + index))(
  'seed %i',
  { timeout: 120_000 },
  async (seed) => {
    const outcome = await tellStory(new Random(seed));
    console.log(`seed ${seed}: ${JSON.stringify(outcome)}`);
    expect(outcome.records).toBeGreaterThan(0);
  },
);
