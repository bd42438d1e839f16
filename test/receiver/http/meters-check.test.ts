/** What the check of a rule says, by line. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningReceiver, runReceiver } from './openapi/running-receiver.ts';

let receiver: RunningReceiver;
beforeAll(async () => {
  receiver = await runReceiver();
});
afterAll(() => receiver.stop());

const GOOD = `id: orders
signals: [logs]
match:
  all:
    - { path: body.event, eq: order.placed }
customer: 'attributes["tenant.id"]'
dimension: orders
`;

test.each<[string, string, object]>([
  // what is written                                  what is said
  [
    'a rule',
    GOOD,
    { written: { id: 'orders' }, rule: { id: 'orders', enabled: true, metadata: [] }, problems: [] },
  ],
  ['JSON', '{"id": 1}', { written: { id: 1 }, rule: null }],
  [
    'faults',
    GOOD.replace('[logs]', '[logs, metric]').replace('dimension: orders', 'dimensions: orders'),
    {
      rule: null,
      problems: [
        { line: 1, column: 1, path: 'dimension', message: 'is required' },
        { line: 2, column: 17, path: 'signals[1]' },
        {
          line: 7,
          column: 1,
          path: 'dimensions',
          message: expect.stringContaining('did you mean "dimension"'),
        },
      ],
    },
  ],
  [
    'a pattern',
    GOOD.replace('eq: order.placed', 'regex: "("'),
    { rule: null, problems: [{ line: 5, path: 'match.all[0].regex' }] },
  ],
  ['no YAML', 'id: [', { written: null, rule: null, problems: [{ line: 1 }] }],
  ['nothing', '', { written: null, rule: null, problems: [{ line: 1, column: 1, path: '' }] }],
])('%s', async (_, text, said) => {
  const response = await fetch(`${receiver.url}/api/v1/meters/check`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject(said);
});
