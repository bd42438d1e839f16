import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { Arrivals } from '../../../storage/duckdb/arrivals.ts';
import { TABLES } from '../../../storage/duckdb/schema.ts';
import { write64 } from '../../../storage/duckdb/words.ts';

function frames(...arrived: [sequence: number, receivedAt: bigint][]) {
  const receivedAtUnixNano = new Uint32Array(arrived.length * 2);
  for (const [i, [, receivedAt]] of arrived.entries()) write64(receivedAtUnixNano, i, receivedAt);
  return {
    length: arrived.length,
    sequence: Float64Array.from(arrived, ([sequence]) => sequence),
    receivedAtUnixNano,
    rowEnd: new Int32Array(arrived.length),
  };
}

test('the first frame of each second is kept, once', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const statement of TABLES) await connection.run(statement);
  const store = async (arrivals: Arrivals) => {
    const statement = arrivals.takeStatement();
    if (statement !== null) await connection.run(statement);
    return statement !== null;
  };
  const second = 1_000_000_000n;
  const now = 1_775_000_000n * second;

  const first = await Arrivals.open(connection);
  expect(await store(first)).toBe(false);
  first.note(frames([1, now + 5n], [2, now + second - 1n], [4, now + second]));
  expect(await store(first)).toBe(true);
  // The clock goes back, and catches up.
  first.note(frames([5, now - 9n * second], [6, now + second + 3n], [7, now + 2n * second]));
  expect(await store(first)).toBe(true);
  expect(await store(first)).toBe(false);

  // After a crash: what is known comes again.
  const reopened = await Arrivals.open(connection);
  reopened.note(frames([6, now + second + 3n], [7, now + 2n * second]));
  expect(await store(reopened)).toBe(false);
  reopened.note(frames([8, now + 2n * second + 1n], [9, now + 7n * second]));
  expect(await store(reopened)).toBe(true);

  const reader = await connection.runAndReadAll(
    'SELECT sequence, epoch_ns(received_at) FROM stored.arrivals ORDER BY sequence',
  );
  expect(reader.getRows()).toEqual([
    [1n, now + 5n],
    [4n, now + second],
    [7n, now + 2n * second],
    [9n, now + 7n * second],
  ]);
  connection.closeSync();
  instance.closeSync();
});
