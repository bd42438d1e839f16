/** Usage that goes on arriving, now more, now less, with some that cannot be counted: for pictures of what is live. */
import { UsageMeterClient } from '../../../client/index.ts';
import { Random } from '../../support/random.ts';

const EVERY_MS = 500;
/** Records of a request at most. */
const MOST = 14;
/** Those that use more come earlier. */
const CUSTOMERS = ['acme', 'globex', 'initech', 'umbrella', 'hooli', 'stark', 'wayne'];
const REGIONS = ['eu-central', 'us-east', 'ap-south'];

/** @returns ends it, once what is under way has arrived */
export function startTraffic(url: string): () => Promise<void> {
  const client = new UsageMeterClient({ url });
  const random = new Random(11);
  let isOver = false;
  const run = async (): Promise<void> => {
    for (let turn = 1; !isOver; turn += 1) {
      // No period shows in the sum of waves of unrelated lengths.
      const waves = Math.sin(turn / 150) + 0.5 * Math.sin(turn / 41) + 0.3 * Math.sin(turn / 13);
      const size = Math.round(MOST * (0.5 + 0.2 * waves + 0.12 * (random.next() - 0.5)));
      await client.request('POST /api/v1/usage', {
        body: Array.from({ length: size }, (_, index) => ({
          customerId: CUSTOMERS[Math.floor(random.next() ** 1.7 * CUSTOMERS.length)],
          dimensionId: index % 3 === 0 ? 'tokens' : 'api.requests',
          recordValue: String(((turn * 37 + index * 211) % 900) + 1),
          metadata: {
            region: REGIONS[(turn + index) % REGIONS.length],
            model: index % 2 === 0 ? 'small' : 'large',
          },
        })),
        headers: { Prefer: 'return=minimal' },
      });
      if (turn % 7 === 0) await sendWithoutCustomer(url, turn);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  };
  const ended = run();
  return async () => {
    isOver = true;
    await ended;
  };
}

async function sendWithoutCustomer(url: string, value: number): Promise<void> {
  const attributes = [
    { key: 'usage.dimension.id', value: { stringValue: 'tokens' } },
    { key: 'usage.value', value: { intValue: String(value) } },
  ];
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, attributes }];
  const response = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}
