import { expect, test } from 'vitest';
import { WarningThrottle } from '../../../receiver/http/warning-throttle.ts';
import type { QuarantineCode } from '../../../storage/quarantine-codes.ts';

function outcome(quarantined: Partial<Record<QuarantineCode, number>>) {
  const counts = new Map(Object.entries(quarantined) as [QuarantineCode, number][]);
  return { claimed: 10, quarantined: counts, ignored: 0, markers: 0 };
}

test('a reason is named at once, then once a minute', () => {
  let now = 0;
  const throttle = new WarningThrottle(() => now);
  expect(throttle.message(outcome({}))).toBeNull();
  const first = throttle.message(outcome({ missing_customer: 2, time_zero: 1 }));
  expect(first).toContain('3 of 10');
  expect(first).toContain('missing_customer 2, time_zero 1');
  expect(first).toContain('/api/v1/quarantine');
  now = 59_999;
  expect(throttle.message(outcome({ missing_customer: 5 }))).toBeNull();
  expect(throttle.message(outcome({ missing_customer: 5, no_value: 1 }))).toContain('no_value 1');
  now = 60_000;
  expect(throttle.message(outcome({ missing_customer: 5 }))).toContain('missing_customer 5');
});
