/** When stored usage is moved: not while usage is being taken or loaded, and then all of it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Clusterer } from '../../../storage/duckdb/clusterer.ts';
import { at, BatchWriter } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
let clusterer: Clusterer;
beforeEach(async () => {
  ledger = await MemoryLedger.open();
});
afterEach(async () => {
  await clusterer.stop();
  await ledger.close();
});

test.each(['the process is busy', 'a load is under way'])('while %s no rows are moved', async (why) => {
  await ledger.load(
    new BatchWriter().batch([
      { series: 'b', time: at(1), value: '1' },
      { series: 'a', time: at(1), value: '1' },
    ]),
  );
  let isHeld = true;
  let looked = Promise.withResolvers<void>();
  const moved = Promise.withResolvers<number>();
  const moves: number[] = [];
  clusterer = new Clusterer(2, {
    path: process.cwd(),
    clusterRows: 2,
    connect: () => ledger.connect(),
    cpuShare: () => {
      looked.resolve();
      return isHeld && why === 'the process is busy' ? 64 : 0;
    },
    isLoading: () => isHeld && why === 'a load is under way',
    onMoved: (rows) => {
      moves.push(rows);
      moved.resolve(rows);
    },
    onFailed: moved.reject,
  });
  for (let look = 0; look < 3; look++) {
    await looked.promise;
    looked = Promise.withResolvers<void>();
  }
  await clusterer.settled();
  expect(moves).toEqual([]);

  isHeld = false;
  expect(await moved.promise).toBe(2);
});
