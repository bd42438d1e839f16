/**
 * Recovery against damage. The rule under test (storage/journal/recovery.ts): only the last group of the last segment
 * can be a torn write, and is cut; anything else that is broken is refused with its file and offset.
 */
import { open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEmptyGroup, encodeSegmentHeader, GroupEncoder } from '../../../storage/journal/frame.ts';
import { Journal } from '../../../storage/journal/journal.ts';
import {
  appendGroups,
  contents,
  copyOf,
  expectedContents,
  frame,
  type Groups,
  killedJournal,
  newDirectory,
} from './journal-files.ts';

/** Where the groups of the only, or last, segment begin; the last number is its end. */
const GROUPS: Groups = [[10], [5, 300, 0], [700]];
const GROUP_OFFSETS = [512, 1024, 1536, 2560];

async function onlySegment(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.journal')).sort();
  return join(directory, names[names.length - 1]);
}

async function overwrite(file: string, offset: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

test('a cut at every byte of the last segment leaves its longest durable prefix', async () => {
  const file = await onlySegment(await killedJournal(GROUPS));
  const whole = await readFile(file);
  expect(whole.length).toBe(GROUP_OFFSETS[3]);
  const directory = await newDirectory();
  const cutFile = join(directory, basename(file));
  for (let length = 0; length <= whole.length; length++) {
    await writeFile(cutFile, whole.subarray(0, length));
    if (length < 512) {
      // The header is on disk before the file has its name: this is no torn write.
      await expect(Journal.open(directory), `cut at ${length}`).rejects.toMatchObject({
        code: 'CORRUPT',
        offset: 0,
      });
      continue;
    }
    const journal = await Journal.open(directory);
    const groups = GROUP_OFFSETS.filter((offset) => offset <= length).length - 1;
    const end = GROUP_OFFSETS[groups];
    expect(await contents(journal), `cut at ${length}`).toEqual(expectedContents(GROUPS.slice(0, groups)));
    expect(journal.recovery.cut, `cut at ${length}`).toEqual(
      length === end ? null : { file: cutFile, offset: end, bytes: length - end, reason: expect.any(String) },
    );
    await journal.close();
  }
});

test('after a cut, the journal goes on where the durable prefix ends, and nothing of the torn write is left', async () => {
  const directory = await killedJournal(GROUPS);
  const file = await onlySegment(directory);
  await overwrite(file, 2000, Buffer.from('torn'));
  const journal = await Journal.open(directory);
  expect(journal.lastSequence).toBe(4);
  // Shorter than what was cut: what stood behind it must not show again.
  await appendGroups(journal, [[1]]);
  const killed = await copyOf(directory);
  await appendGroups(journal, [[2000]]);
  await journal.close();
  for (const [path, groups] of [
    [killed, [[1]]],
    [directory, [[1], [2000]]],
  ] as const) {
    const reopened = await Journal.open(path);
    expect(reopened.recovery.cut).toBeNull();
    expect(await contents(reopened)).toEqual([
      ...expectedContents(GROUPS.slice(0, 2)),
      ...expectedContents(groups, 5),
    ]);
    await reopened.close();
  }
});

describe('one flipped bit', () => {
  /** Flips a bit of each byte in [from, to) in turn and says what opening makes of it. */
  async function flipEach(
    directory: string,
    file: string,
    from: number,
    to: number,
    check: (opening: Promise<Journal>, offset: number) => Promise<void>,
  ): Promise<void> {
    const whole = await readFile(file);
    for (let offset = from; offset < to; offset++) {
      const flipped = Buffer.from(whole);
      flipped[offset] ^= 1 << (offset % 8);
      await writeFile(file, flipped);
      await check(Journal.open(directory), offset);
      // A refusal changes nothing.
    }
    await writeFile(file, whole);
  }

  function refusedAt(file: string) {
    return async (opening: Promise<Journal>, offset: number) => {
      const error = await opening.then(
        () => null,
        (refusal) => refusal,
      );
      expect(error, `flip at ${offset}`).toMatchObject({ code: 'CORRUPT', file, retryable: false });
      const groupStart = [0, ...GROUP_OFFSETS].findLast((start) => start <= offset) as number;
      expect(error.offset, `flip at ${offset}`).toBeGreaterThanOrEqual(groupStart);
      expect(error.offset, `flip at ${offset}`).toBeLessThanOrEqual(Math.max(offset, 16));
      expect(error.message).toContain(`${file} is corrupt at byte ${error.offset}`);
      expect(error.message).toContain('usage-meter journal repair');
    };
  }

  test('in the header or any group but the last: refused', async () => {
    const directory = await killedJournal(GROUPS);
    const file = await onlySegment(directory);
    const before = await readFile(file);
    await flipEach(directory, file, 0, GROUP_OFFSETS[2], refusedAt(file));
    expect(await readFile(file)).toEqual(before);
  });

  test('in the last group: cut, as a torn write would be', async () => {
    const directory = await killedJournal(GROUPS);
    const file = await onlySegment(directory);
    await flipEach(directory, file, GROUP_OFFSETS[2], GROUP_OFFSETS[3], async (opening, offset) => {
      const journal = await opening;
      expect(journal.recovery.cut, `flip at ${offset}`).toMatchObject({
        offset: GROUP_OFFSETS[2],
        bytes: 1024,
      });
      expect(await contents(journal)).toEqual(expectedContents(GROUPS.slice(0, 2)));
      await journal.close();
    });
  });

  test('in the last group, where somebody knows that it was there: refused', async () => {
    const directory = await killedJournal(GROUPS);
    const file = await onlySegment(directory);
    await overwrite(file, 2000, Buffer.from([0xff]));
    await expect(Journal.open(directory, { knownSequence: 5 })).rejects.toMatchObject({
      code: 'CORRUPT',
      file,
    });
    const journal = await Journal.open(directory, { knownSequence: 4 });
    expect(journal.lastSequence).toBe(4);
    await journal.close();
  });

  test('in the last group of a journal that was closed: refused', async () => {
    const directory = await newDirectory();
    const journal = await Journal.open(directory);
    await appendGroups(journal, GROUPS);
    await journal.close();
    const file = await onlySegment(directory);
    await flipEach(directory, file, GROUP_OFFSETS[2], GROUP_OFFSETS[3], refusedAt(file));
  });

  test('in the last group of a segment that another one follows: refused', async () => {
    const directory = await killedJournal([...GROUPS, [2000]], { segmentBytes: 3072 });
    const [first, second] = (await readdir(directory)).sort();
    expect(second).toBe('0000000000000006.journal');
    const file = join(directory, first);
    await flipEach(directory, file, GROUP_OFFSETS[2], GROUP_OFFSETS[3], refusedAt(file));
  });
});

test('a seal grows no journal that is only opened and closed', async () => {
  const directory = await killedJournal(GROUPS);
  const file = await onlySegment(directory);
  for (let round = 0; round < 3; round++) {
    const journal = await Journal.open(directory);
    await journal.close();
    expect((await stat(file)).size).toBe(GROUP_OFFSETS[3] + 512);
  }
});

describe('a group whose write was interrupted', () => {
  test('any of its sectors may be missing or hold anything: it is there whole, or cut whole', async () => {
    const lastGroup = [100, 3000, 20_000, 0, 700];
    const before = await killedJournal(GROUPS);
    const after = await killedJournal([...GROUPS, lastGroup]);
    // Salts are random: put the group behind the segment whose salt it was written for.
    const whole = await readFile(await onlySegment(after));
    const start = GROUP_OFFSETS[3];
    const sectors = (whole.length - start) / 512;
    const directory = await newDirectory();
    const file = join(directory, basename(await onlySegment(before)));

    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('written', 'written', 'zeros', 'garbage', 'half'), {
          minLength: sectors,
          maxLength: sectors,
        }),
        fc.option(fc.integer({ min: 0, max: sectors * 512 })),
        fc.integer({ min: 1, max: 255 }),
        async (fates, fileEnd, noise) => {
          const torn = Buffer.from(whole);
          fates.forEach((fate, sector) => {
            const at = start + sector * 512;
            if (fate === 'zeros') torn.fill(0, at, at + 512);
            if (fate === 'garbage')
              for (let i = at; i < at + 512; i++) torn[i] = (torn[i] + noise * (i % 3)) & 0xff;
            if (fate === 'half') torn.fill(0, at + 256, at + 512);
          });
          const bytes = fileEnd === null ? torn : torn.subarray(0, start + fileEnd);
          await writeFile(file, bytes);
          const journal = await Journal.open(directory);
          const intact = bytes.equals(whole);
          expect(await contents(journal)).toEqual(expectedContents(intact ? [...GROUPS, lastGroup] : GROUPS));
          expect(journal.recovery.cut === null).toBe(intact || bytes.length === start);
          await journal.close();
        },
      ),
      { numRuns: 200 },
    );
  });

  test('payload bytes that imitate groups and frames do not turn a torn write into corruption, nor into frames', async () => {
    // The sender guesses everything right but the salt: the next sequences, and where blocks begin.
    const forged = Buffer.alloc(512 * 8);
    for (let block = 0; block < 8; block++) {
      Buffer.concat(new GroupEncoder().encode([frame(6, 100)], 6 + (block % 3), block)).copy(
        forged,
        block * 512,
      );
    }
    // Group header and frame header take 60 bytes: the payload's byte 452 is the first of a block.
    const payload = Buffer.concat([Buffer.alloc(452), forged, Buffer.alloc(1000)]);
    const directory = await newDirectory();
    const journal = await Journal.open(directory);
    await appendGroups(journal, GROUPS);
    journal.append({ receivedAtUnixNano: 1n, kind: 0, encoding: 0, payload });
    await journal.durable(6);
    const killed = await copyOf(directory);
    await journal.close();
    await overwrite(await onlySegment(killed), GROUP_OFFSETS[3] + 40, Buffer.from([1, 2, 3]));
    const reopened = await Journal.open(killed);
    expect(reopened.recovery.cut).toMatchObject({ offset: GROUP_OFFSETS[3] });
    expect(await contents(reopened)).toEqual(expectedContents(GROUPS));
    await reopened.close();
  });

  test('a segment that was being created is as if it never was', async () => {
    const directory = await killedJournal(GROUPS);
    await writeFile(join(directory, '0000000000000006.journal.tmp'), Buffer.alloc(100, 1));
    const journal = await Journal.open(directory);
    expect(journal.recovery).toMatchObject({ frames: 5, cut: null, foreign: [] });
    expect(await readdir(directory)).toHaveLength(1);
    await journal.close();
  });

  test('a segment may hold nothing but its header', async () => {
    const directory = await killedJournal([...GROUPS, [2000]], { segmentBytes: 3072 });
    await truncate(await onlySegment(directory), 512);
    const journal = await Journal.open(directory);
    expect(journal.recovery).toMatchObject({ frames: 5, segments: 2, lastSequence: 5, cut: null });
    await appendGroups(journal, [[7]]);
    expect(await contents(journal, 5)).toEqual(['5:700', '6:7']);
    await journal.close();
  });

  test('zeros behind the last group, as a preallocating writer leaves them, end the segment', async () => {
    const directory = await killedJournal(GROUPS);
    await truncate(await onlySegment(directory), 5 * 1024 * 1024 + 77);
    const journal = await Journal.open(directory);
    expect(await contents(journal)).toEqual(expectedContents(GROUPS));
    await journal.close();
  });
});

describe('the directory', () => {
  /** Segments 1–2, 3–4, 5–6, 7–8. */
  const segmented = () => killedJournal(Array(8).fill([1400]), { segmentBytes: 4096 });
  const segment = (directory: string, first: number) =>
    join(directory, `${String(first).padStart(16, '0')}.journal`);

  test('a missing segment in the middle is refused, naming the sequence', async () => {
    const directory = await segmented();
    await rm(segment(directory, 3));
    await expect(Journal.open(directory)).rejects.toMatchObject({
      code: 'CORRUPT',
      file: segment(directory, 5),
      message: expect.stringContaining('sequence 3 must come first, 5 does'),
    });
  });

  test('missing segments at the start are released ones', async () => {
    const directory = await segmented();
    await rm(segment(directory, 1));
    const journal = await Journal.open(directory);
    expect(journal.firstSequence).toBe(3);
    await journal.close();
  });

  test('missing segments at the end are noticed by who knows the position', async () => {
    const directory = await segmented();
    await rm(segment(directory, 7));
    await expect(Journal.open(directory, { knownSequence: 8 })).rejects.toMatchObject({ code: 'CORRUPT' });
    const empty = await newDirectory();
    await expect(Journal.open(empty, { knownSequence: 8 })).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('a segment that lost whole groups at its end is refused', async () => {
    const directory = await segmented();
    await truncate(segment(directory, 3), 512 + 1536);
    await expect(Journal.open(directory)).rejects.toMatchObject({
      code: 'CORRUPT',
      file: segment(directory, 5),
    });
  });

  test('a segment under the name of another is refused', async () => {
    const directory = await segmented();
    await rm(segment(directory, 1));
    await rename(segment(directory, 3), segment(directory, 1));
    await expect(Journal.open(directory)).rejects.toMatchObject({
      code: 'CORRUPT',
      file: segment(directory, 1),
      offset: 16,
    });
  });

  test('a later format is refused as such', async () => {
    const directory = await segmented();
    const header = encodeSegmentHeader({ salt: 1, firstSequence: 7, newestReceivedAtBefore: 0n });
    header.writeUInt32LE(2, 8);
    header.writeUInt32LE(crc32(header.subarray(0, 32)), 32);
    await overwrite(segment(directory, 7), 0, header);
    await expect(Journal.open(directory)).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringContaining('format version 2; this release reads version 1'),
    });
  });

  test('files of others are left alone and named', async () => {
    const directory = await segmented();
    for (const name of ['notes.txt', '1.journal', '0000000000000001.journal.corrupt'])
      await writeFile(join(directory, name), 'x');
    const journal = await Journal.open(directory);
    expect(journal.recovery.foreign.sort()).toEqual([
      '0000000000000001.journal.corrupt',
      '1.journal',
      'notes.txt',
    ]);
    expect(await readFile(join(directory, 'notes.txt'), 'utf8')).toBe('x');
    await journal.close();
  });

  test('segments before verifyFromSequence are not read at opening, but checked when they are read', async () => {
    const directory = await segmented();
    await overwrite(segment(directory, 3), 700, Buffer.from('damage'));
    await expect(Journal.open(directory, { verifyFromSequence: 4 })).rejects.toMatchObject({
      code: 'CORRUPT',
    });
    const journal = await Journal.open(directory, { verifyFromSequence: 5 });
    expect(journal.recovery).toMatchObject({ frames: 8, lastSequence: 8 });
    expect(await contents(journal, 5)).toEqual(expectedContents(Array(4).fill([1400]), 5));
    await expect(contents(journal, 1)).rejects.toMatchObject({
      code: 'CORRUPT',
      file: segment(directory, 3),
    });
    await journal.close();
  });

  test('what cannot be a directory is an error that can pass', async () => {
    const file = join(await newDirectory(), 'file');
    await writeFile(file, '');
    await expect(Journal.open(file)).rejects.toMatchObject({ code: 'READ_FAILED', retryable: true });
  });

  test('a gap that nobody marked is refused, a marked one is passed over', async () => {
    const salt = 77;
    const header = encodeSegmentHeader({ salt, firstSequence: 1, newestReceivedAtBefore: 0n });
    const group = (first: number) => Buffer.concat(new GroupEncoder().encode([frame(first, 9)], first, salt));
    const directory = await newDirectory();
    const file = segment(directory, 1);

    await writeFile(file, Buffer.concat([header, group(1), group(5)]));
    await expect(Journal.open(directory)).rejects.toMatchObject({ code: 'CORRUPT', file, offset: 1024 });

    await writeFile(file, Buffer.concat([header, group(1), encodeEmptyGroup(2, 3, salt), group(5)]));
    const journal = await Journal.open(directory);
    expect(journal.recovery.missing).toEqual([{ first: 2, last: 4 }]);
    expect(await contents(journal)).toEqual(['1:9', '5:9']);
    expect(await contents(journal, 3)).toEqual(['5:9']);
    await journal.close();
  });
});
