/** Positions that a cursor may name: whoever forges one is refused before it comes into a statement. */
import { expect, test } from 'vitest';
import { isRecordPosition } from '../../../storage/query/record-order.ts';

//                time                   sequence  series  start  kind      quantity  event  rows alike
const POSITION = ['1763000000000000000', '7', '3', '0', '0', '4', '-1.5', String(2n ** 128n - 1n), '1'];

test.each([
  ['as it was told', {}, true],
  ['a time beyond 64 bits', { 0: String(2n ** 63n) }, false],
  ['the last time', { 0: String(2n ** 63n - 2n) }, true],
  ['a time that is infinite to DuckDB', { 0: String(2n ** 63n - 1n) }, false],
  ['a start that is', { 3: String(1n - 2n ** 63n) }, false],
  ['a sequence beyond 64 bits', { 1: '9'.repeat(39) }, false],
  ['a quantity of 27 digits', { 6: '9'.repeat(27) }, false],
  ['an event beyond 128 bits', { 7: '9'.repeat(39) }, false],
  ['an event below zero', { 7: '-1' }, false],
  ['fewer rows alike than none', { 8: '-5' }, false],
  ['more rows alike than can be', { 8: '9'.repeat(39) }, false],
  ['a number that is none', { 2: '1e3' }, false],
  ['no text', { 2: null }, false],
])('%s', (_, changes: Record<number, string | null>, expected) => {
  expect(isRecordPosition(POSITION.map((text, i) => (i in changes ? changes[i] : text)))).toBe(expected);
});
