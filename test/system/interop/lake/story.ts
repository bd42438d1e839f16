/** Usage of some months, as people have it: declared and discovered, with credits, an alias, corrections and quarantine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../../support/random.ts';
import type { ReceiverProcess } from '../../../support/receiver-process.ts';

const SEED = 5;
const RECORDS = 1_200;
const RECORDS_PER_REQUEST = 200;
const FIRST_DAY = Date.UTC(2026, 0, 30);
const DAYS = 75;

const CUSTOMERS = ['acme', 'acme-before', 'globex', 'initech', 'umbrella "north", eu', 'hooli'];
const DIMENSIONS = [
  { id: 'api.requests', aggregation: 'sum', unit: '{request}' },
  { id: 'corrections', aggregation: 'sum', unit: '1', creditsAllowed: true },
  { id: 'sessions', aggregation: 'count', unit: '1' },
  { id: 'seats', aggregation: 'max', unit: '{seat}' },
  { id: 'reserve', aggregation: 'min', unit: 'By' },
  // A mean of days is none of the month: nothing that is summed up by day answers it.
  { id: 'load', aggregation: 'average', unit: '1' },
];

/** What the lake has to have. */
export interface Story {
  records: number;
  /** Of all record values, as DECIMAL(38, 12) spells it. */
  sum: string;
}

interface StoredRecord {
  recordId: string;
}

export async function recordStory({ url }: ReceiverProcess): Promise<Story> {
  const random = new Random(SEED);
  for (const dimension of DIMENSIONS) await post(url, '/api/v1/dimensions', dimension);
  await post(url, '/api/v1/customers', { id: 'acme', name: 'Acme Inc.', aliases: ['acme-before'] });
  let steps = 0n;
  let records = 0;
  const stored: { id: string; steps: bigint }[] = [];
  for (let first = 0; first < RECORDS; first += RECORDS_PER_REQUEST) {
    const values = Array.from({ length: RECORDS_PER_REQUEST }, () => randomRecord(random));
    const answer = (await post(
      url,
      '/api/v1/usage',
      values.map(({ record }) => record),
    )) as { records: StoredRecord[] };
    for (const [nth, value] of values.entries()) {
      steps += value.steps;
      records++;
      stored.push({ id: answer.records[nth].recordId, steps: value.steps });
    }
  }
  for (let nth = 0; nth < RECORDS; nth += 100) {
    await post(url, `/api/v1/records/${stored[nth].id}/void`, { reason: 'recorded by mistake' });
    steps -= stored[nth].steps;
    records--;
  }
  return { records, sum: decimal(steps) };
}

/** Waits until the lake has the story. */
export async function untilPublished({ url }: ReceiverProcess, { records, sum }: Story): Promise<void> {
  const query = 'SELECT count(*)::INTEGER, sum(record_value)::VARCHAR FROM usage_records';
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { rows } = (await post(url, '/api/v1/sql', { query })) as { rows: [number, string][] };
    if (rows[0][0] === records && rows[0][1] === sum) return;
    if (Date.now() > deadline) throw new Error(`the lake has ${rows[0]}, not ${records},${sum}`);
    await sleep(200);
  }
}

function randomRecord(random: Random): { record: object; steps: bigint } {
  const dimension = random.pick([...DIMENSIONS.map(({ id }) => id), 'discovered']);
  const places = random.pick([0, 1, 6, 12]);
  const sign = dimension === 'corrections' && random.chance(0.3) ? -1n : 1n;
  const steps = sign * BigInt(random.integer(1, 10_000_000)) * 10n ** BigInt(12 - places);
  const timestamp = new Date(FIRST_DAY + random.integer(0, DAYS * 86_400_000 - 1)).toISOString();
  const customerId = random.pick(CUSTOMERS);
  return {
    record: {
      customerId,
      dimensionId: dimension,
      timestamp,
      recordValue: decimal(steps),
      metadata: { region: random.pick(['eu', 'us']) },
    },
    steps,
  };
}

/** As DECIMAL(38, 12) is spelled. @param steps of 10^-12 */
function decimal(steps: bigint): string {
  const digits = (steps < 0n ? -steps : steps).toString().padStart(13, '0');
  return `${steps < 0n ? '-' : ''}${digits.slice(0, -12)}.${digits.slice(-12)}`;
}

async function post(url: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
