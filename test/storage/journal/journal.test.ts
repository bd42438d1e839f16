import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Journal, type JournalFrame } from '../../../storage/journal/journal.ts';
import {
  appendGroups,
  contents,
  expectedContents,
  frame,
  newDirectory,
  receivedAt,
} from './journal-files.ts';

const MIB = 1024 * 1024;

describe('append and read back', () => {
  test.each([
    ['an empty payload', [[0]]],
    ['one frame', [[300]]],
    ['payloads of all sizes around a block', [[450, 451, 452, 453, 511, 512, 513]]],
    ['groups that end exactly at a block', [[452], [452], [1]]],
    ['payloads that are copied and payloads that are not', [[1, 16_384, 16_385, 2, 70_000, 70_000, 3]]],
    ['payloads larger than the read window', [[3 * MIB, 5, 2 * MIB]]],
  ])('%s', async (_, groups) => {
    const directory = await newDirectory();
    const journal = await Journal.open(directory);
    await appendGroups(journal, groups);
    expect(await contents(journal)).toEqual(expectedContents(groups));
    await journal.close();

    const reopened = await Journal.open(directory);
    expect(reopened.recovery).toEqual({
      frames: groups.flat().length,
      segments: 1,
      lastSequence: groups.flat().length,
      cut: null,
      missing: [],
      foreign: [],
    });
    expect(await contents(reopened)).toEqual(expectedContents(groups));
    await reopened.close();
  });

  test('the extremes of every field come back', async () => {
    const journal = await Journal.open(await newDirectory());
    const extremes = [
      { receivedAtUnixNano: 0n, kind: 0, encoding: 255, payload: new Uint8Array([0, 255]) },
      {
        receivedAtUnixNano: 2n ** 64n - 1n,
        kind: 255,
        encoding: 0,
        payload: new Uint8Array(9).subarray(4, 8),
      },
    ];
    for (const one of extremes) journal.append(one);
    await journal.durable(2);
    const back: JournalFrame[] = [];
    for await (const one of journal.frames(1)) back.push(one);
    expect(
      back.map(({ sequence, payload, ...rest }) => ({ ...rest, payload: new Uint8Array(payload) })),
    ).toEqual(extremes.map((one) => ({ ...one, payload: new Uint8Array(one.payload) })));
    await journal.close();
  });

  test('reading may begin at any sequence', async () => {
    const groups = [[10, 20], [70_000], [30, 40, 50], [300_000], [1]];
    const journal = await Journal.open(await newDirectory(), { segmentBytes: 100_000 });
    await appendGroups(journal, groups);
    const all = expectedContents(groups);
    for (let from = 0; from <= all.length + 2; from++) {
      expect(await contents(journal, from), `from ${from}`).toEqual(all.slice(Math.max(0, from - 1)));
    }
    await journal.close();
  });

  test('a reader that lags sees what becomes durable meanwhile, across segments, and never what is not', async () => {
    const journal = await Journal.open(await newDirectory(), { segmentBytes: 4096 });
    journal.append(frame(1, 100));
    await journal.durable(1);
    const read: number[] = [];
    for await (const got of journal.frames(1)) {
      expect(got.sequence).toBeLessThanOrEqual(journal.durableSequence);
      read.push(got.sequence);
      if (got.sequence < 100) {
        journal.append(frame(got.sequence + 1, 100));
        await journal.durable(got.sequence + 1);
      }
    }
    expect(read).toEqual(Array.from({ length: 100 }, (_, place) => place + 1));
    await journal.close();
  });

  test('a reader that stops early leaves no file open', async () => {
    const journal = await Journal.open(await newDirectory());
    await appendGroups(journal, [[1], [2], [3]]);
    for await (const got of journal.frames(1)) if (got.sequence === 2) break;
    await journal.close();
  });
});

describe('group commit', () => {
  test('frames of one turn are one group; those that come while it is written are the next', async () => {
    const journal = await Journal.open(await newDirectory());
    const groups: number[] = [];
    journal.onDurable((sequence) => groups.push(sequence));
    for (let id = 1; id <= 100; id++) journal.append(frame(id, 10));
    // setImmediate puts the first group on its way; these come while it is written.
    await new Promise(setImmediate);
    expect(journal.durableSequence).toBe(0);
    for (let id = 101; id <= 150; id++) journal.append(frame(id, 10));
    await journal.durable(150);
    expect(groups).toEqual([100, 150]);
    expect(await contents(journal)).toEqual(expectedContents([Array(150).fill(10)]));
    await journal.close();
  });

  test('listeners hear of a group before its promises resolve, and in order', async () => {
    const journal = await Journal.open(await newDirectory(), { groupBytes: 1000 });
    const heard: string[] = [];
    journal.onDurable((sequence) => heard.push(`listener ${sequence}`));
    const waits: Promise<unknown>[] = [];
    for (let id = 1; id <= 9; id++) {
      const sequence = journal.append(frame(id, 300));
      waits.push(journal.durable(sequence).then(() => heard.push(`durable ${sequence}`)));
    }
    await Promise.all(waits);
    const place = (what: string) => heard.indexOf(what);
    expect(heard.filter((what) => what.startsWith('listener'))).toEqual([
      'listener 2',
      'listener 4',
      'listener 6',
      'listener 8',
      'listener 9',
    ]);
    expect(heard.filter((what) => what.startsWith('durable'))).toEqual(
      Array.from({ length: 9 }, (_, at) => `durable ${at + 1}`),
    );
    for (let id = 1; id <= 9; id++) {
      expect(place(`listener ${Math.min(9, id + (id % 2))}`)).toBeLessThan(place(`durable ${id}`));
    }
    await journal.close();
  });

  test('waiters of one group share a promise', async () => {
    const journal = await Journal.open(await newDirectory());
    const first = journal.append(frame(1, 10));
    const second = journal.append(frame(2, 10));
    expect(journal.durable(first)).toBe(journal.durable(second));
    await journal.durable(second);
    await journal.close();
  });

  test('a sequence that was never appended cannot be waited for', async () => {
    const journal = await Journal.open(await newDirectory());
    expect(() => journal.durable(1)).toThrow(RangeError);
    await journal.close();
  });

  test('close writes what is queued; later frames are refused', async () => {
    const directory = await newDirectory();
    const journal = await Journal.open(directory);
    journal.append(frame(1, 10));
    const closed = journal.close();
    expect(() => journal.append(frame(2, 10))).toThrow(
      expect.objectContaining({ code: 'CLOSED', retryable: false }),
    );
    await closed;
    const reopened = await Journal.open(directory);
    expect(await contents(reopened)).toEqual(['1:10']);
    await reopened.close();
  });
});

describe('segments', () => {
  test('small ones rotate without losing or reordering anything, and sequences go on after opening again', async () => {
    const directory = await newDirectory();
    const groups = Array.from({ length: 60 }, (_, place) => [place * 37, 5, (place * 911) % 3000]);
    for (let part = 0; part < 60; part += 20) {
      const journal = await Journal.open(directory, { segmentBytes: 4096 });
      await appendGroups(journal, groups.slice(part, part + 20));
      await journal.close();
    }
    const journal = await Journal.open(directory, { segmentBytes: 4096 });
    expect(journal.recovery).toMatchObject({ frames: 180, lastSequence: 180, cut: null });
    expect(await contents(journal)).toEqual(expectedContents(groups));
    const names = await readdir(directory);
    expect(names.length).toBe(journal.recovery.segments);
    expect(names.length).toBeGreaterThan(20);
    expect([...names].sort()).toEqual(names);
    await journal.close();
  });

  test('a frame of 64 MiB, the most that the receiver takes, has a segment to itself', async () => {
    const directory = await newDirectory();
    const groups = [[100], [64 * MIB], [200]];
    const journal = await Journal.open(directory);
    await appendGroups(journal, groups);
    expect(await contents(journal)).toEqual(expectedContents(groups));
    await journal.close();
    const reopened = await Journal.open(directory);
    expect(reopened.recovery).toMatchObject({ frames: 3, segments: 3, cut: null });
    await reopened.close();
  });

  test('bytes behind a sequence: never too few, too many by one index step and a group at most', async () => {
    const journal = await Journal.open(await newDirectory(), { segmentBytes: MIB });
    const sizes = Array.from({ length: 60 }, (_, place) => 20_000 + place * 1000);
    await appendGroups(
      journal,
      sizes.map((size) => [size]),
    );
    for (let sequence = 0; sequence <= 60; sequence++) {
      const exact = sizes.slice(sequence).reduce((sum, size) => sum + size, 0);
      const answer = journal.bytesAfter(sequence);
      expect(answer).toBeGreaterThanOrEqual(exact);
      expect(answer).toBeLessThan(exact + 256 * 1024 + 80_000 + (60 - sequence) * 600);
    }
    expect(journal.bytesAfter(60)).toBe(0);
    journal.append(frame(61, 5000));
    expect(journal.bytesAfter(60)).toBeGreaterThanOrEqual(5000);
    await journal.durable(61);
    expect(journal.bytesAfter(61)).toBe(0);
    await journal.close();
  });

  test('bytes on disk are the bytes of the files', async () => {
    const directory = await newDirectory();
    const journal = await Journal.open(directory, { segmentBytes: 8192 });
    await appendGroups(journal, [[1000], [4000], [4000], [0]]);
    let bytes = 0;
    for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
    expect(journal.bytesOnDisk).toBe(bytes);
    await journal.close();
  });
});

describe('release', () => {
  // Four segments of two frames each: 1-2, 3-4, 5-6, and 7-8, which is written to.
  const groups = Array.from({ length: 8 }, () => [1400]);
  test.each([
    ['nothing is loaded', { loadedSequence: 0, olderThanUnixNano: receivedAt(100) }, 0, 1],
    ['the first segment is loaded in part', { loadedSequence: 1, olderThanUnixNano: receivedAt(100) }, 0, 1],
    ['the first segment is loaded', { loadedSequence: 2, olderThanUnixNano: receivedAt(100) }, 1, 3],
    [
      'all is loaded: not the one that is written to',
      { loadedSequence: 8, olderThanUnixNano: receivedAt(100) },
      3,
      7,
    ],
    ['all is loaded, but young', { loadedSequence: 8, olderThanUnixNano: receivedAt(0) }, 0, 1],
    ['retention ends within a segment', { loadedSequence: 8, olderThanUnixNano: receivedAt(4) }, 1, 3],
    ['retention ends behind a segment', { loadedSequence: 8, olderThanUnixNano: receivedAt(5) }, 2, 5],
  ])('%s', async (_, options, released, firstSequence) => {
    const directory = await newDirectory();
    let journal = await Journal.open(directory, { segmentBytes: 4096 });
    await appendGroups(journal, groups);
    expect(await readdir(directory)).toHaveLength(4);
    // Ages must be known after opening again too, also of segments that are not read.
    for (const verifyFromSequence of [0, 8]) {
      await journal.close();
      journal = await Journal.open(directory, { segmentBytes: 4096, verifyFromSequence });
    }

    expect(await journal.release(options)).toBe(released);
    expect(journal.firstSequence).toBe(firstSequence);
    expect(await contents(journal, firstSequence)).toEqual(expectedContents(groups).slice(firstSequence - 1));
    await journal.close();

    const reopened = await Journal.open(directory, { segmentBytes: 4096 });
    expect(reopened.recovery).toMatchObject({ frames: 9 - firstSequence, lastSequence: 8 });
    if (firstSequence > 1) {
      await expect(contents(reopened, firstSequence - 1)).rejects.toMatchObject({ code: 'RELEASED' });
    }
    await reopened.close();
  });
});
