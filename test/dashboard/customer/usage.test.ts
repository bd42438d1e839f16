/** What of usage stands in the address, what is asked for, and what is drawn. */
import { expect, test } from 'vitest';
import {
  filterText,
  readFilter,
  readUsageSearch,
  usageQuery,
  usageQuestion,
} from '../../../dashboard/pages/customer/usage-search.ts';
import { type UsageRow, usagePicture } from '../../../dashboard/pages/customer/usage-series.ts';
import { windowText } from '../../../dashboard/pages/customer/window-text.ts';
import { explainQuery } from '../../../dashboard/pages/explain/question.ts';
import { bytesOf, hexDump } from '../../../dashboard/pages/record/hex.ts';

test.each([
  { key: 'region', value: 'eu' },
  { key: 'a=b', value: 'c=d' },
  { key: '100%', value: '%3D' },
  { key: '%3D', value: '' },
  { key: '%253D=', value: '=' },
])('a filter of $key is written and read again', (filter) => {
  expect(readFilter(filterText(filter))).toEqual(filter);
});

test('an address is read; what makes no sense in it is left out', () => {
  expect(
    readUsageSearch({
      dimension: 'api',
      window: 'period',
      anchor: '31',
      groupBy: 'region',
      filter: ['region=eu', 'nothing'],
      from: '2026-03-01',
      to: '2026-04-01',
    }),
  ).toEqual({
    dimension: 'api',
    window: 'period',
    anchor: '31',
    groupBy: 'region',
    filter: ['region=eu'],
    from: '2026-03-01',
    to: '2026-04-01',
  });
  expect(readUsageSearch({ window: 'fortnight', anchor: '32', filter: '=x', range: 'for ever' })).toEqual({});
});

const ids = { customerId: 'acme', dimensionId: 'api', timeZone: 'Europe/Berlin' };
const NOW = Date.parse('2026-03-15T12:00:00Z');

test('windows are days of this month by default, and none is shorter than the interval', () => {
  expect(usageQuery(usageQuestion({}, ids, NOW))).toEqual({
    ...ids,
    window: 'day',
    from: '2026-03-01',
    to: '2026-04-01',
  });
  expect(usageQuestion({ window: 'hour' }, ids, NOW, 'month').window).toBe('month');
  expect(usageQuestion({ window: 'total' }, ids, NOW, 'month').window).toBe('total');
});

test('a cell is asked for by the value of its row, whatever the question was filtered by', () => {
  const search = { groupBy: 'region', filter: ['region=eu', 'region=us', 'plan=x'] };
  const question = usageQuestion(search, ids, NOW);
  const shared = {
    ...ids,
    window: 'day',
    from: '2026-03-01',
    to: '2026-04-01',
    windowStart: '2026-03-04T23:00:00Z',
    groupBy: ['customerId', 'dimensionId', 'metadata.region'],
  };
  const at = '2026-03-04T23:00:00Z';
  expect(explainQuery({ ...search, at, group: 'eu' }, question)).toEqual({
    ...shared,
    metadata: { plan: ['x'], region: ['eu'] },
  });
  expect(explainQuery({ ...search, at, missing: '1' }, question)).toEqual({
    ...shared,
    metadata: { plan: ['x'] },
    missing: 'region',
  });
});

const row = (day: number, quantity: string, region: string | null): UsageRow => ({
  unit: '1',
  windowStart: `2026-03-0${day}T00:00:00Z`,
  windowEnd: `2026-03-0${day + 1}T00:00:00Z`,
  quantity,
  billableQuantity: quantity,
  records: 1,
  metadata: { region },
});
const DAYS = [1, 2, 3].map((day) => `2026-03-0${day}T00:00:00Z`);

test('rows become series: the greatest first, null and the empty text apart, days without usage in their place', () => {
  const rows = [row(1, '1', null), row(3, '0.1', ''), row(1, '0.2', 'eu'), row(3, '5', 'eu')];
  expect(usagePicture(rows, DAYS, 'region', 'api')).toEqual({
    windows: DAYS,
    series: [
      { label: 'eu', group: 'eu', values: ['0.2', null, '5'] },
      { label: 'without region', group: null, values: ['1', null, null] },
      { label: 'empty', group: '', values: [null, null, '0.1'] },
    ],
  });
});

test('more groups than colours are added up exactly', () => {
  const rows = Array.from({ length: 10 }, (_, place) => row(2, `${10 - place}.000000000001`, `g${place}`));
  const { series } = usagePicture(rows, DAYS, 'region', 'api');
  expect(series).toHaveLength(8);
  expect(series[7]).toEqual({
    label: '3 others',
    group: undefined,
    values: [null, '6.000000000003', null],
  });
  expect(usagePicture(rows.slice(0, 8), DAYS, 'region', 'api').series[7].label).toBe('1 other');
});

test.each([
  ['day', '2026-03-04T23:00:00Z', '2026-03-05T23:00:00Z', '05 Mar 2026'],
  ['hour', '2026-03-05T08:00:00Z', '2026-03-05T09:00:00Z', '05 Mar 2026, 09:00'],
  ['week', '2026-03-01T23:00:00Z', '2026-03-08T23:00:00Z', '02 Mar 2026 – 08 Mar 2026'],
  ['total', '2026-03-05T08:00:00Z', '2026-03-08T23:00:00Z', '05 Mar 2026, 09:00 – 09 Mar 2026, 00:00'],
] as const)('a %s from %s is called', (window, windowStart, windowEnd, called) => {
  expect(windowText({ windowStart, windowEnd }, window, 'Europe/Berlin')).toBe(called);
});

test('bytes are shown as they are', () => {
  const bytes = bytesOf(Buffer.from('OTLP\u0000 <b>ü</b>, and more').toString('base64'));
  expect(hexDump(bytes)).toBe(
    [
      '000000  4f 54 4c 50 00 20 3c 62 3e c3 bc 3c 2f 62 3e 2c  OTLP. <b>..</b>,',
      '000010  20 61 6e 64 20 6d 6f 72 65                        and more',
    ].join('\n'),
  );
});
