/** Meters as somebody might have written them, one with several versions, and signals that they claim. */
import type { UsageMeterClient } from '../../../client/index.ts';

const HOUR_MS = 3600_000;

const EXPORTS = {
  name: 'Exported reports',
  signals: ['logs' as const],
  match: { all: [{ path: 'event_name', eq: 'export.finished' }] },
  customer: 'attributes["tenant.id"]',
  dimension: 'exports',
  value: { path: 'attributes["rows"]' },
};

const RENDERING = {
  id: 'rendering',
  name: 'Time spent rendering',
  signals: ['spans' as const],
  match: {
    all: [
      { path: 'name', regex: '^job\\.' },
      { path: 'kind', in: ['internal', 'consumer'] },
    ],
    none: [{ path: 'status.code', eq: 'error' }],
  },
  customer: 'attributes["tenant.id"]',
  dimension: 'rendering',
  value: 'duration' as const,
  metadata: { job: 'name' },
};

/** @param nowMs the end of what is told */
export async function seedMeters(client: UsageMeterClient, url: string, nowMs: number): Promise<void> {
  await client.request('POST /api/v1/dimensions', {
    body: { id: 'exports', name: 'Exported rows', unit: '{row}', unitPrice: '0.00005' },
  });
  await client.request('POST /api/v1/dimensions', {
    body: {
      id: 'rendering',
      name: 'Rendering time',
      unit: 'min',
      usageIncrement: '0.5',
      rounding: 'ceiling',
      unitPrice: '0.08',
    },
  });
  await client.request('POST /api/v1/meters', { body: { id: 'exports', ...EXPORTS } });
  await client.request('PUT /api/v1/meters/{id}', {
    path: { id: 'exports' },
    body: {
      ...EXPORTS,
      customer: { path: ['attributes["tenant.id"]', 'resource["tenant.id"]'] },
      metadata: ['format'],
    },
  });
  await client.request('PUT /api/v1/meters/{id}', {
    path: { id: 'exports' },
    body: { ...EXPORTS, metadata: ['format', 'region'], eventId: ['attributes["export.id"]'] },
  });
  await client.request('POST /api/v1/meters', { body: RENDERING });
  await sendExports(url, nowMs);
}

/** Logs of exports; of some nobody knows whose they were, and one says no number. */
export async function sendExports(url: string, nowMs: number): Promise<void> {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  // More in some weeks than in others.
  const hoursAgo = (index: number): number => 0.2 + index * 3.1 + 40 * Math.sin(index / 20);
  const logRecords = Array.from({ length: 220 }, (_, index) => ({
    timeUnixNano: `${Math.round(nowMs - Math.abs(hoursAgo(index)) * HOUR_MS)}000000`,
    eventName: 'export.finished',
    body: { stringValue: 'export finished' },
    attributes: [
      ...(index % 31 === 5 ? [] : [text('tenant.id', ['acme', 'globex', 'initech'][index % 3])]),
      text('rows', index === 20 ? 'many' : `${1200 + ((index * 7919) % 9000)}`),
      text('export.id', `export-${index}`),
      text('format', index % 2 === 0 ? 'csv' : 'parquet'),
      text('region', index % 4 === 0 ? 'eu-central' : 'us-east'),
    ],
  }));
  const resource = {
    attributes: [text('service.name', 'reports'), text('service.instance.id', 'reports-1')],
  };
  const response = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}
