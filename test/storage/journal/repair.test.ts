import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Journal } from '../../../storage/journal/journal.ts';
import { repairJournal } from '../../../storage/journal/repair.ts';
import {
  appendGroups,
  contents,
  expectedContents,
  type Groups,
  killedJournal,
  newDirectory,
} from './journal-files.ts';

/**
 * Two segments. The first (sequences 1–6): groups at 512 (1), 1024 (2, 3, 4), 2048 (5, 6), end 3072.
 * The second (7–9): groups at 512 (7, 8), 1536 (9), end 2560.
 */
const GROUPS: Groups = [[10], [300, 200, 100], [500, 100], [400, 400], [800]];
const OPTIONS = { segmentBytes: 3072 };
const FIRST = '0000000000000001.journal';
const SECOND = '0000000000000007.journal';

async function damage(
  directory: string,
  name: string,
  spots: [offset: number, bytes: number][],
): Promise<void> {
  const handle = await open(join(directory, name), 'r+');
  for (const [offset, bytes] of spots) await handle.write(Buffer.alloc(bytes, 0xa5), 0, bytes, offset);
  await handle.close();
}

describe('repair keeps every frame whose checksum holds and says what is lost', () => {
  //  what is damaged                              segment  offset, bytes                  sequences that are lost
  test.each<[string, string, [number, number][], number[]]>([
    ['a payload', FIRST, [[1024 + 32 + 28 + 5, 1]], [2]],
    ['the second of three frames', FIRST, [[1024 + 32 + 328 + 40, 3]], [3]],
    ['the length of a frame', FIRST, [[1024 + 32 + 4, 4]], [2]],
    ['a group header', FIRST, [[1024, 32]], []],
    ['the segment header', FIRST, [[0, 512]], []],
    ['the segment header and a group header', FIRST, [[0, 512 + 32]], []],
    ['the last frame of a segment that another follows', FIRST, [[2048 + 32 + 528 + 40, 3]], [6]],
    ['everything behind the first group', FIRST, [[1024, 2048]], [2, 3, 4, 5, 6]],
    ['all of a segment', FIRST, [[0, 3072]], [1, 2, 3, 4, 5, 6]],
    ['the last segment, with a group behind the damage', SECOND, [[512 + 32 + 28, 1]], [7]],
    ['both segments', FIRST, [[512 + 60, 1]], [1]],
  ])('%s', async (what, name, spots, lost) => {
    const directory = await killedJournal(GROUPS, OPTIONS);
    await damage(directory, name, spots);
    if (what === 'both segments') {
      await damage(directory, SECOND, [[512 + 32 + 428 + 40, 1]]);
      lost = [...lost, 8];
    }
    const damaged = await readFile(join(directory, name));
    await expect(Journal.open(directory)).rejects.toMatchObject({
      code: 'CORRUPT',
      file: join(directory, name),
    });

    const report = await repairJournal(directory);
    expect(report.missing.flatMap(({ first, last }) => range(first, last))).toEqual(lost);
    expect(report.rewritten[0]).toMatchObject({
      file: join(directory, name),
      movedTo: join(directory, `${name}.corrupt`),
      salvagedFrames: (name === FIRST ? 6 : 3) - (what === 'both segments' ? 1 : lost.length),
    });
    expect(await readFile(join(directory, `${name}.corrupt`))).toEqual(damaged);

    const journal = await Journal.open(directory, OPTIONS);
    const kept = expectedContents(GROUPS).filter((text) => !lost.includes(Number.parseInt(text, 10)));
    expect(await contents(journal)).toEqual(kept);
    // What is lost stays visible at every opening, and its sequences are never given again.
    expect(journal.recovery.missing).toEqual(report.missing);
    await appendGroups(journal, [[33]]);
    expect(journal.lastSequence).toBe(10);
    await journal.close();

    const names = await readdir(directory);
    expect((await repairJournal(directory)).rewritten).toEqual([]);
    expect(await readdir(directory)).toEqual(names);
  });

  test('a journal that opens is left as it is, torn end included', async () => {
    const directory = await killedJournal(GROUPS, OPTIONS);
    await damage(directory, SECOND, [[1536 + 40, 1]]);
    const before = await readFile(join(directory, SECOND));
    expect(await repairJournal(directory)).toEqual({ rewritten: [], missing: [] });
    expect(await readFile(join(directory, SECOND))).toEqual(before);
  });

  test('frames that somebody knows of and that are gone from the end become a gap', async () => {
    const directory = await killedJournal(GROUPS, OPTIONS);
    await damage(directory, SECOND, [[1536 + 40, 1]]);
    const report = await repairJournal(directory, { knownSequence: 9 });
    expect(report.missing).toEqual([{ first: 9, last: 9 }]);
    const journal = await Journal.open(directory, { knownSequence: 9 });
    expect(journal.lastSequence).toBe(9);
    await journal.close();

    await rm(join(directory, SECOND));
    expect((await repairJournal(directory, { knownSequence: 8 })).missing).toEqual([{ first: 7, last: 8 }]);
    expect((await repairJournal(directory, { knownSequence: 8 })).rewritten).toEqual([]);
  });

  test('a missing segment becomes a gap', async () => {
    const directory = await killedJournal([...GROUPS, [1500], [1500]], OPTIONS);
    await rm(join(directory, SECOND));
    const report = await repairJournal(directory);
    expect(report).toEqual({ rewritten: [], missing: [{ first: 7, last: 9 }] });
    const journal = await Journal.open(directory, OPTIONS);
    expect(await contents(journal)).toEqual([...expectedContents(GROUPS.slice(0, 3)), '10:1500', '11:1500']);
    await journal.close();
  });

  test('a second repair of one segment keeps the first damage, too, and the gaps', async () => {
    const directory = await killedJournal(GROUPS, OPTIONS);
    await damage(directory, FIRST, [[512 + 60, 1]]);
    await repairJournal(directory);
    // The rewritten segment: a gap at 512, then one group of the five frames that are left.
    await damage(directory, FIRST, [[1024 + 60, 1]]);
    const report = await repairJournal(directory);
    expect(report.rewritten[0].movedTo).toBe(join(directory, `${FIRST}.corrupt-2`));
    expect(report.missing).toEqual([{ first: 1, last: 2 }]);
    const journal = await Journal.open(directory, OPTIONS);
    expect(await contents(journal)).toEqual(expectedContents(GROUPS).slice(2));
    await journal.close();
  });

  test('payload bytes that imitate frames are not salvaged', async () => {
    const other = await killedJournal([[50], [50], [50]]);
    const forged = await readFile(join(other, FIRST));
    const directory = await newDirectory();
    const journal = await Journal.open(directory, OPTIONS);
    journal.append({ receivedAtUnixNano: 1n, kind: 1, encoding: 1, payload: forged });
    await journal.durable(1);
    await appendGroups(journal, [[2000], [2000]]);
    await journal.close();
    const name = basename((await readdir(directory)).sort()[0]);
    await damage(directory, name, [[512 + 32 + 4, 4]]);
    const report = await repairJournal(directory);
    expect(report.missing).toEqual([{ first: 1, last: 1 }]);
  });

  test('an empty directory needs no repair', async () => {
    const directory = await newDirectory();
    await writeFile(join(directory, 'notes.txt'), '');
    expect(await repairJournal(directory)).toEqual({ rewritten: [], missing: [] });
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, place) => first + place);
}
