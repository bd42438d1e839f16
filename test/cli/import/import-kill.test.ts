import { expect, test } from 'vitest';
import { runImportTorture } from '../../support/import-torture.ts';

const ROWS = 60_000;

test('killed twice on the way it goes on, ends exact, and names every bad row', async () => {
  const outcome = await runImportTorture({ rows: ROWS, killAt: [0.2, 0.5], badEvery: 100 });
  expect(outcome.kills).toBe(2);
  expect(outcome.differences).toEqual([]);
  expect(outcome.rejectedLines).toEqual(outcome.badLines);
  expect(outcome.badLines).toHaveLength(ROWS / 100);
  const { rows, rejected, stored, duplicates, acknowledgedEarlier } = outcome.last;
  expect({ rows, rejected }).toEqual({ rows: ROWS, rejected: ROWS / 100 });
  expect(stored + duplicates + acknowledgedEarlier).toBe(ROWS - ROWS / 100);
  // It did not begin anew.
  expect(acknowledgedEarlier).toBeGreaterThan(ROWS / 3);
});

test('without its state it is exact all the same', async () => {
  const outcome = await runImportTorture({ rows: ROWS, killAt: [0.1], badEvery: 100, losesState: true });
  expect(outcome.differences).toEqual([]);
  const { stored, duplicates, acknowledgedEarlier } = outcome.last;
  expect(acknowledgedEarlier).toBe(0);
  expect(duplicates).toBeGreaterThanOrEqual(4950);
  expect(stored + duplicates).toBe(ROWS - ROWS / 100);
});
