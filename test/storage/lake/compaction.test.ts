import { describe, expect, test } from 'vitest';
import { MAX_PART_ROWS, nextRewrite } from '../../../storage/lake/compaction.ts';
import type { Part } from '../../../storage/lake/manifest.ts';

/** `days afterSequence-throughSequence rows`, with `!` where it is restated. */
function part(text: string): Part {
  const [, first, last, after, through, rows, mark] = /^(\d+)(?:\.\.(\d+))? (\d+)-(\d+) (\d+)(!?)$/.exec(
    text,
  )!;
  const day = (number: string) => `2026-01-${number.padStart(2, '0')}`;
  return {
    file: text,
    dailyFile: text,
    firstDay: day(first),
    lastDay: day(last ?? first),
    afterSequence: Number(after),
    throughSequence: Number(through),
    rows: Number(rows),
    bytes: 1,
    restatement: mark === '' ? null : { customers: {}, units: {}, voided: ['x'] },
  };
}

/** Parts of one day, one after the other, with so many rows. */
function run(rows: number[], day = 1): string[] {
  return rows.map((count, i) => `${day} ${i}-${i + 1} ${count}`);
}

function chosen(parts: string[], rows: number, isQuiet: boolean): string[] {
  return nextRewrite(parts.map(part), { rows, isQuiet })?.parts.map(({ file }) => file) ?? [];
}

const EIGHT = run(Array(8).fill(100));
const M = MAX_PART_ROWS;

describe('what is written anew next', () => {
  test.each<[name: string, parts: string[], rows: number, isQuiet: boolean, expected: string[]]>([
    ['nothing of nothing', [], 1e9, true, []],
    ['not one part alone', ['1 0-1 100'], 1e9, true, []],
    ['not seven small ones', run(Array(7).fill(100)), 1e9, false, []],
    ['eight small ones', EIGHT, 1e9, false, EIGHT],
    ['not eight beyond what is allowed', EIGHT, 150, false, []],
    ['seven, when it is quiet', run(Array(7).fill(100)), 1e9, true, run(Array(7).fill(100))],
    ['not those of two days', [...run(Array(4).fill(100)), ...run(Array(4).fill(100), 2)], 1e9, false, []],
    ['not a large one with small ones', run([500_000, ...Array(7).fill(100)]), 1e9, false, []],
    [
      'the small ones behind a large one',
      run([500_000, ...Array(8).fill(100)]),
      1e9,
      false,
      run([500_000, ...Array(8).fill(100)]).slice(1),
    ],
    ['no more than a part may have', run([M / 2, M / 2, 1]), 1e9, true, run([M / 2, M / 2, 1]).slice(0, 2)],
    ['not full parts', run([M, M]), 1e9, true, []],
    ['not over a part of many days between', ['1 0-1 5', '1..3 1-2 5', '1 2-3 5'], 4, true, []],
    [
      'parts of many days first, when it is quiet',
      ['1 0-1 5', '1..3 1-2 5', '1 2-3 5'],
      1e9,
      true,
      ['1..3 1-2 5'],
    ],
    ['a large part of many days', [`1..9 0-1 ${M + 5_000}`], 1e9, false, [`1..9 0-1 ${M + 5_000}`]],
    ['not a small part of many days, while usage comes', ['1..9 0-1 100'], 1e9, false, []],
    ['a restated part before all others', [...EIGHT, '2 0-9 50!'], 1e9, false, ['2 0-9 50!']],
    ['a restated part as soon as it is allowed', [...EIGHT, '2 0-9 5000!'], 1000, false, EIGHT],
  ])('%s', (_, parts, rows, isQuiet, expected) => {
    expect(chosen(parts, rows, isQuiet)).toEqual(expected);
  });

  test('a range holds the frames of all its parts, and no part of the same day is left within', () => {
    const rewrite = nextRewrite(run([1, 1, 1]).map(part), { rows: 10, isQuiet: true });
    expect(rewrite?.range).toEqual({
      firstDay: '2026-01-01',
      lastDay: '2026-01-01',
      afterSequence: 0,
      throughSequence: 3,
    });
  });

  test('a day of a thousand exports is written a handful of times', () => {
    let parts: Part[] = [];
    let written = 0;
    for (let i = 0; i < 1000; i++) {
      parts.push(part(`1 ${i}-${i + 1} 1000`));
      for (;;) {
        const rewrite = nextRewrite(parts, { rows: Number.POSITIVE_INFINITY, isQuiet: false });
        if (rewrite === null) break;
        written += rewrite.rows;
        parts = parts.filter((one) => !rewrite.parts.includes(one));
        parts.push({ ...rewrite.parts[0], ...rewrite.range, rows: rewrite.rows });
      }
    }
    expect(parts.reduce((sum, { rows }) => sum + rows, 0)).toBe(1_000_000);
    expect(parts.length).toBeLessThan(30);
    expect(written / 1_000_000).toBeLessThan(6);
  });
});
