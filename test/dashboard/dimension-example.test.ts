/** The example beside a dimension's form says what the receiver says of the same records, to the last digit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageMeterClient } from '../../client/index.ts';
import {
  AGGREGATIONS,
  type ExampleRule,
  exampleSpan,
  INTERVALS,
  ROUNDINGS,
  type SampleRecord,
  workedExample,
} from '../../dashboard/pages/dimensions/worked-example.ts';
import { Random } from '../support/random.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let client: UsageMeterClient;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-example-'));
  receiver = await startReceiver({ dataDir });
  client = new UsageMeterClient({ url: receiver.url });
});
afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

/** No two at one time: which of them is the last is decided by ids that the page cannot know. */
const SETS: [string, (length: number) => Omit<SampleRecord, 'row'>[]][] = [
  ['nothing', () => []],
  ['one', (length) => [{ minute: length >> 2, value: '2.5', key: 'ann' }]],
  [
    'halves, thirds and credits',
    (length) => [
      { minute: 0, value: '3', key: 'ann' },
      { minute: Math.floor(length / 7), value: '-0.5', key: '' },
      { minute: Math.floor(length / 3), value: '0.000000000001', key: 'bob' },
      { minute: Math.floor(length / 2), value: '-7.25', key: 'ann' },
      { minute: length - 1, value: '1.1', key: 'eve' },
    ],
  ],
  // Their average is half of the twelfth place, once below an even neighbour and once above one.
  ...['0.000000000001', '0.000000000003'].map((value): (typeof SETS)[number] => [
    `half of ${value}`,
    () => [
      { minute: 3, value, key: 'ann' },
      { minute: 4, value: '0', key: 'bob' },
    ],
  ]),
  ['a credit of a half', () => [{ minute: 1, value: '-2.5', key: 'ann' }]],
  [
    'large',
    (length) => [
      { minute: 7, value: '99999999999999999999999999.999999999999', key: 'a' },
      { minute: length - 13, value: '99999999999999999999999999.999999999999', key: 'b' },
    ],
  ],
  [
    'by chance',
    (length) => {
      const random = new Random(11);
      const minutes = new Set(Array.from({ length: 9 }, () => Math.floor(random.next() * length)));
      return [...minutes].map((minute, index) => ({
        minute,
        value: `${Math.floor(random.next() * 400) - 60}.${Math.floor(random.next() * 1000) + 1}`,
        key: ['ann', 'bob', 'eve', ''][index % 4],
      }));
    },
  ],
];

const INCREMENTS: Pick<ExampleRule, 'usageIncrement' | 'rounding' | 'unitPrice'>[] = [
  { usageIncrement: null, rounding: null, unitPrice: null },
  { usageIncrement: '0.5', rounding: null, unitPrice: '0.03' },
  ...ROUNDINGS.flatMap((rounding) => [
    { usageIncrement: '1', rounding, unitPrice: '-2.5' },
    { usageIncrement: '0.000000000001', rounding, unitPrice: '0.000000000007' },
  ]),
];

test.each(INTERVALS)(
  'interval %s',
  async (interval) => {
    const span = exampleSpan(interval);
    const length = span.parts.at(-1)!;
    let compared = 0;
    for (const aggregation of AGGREGATIONS) {
      const isOfTime = aggregation.startsWith('time');
      for (const levelTtl of isOfTime ? [null, 5400] : [null]) {
        const dimensionId = `${interval}.${aggregation}.${levelTtl}`;
        const declared = { aggregation, interval, levelTtl, creditsAllowed: true };
        const body = { ...declared, uniqueKey: aggregation === 'unique' ? 'user' : null };
        await client.request('PUT /api/v1/dimensions/{id}', { path: { id: dimensionId }, body });
        const sets = SETS.map(([customerId, make]) => ({
          customerId,
          records: make(length).map((record, row) => ({ ...record, row })),
        }));
        await client.request('POST /api/v1/usage', {
          body: sets.flatMap(({ customerId, records }) =>
            records.map(({ minute, value, key }) => ({
              customerId,
              dimensionId,
              recordValue: value,
              timestamp: new Date(Date.parse(span.from) + minute * 60_000).toISOString(),
              ...(key === '' ? {} : { metadata: { user: key } }),
            })),
          ),
        });
        for (const priced of INCREMENTS) {
          await client.request('PUT /api/v1/dimensions/{id}', {
            path: { id: dimensionId },
            body: { ...body, ...priced },
          });
          const { rows } = await client.request('GET /api/v1/usage', {
            query: { from: span.from, to: span.to, dimensionId },
          });
          for (const { customerId, records } of sets) {
            const row = rows.find((each) => each.customerId === customerId);
            const { quantity, billableQuantity, amount } = workedExample({ ...declared, ...priced }, records);
            expect(
              { quantity, billableQuantity, amount },
              JSON.stringify({ dimensionId, customerId, priced }),
            ).toEqual({
              quantity: row?.quantity ?? null,
              billableQuantity: row?.billableQuantity ?? null,
              amount: row?.amount ?? null,
            });
            compared += 1;
          }
        }
      }
    }
    expect(compared).toBe(11 * INCREMENTS.length * SETS.length);
  },
  60_000,
);
