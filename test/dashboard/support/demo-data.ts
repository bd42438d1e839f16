/**
 * A receiver as it might be after some months: customers declared and discovered, dimensions of several kinds, days
 * and weeks that differ, and signals in quarantine. The same each time but for its distance from now.
 */
import { UsageMeterClient } from '../../../client/index.ts';
import { Random } from '../../support/random.ts';
import { seedMeters } from './demo-meters.ts';
import { seedPeriods } from './demo-periods.ts';

const DAY_MS = 24 * 3600_000;
const DAYS = 95;

const CUSTOMERS = [
  {
    id: 'acme',
    name: 'Acme GmbH',
    email: 'billing@acme.example',
    timeZone: 'Europe/Berlin',
    aliases: ['acme-eu', 'acme-us'],
    metadata: { plan: 'enterprise', region: 'eu' },
  },
  {
    id: 'globex',
    name: 'Globex Corporation',
    email: 'ap@globex.example',
    timeZone: 'America/New_York',
    metadata: { plan: 'business' },
  },
  { id: 'initech', name: 'Initech', timeZone: 'America/Chicago', metadata: { plan: 'starter' } },
  {
    id: 'umbrella',
    name: 'Umbrella Health',
    email: 'finance@umbrella.example',
    aliases: ['umbrella-labs'],
    metadata: { plan: 'enterprise' },
  },
  { id: 'hooli', name: 'Hooli', email: 'invoices@hooli.example', timeZone: 'America/Los_Angeles' },
  { id: 'stark', name: 'Stark Industries', aliases: ['stark-rnd'] },
  { id: 'wayne', name: 'Wayne Enterprises' },
];
const DISCOVERED = ['tyrell', 'soylent', 'cyberdyne', 'aperture', 'blackmesa'];

const DIMENSIONS = [
  { id: 'api.requests', name: 'API requests', unit: '1', unitPrice: '0.0004' },
  {
    id: 'tokens',
    name: 'Tokens',
    unit: '{token}',
    unitPrice: '0.000002',
    usageIncrement: '1000',
    rounding: 'ceiling' as const,
  },
  {
    id: 'storage',
    name: 'Stored data',
    unit: 'GBy',
    aggregation: 'time_integral' as const,
    usageIncrement: '1',
    unitPrice: '0.00012',
  },
  {
    id: 'gpu.hours',
    name: 'GPU hours',
    unit: 'h',
    usageIncrement: '0.25',
    rounding: 'ceiling' as const,
    unitPrice: '2.40',
  },
  { id: 'seats', name: 'Seats', unit: '{seat}', aggregation: 'max' as const, interval: 'month' as const },
];

const REGIONS = ['eu-central', 'us-east', 'ap-south'];
const MODELS = ['small', 'large'];

/** @param nowMs the end of what is told */
export async function seedDemo(url: string, nowMs: number): Promise<void> {
  const client = new UsageMeterClient({ url });
  for (const body of CUSTOMERS) await client.request('POST /api/v1/customers', { body });
  for (const body of DIMENSIONS) await client.request('POST /api/v1/dimensions', { body });
  const random = new Random(7);
  const ids = [...CUSTOMERS.map(({ id }) => id), ...DISCOVERED];
  for (let day = DAYS; day >= 0; day -= 1) {
    const midday = nowMs - day * DAY_MS - 600_000;
    const weekday = new Date(midday).getUTCDay();
    const busy = weekday === 0 || weekday === 6 ? 0.35 : 1;
    const body = ids.flatMap((customerId, rank) => {
      // Discovered customers came later; one of them went again.
      if (rank >= CUSTOMERS.length && day > 60 - rank * 3) return [];
      if (customerId === 'tyrell' && day < 12) return [];
      const size = (4000 / (rank + 1)) * busy * (0.7 + random.next() * 0.6) * (1.6 - day / DAYS);
      const region = REGIONS[(rank + day) % REGIONS.length];
      const at = (hours: number): string => new Date(midday - (hours + rank * 0.27) * 3600_000).toISOString();
      return [
        {
          dimensionId: 'api.requests',
          recordValue: `${Math.round(size)}`,
          timestamp: at(0),
          metadata: { region },
        },
        // Busy days have more records, too.
        ...Array.from({ length: Math.ceil((size * (rank + 1)) / 500) }, (_, part) => ({
          dimensionId: 'api.requests',
          recordValue: `${Math.round(size / 9)}`,
          timestamp: at(4 + part / 8),
          metadata: { region: REGIONS[(rank + part) % REGIONS.length] },
        })),
        {
          dimensionId: 'tokens',
          recordValue: `${Math.round(size * 211)}`,
          timestamp: at(1),
          metadata: { model: MODELS[(day + rank) % 2], region },
        },
        ...(rank % 3 === 0
          ? [{ dimensionId: 'gpu.hours', recordValue: (size / 700).toFixed(3), timestamp: at(2) }]
          : []),
        ...(rank % 2 === 0
          ? [
              {
                dimensionId: 'storage',
                recordValue: (120 + (DAYS - day) * 1.7 + rank * 40).toFixed(1),
                timestamp: at(3),
              },
            ]
          : []),
        ...(weekday === 1
          ? [
              {
                dimensionId: 'seats',
                recordValue: `${5 + rank * 3 + Math.floor((DAYS - day) / 12)}`,
                timestamp: at(4),
              },
            ]
          : []),
      ].map((record) => ({ ...record, customerId }));
    });
    await client.request('POST /api/v1/usage', { body });
  }
  await sendRunningTotal(url, nowMs);
  await sendUncountable(url, nowMs);
  await seedPeriods(client, nowMs);
  await seedMeters(client, url, nowMs);
}

/** A counter of bytes as an SDK exports it, every ten minutes of the last six hours: each reading is the sum so far. */
async function sendRunningTotal(url: string, nowMs: number): Promise<void> {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const startMs = nowMs - 6 * 3600_000;
  const dataPoints = Array.from({ length: 36 }, (_, index) => ({
    startTimeUnixNano: `${startMs}000000`,
    timeUnixNano: `${startMs + (index + 1) * 600_000}000000`,
    asInt: String(18_000_000 * (index + 1) + 4_000_000 * (index % 5)),
    attributes: [text('usage.customer.id', 'acme'), text('region', 'eu-central')],
  }));
  const body = {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            text('service.name', 'edge'),
            text('service.instance.id', 'edge-1'),
            text('telemetry.sdk.name', 'opentelemetry'),
          ],
        },
        scopeMetrics: [
          {
            scope: { name: 'edge-proxy', version: '2.1.0' },
            metrics: [
              {
                name: 'usage.egress',
                unit: 'By',
                sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints },
              },
            ],
          },
        ],
      },
    ],
  };
  const response = await fetch(`${url}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}

/** Points that meters claim and cannot count: without a customer, with another unit, negative, from the future. */
async function sendUncountable(url: string, nowMs: number): Promise<void> {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const acme = text('usage.customer.id', 'acme');
  const sum = (
    name: string,
    unit: string,
    points: { asInt: string; attributes: object[] }[],
    aheadMs = 0,
  ) => ({
    name,
    unit,
    sum: {
      aggregationTemporality: 1,
      isMonotonic: true,
      dataPoints: points.map((point, index) => ({
        ...point,
        timeUnixNano: `${nowMs + aheadMs - (index + 1) * 60_000}000000`,
        startTimeUnixNano: `${nowMs + aheadMs - (index + 2) * 60_000}000000`,
      })),
    },
  });
  const noCustomer = Array.from({ length: 12 }, (_, index) => ({
    asInt: `${40 + index * 7}`,
    attributes: [text('region', REGIONS[index % 3])],
  }));
  const metrics = [
    sum('usage.api.requests', '1', noCustomer),
    sum('usage.tokens', '{token}', noCustomer.slice(0, 5)),
    {
      // It was counting before anybody watched.
      name: 'usage.egress.total',
      unit: 'GBy',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: ['hooli', 'stark'].map((customer, index) => ({
          asDouble: 18.25 + index * 4,
          attributes: [text('usage.customer.id', customer), text('region', REGIONS[index])],
          timeUnixNano: `${nowMs - 60_000}000000`,
        })),
      },
    },
    sum('usage.tokens', 'kg', [
      { asInt: '900', attributes: [acme] },
      { asInt: '120', attributes: [acme] },
    ]),
    sum('usage.api.requests', '1', [{ asInt: '-5', attributes: [acme] }]),
    sum(
      'usage.api.requests',
      '1',
      [{ asInt: '31', attributes: [text('usage.customer.id', 'globex')] }],
      DAY_MS,
    ),
    {
      name: 'usage.queue.length',
      unit: '1',
      gauge: { dataPoints: [{ asInt: '3', timeUnixNano: `${nowMs - 60_000}000000`, attributes: [acme] }] },
    },
  ];
  const resource = {
    attributes: [text('service.name', 'checkout'), text('service.instance.id', 'checkout-1')],
  };
  const response = await fetch(`${url}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
}
