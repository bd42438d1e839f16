/**
 * What a customer owes for March: records a correction by hand, reads usage by dimension, and closes the period.
 * Run against a receiver: USAGE_METER_URL=http://127.0.0.1:4318 node examples/typescript-client/invoice.ts acme
 */
// In your own project: import { UsageMeterClient, UsageMeterError } from 'otel-usage-meter/client';
import { UsageMeterClient, UsageMeterError } from '../../client/index.ts';

const { USAGE_METER_URL: url = 'http://127.0.0.1:4318', USAGE_METER_API_KEY: apiKey } = process.env;
const client = new UsageMeterClient({ url, ...(apiKey === undefined ? {} : { apiKey }) });
const [customerId = 'acme'] = process.argv.slice(2);
const march = { from: '2026-03-01', to: '2026-04-01', timeZone: 'Europe/Berlin' };

// An id makes a repetition the same record: run it again, and nothing counts twice.
await client.request('POST /api/v1/usage', {
  body: {
    id: `support-hours/${customerId}/2026-03`,
    customerId,
    dimensionId: 'support.hours',
    recordValue: '1.5',
    timestamp: '2026-03-31T12:00:00Z',
  },
});

for await (const row of client.rows('GET /api/v1/usage', { query: { ...march, customerId } }))
  console.log(`${row.dimensionId}: ${row.billableQuantity} ${row.unit}, of ${row.records} records`);

try {
  const statement = await client.request('POST /api/v1/periods/close', { body: { ...march, customerId } });
  if ('hash' in statement)
    console.log(`closed: ${statement.lines.length} lines, amount ${statement.totals.amount}`);
} catch (error) {
  if (!(error instanceof UsageMeterError) || error.status !== 409) throw error;
  console.log(`not closed: ${error.message}`);
}
