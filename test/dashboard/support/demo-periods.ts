/** Closed periods of the demonstration data: two months of all customers, usage that came late, a statement that was wrong. */
import type { UsageMeterClient } from '../../../client/index.ts';

/** @param nowMs in the month after the two that are closed */
export async function seedPeriods(client: UsageMeterClient, nowMs: number): Promise<void> {
  const [before, last, present] = [-2, -1, 0].map((months) => monthStart(nowMs, months));
  const note = 'Monthly closing';
  await client.request('POST /api/v1/periods/close', { body: { from: before, to: last, note } });
  await client.request('POST /api/v1/usage', {
    body: [
      late('acme', 'api.requests', '1200', before),
      late('globex', 'gpu.hours', '3.25', before),
      late('umbrella', 'tokens', '48000', before),
    ],
  });
  await client.request('POST /api/v1/periods/close', { body: { from: last, to: present, note } });
  await client.request('POST /api/v1/usage', {
    body: [late('acme', 'tokens', '181000', last), late('hooli', 'api.requests', '77', last)],
  });
  const { rows } = await client.request('GET /api/v1/statements', { query: { customerId: 'initech' } });
  await client.request('POST /api/v1/statements/{id}/reopen', {
    path: { id: rows[0].id },
    body: { note: 'The price that was agreed in spring was not set yet' },
  });
}

function late(customerId: string, dimensionId: string, recordValue: string, month: string) {
  return { customerId, dimensionId, recordValue, timestamp: `${month.slice(0, 8)}17T09:30:00Z` };
}

function monthStart(nowMs: number, months: number): string {
  const now = new Date(nowMs);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString().slice(0, 10);
}
