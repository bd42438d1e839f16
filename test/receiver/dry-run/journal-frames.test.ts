import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalFrames } from '../../../receiver/dry-run/journal-frames.ts';
import {
  encodingNumber,
  FRAME_CHANGES,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_RECORDS,
  FRAME_TRACES,
} from '../../../receiver/frames.ts';
import { Journal } from '../../../storage/journal/journal.ts';

/** Three frames fill a segment. */
const SEGMENT_BYTES = 4096;
const GZIP = encodingNumber({ format: 'json', compression: 'gzip' });

let directory: string;
let journal: Journal;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-frames-test-'));
  journal = await Journal.open(directory, { segmentBytes: SEGMENT_BYTES });
});
afterEach(async () => {
  await journal.close();
  await rm(directory, { recursive: true });
});

async function append(receivedAt: number, kind = FRAME_LOGS): Promise<void> {
  const payload = Buffer.alloc(700, journal.lastSequence + 1);
  await journal.durable(
    journal.append({ receivedAtUnixNano: BigInt(receivedAt), kind, encoding: GZIP, payload }),
  );
}

async function sequences(from: number, through = journal.durableSequence): Promise<number[]> {
  const found: number[] = [];
  for await (const { origin } of journalFrames({
    directory,
    fromUnixNano: BigInt(from),
    throughSequence: through,
  }))
    found.push(Number(/^journal frame (\d+)$/.exec(origin)![1]));
  return found;
}

test('an empty journal has none', async () => {
  expect(await sequences(0)).toEqual([]);
});

test('OTLP requests from an instant on, as they were received', async () => {
  for (let second = 1; second <= 10; second++) await append(second * 10);
  expect((await readdir(directory)).length).toBeGreaterThan(2);
  for (const [from, through, expected] of [
    [0, 10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [10, 10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [31, 10, [4, 5, 6, 7, 8, 9, 10]],
    [70, 8, [7, 8]],
    [100, 10, [10]],
    [101, 10, []],
    [0, 0, []],
  ] as const)
    expect([from, await sequences(from, through)]).toEqual([from, expected]);
  const { value: first } = await journalFrames({ directory, fromUnixNano: 100n, throughSequence: 10 }).next();
  expect(first).toEqual({
    kind: FRAME_LOGS,
    encoding: { format: 'json', compression: 'gzip' },
    payload: Buffer.alloc(700, 10),
    receivedAtUnixNano: 100n,
    origin: 'journal frame 10',
  });
});

test('records by hand and changes are passed over', async () => {
  for (const kind of [FRAME_METRICS, FRAME_RECORDS, FRAME_CHANGES, FRAME_TRACES]) await append(1, kind);
  expect(await sequences(0)).toEqual([1, 4]);
});

test('segments without what is asked for are not even read', async () => {
  for (let second = 1; second <= 10; second++) await append(second * 10);
  const [oldest] = (await readdir(directory)).sort();
  const bytes = await readFile(join(directory, oldest));
  await writeFile(join(directory, oldest), Buffer.alloc(bytes.length, 0xff));
  expect(await sequences(90)).toEqual([9, 10]);
  await expect(sequences(0)).rejects.toMatchObject({ code: 'CORRUPT' });
  await writeFile(join(directory, oldest), bytes);
});

test('what is written while it reads is left out, and the writer goes on', async () => {
  for (let second = 1; second <= 5; second++) await append(second);
  const through = journal.durableSequence;
  const found: string[] = [];
  for await (const { origin } of journalFrames({ directory, fromUnixNano: 0n, throughSequence: through })) {
    found.push(origin);
    await append(100);
  }
  expect(found).toHaveLength(5);
  expect(await sequences(0)).toHaveLength(10);
});

test('segments that are released meanwhile are passed over', async () => {
  for (let second = 1; second <= 10; second++) await append(second);
  const frames = journalFrames({ directory, fromUnixNano: 0n, throughSequence: 10 });
  const first = await frames.next();
  await journal.release({ loadedSequence: 8, olderThanUnixNano: 8n });
  expect(first.value!.origin).toBe('journal frame 1');
  const rest: string[] = [];
  for await (const { origin } of frames) rest.push(origin);
  // The segment that was open could be read to its end.
  expect(rest.at(-1)).toBe('journal frame 10');
  expect(rest.length).toBeLessThan(9);
  expect(rest).toContain(`journal frame ${journal.firstSequence}`);
});
