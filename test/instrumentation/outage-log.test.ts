import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, expect, test, vi } from 'vitest';
import { OutageLog } from '../../instrumentation/outage-log.ts';

afterEach(() => diag.disable());

const told = (points: number) =>
  `usage: not delivered yet, ${points} data point(s) are kept and sent again: nobody there`;
const back = 'usage: the receiver is back';

test.each<[string, [second: number, failedPoints: number | null][], string[]]>([
  //  what                          [at second, points that wait, or null: it works]    lines
  ['works', [[0, null]], []],
  [
    'fails, and works again',
    [
      [0, 7],
      [1, null],
      [2, null],
    ],
    [told(7), back],
  ],
  [
    'goes on failing',
    [
      [0, 1],
      [1, 2],
      [59, 3],
      [60, 4],
      [119, 5],
      [120, 6],
      [121, null],
    ],
    [told(1), told(4), told(6), back],
  ],
  [
    'comes and goes',
    [
      [0, 1],
      [1, null],
      [2, 1],
      [3, null],
      [61, 2],
      [62, null],
    ],
    [told(1), back, told(2), back],
  ],
])('a receiver that %s', (_, events, expected) => {
  const warn = vi.fn();
  const ignore = () => {};
  diag.setLogger(
    { warn, error: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  let nowMillis = 0;
  const outage = new OutageLog(() => nowMillis);
  for (const [second, points] of events) {
    nowMillis = second * 1000;
    if (points === null) outage.succeeded();
    else outage.failed(new Error('nobody there'), points);
  }
  expect(warn.mock.calls.map(([line]) => line)).toEqual(expected);
});
