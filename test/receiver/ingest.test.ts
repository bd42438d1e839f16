import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BodyEncoding, FRAME_LOGS, FRAME_METRICS, PLAIN_JSON } from '../../receiver/frames.ts';
import { Ingest, LookBackError } from '../../receiver/ingest.ts';
import { ChangeError } from '../../receiver/metering/registry.ts';
import type { Change, SignalCorrection, SignalReference } from '../../storage/changes.ts';
import { parseQuarantineSignalsQuery, parseUsageQuery } from '../../storage/query/index.ts';
import { textFromInstant } from '../../storage/query/instant.ts';
import { compareLedgers } from '../support/ledger-comparison.ts';

const MINUTE = 60_000_000_000n;

let directory: string;
let ingest: Ingest;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ingest-'));
  ingest = await Ingest.open({ dataDir: directory });
});

afterEach(async () => {
  await ingest.close();
  await rm(directory, { recursive: true, force: true });
});

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

type Attributes = Record<string, string>;

function attributes(pairs: Attributes) {
  return Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function logs(records: readonly Attributes[]) {
  const timeUnixNano = String(now());
  const logRecords = records.map((pairs) => ({ timeUnixNano, attributes: attributes(pairs) }));
  return { resourceLogs: [{ resource: {}, scopeLogs: [{ scope: { name: 'app' }, logRecords }] }] };
}

/** @param spaces behind the body, which mean nothing: what makes a frame large */
function take(
  kind: typeof FRAME_LOGS | typeof FRAME_METRICS,
  body: object,
  spaces = 0,
  encoding: BodyEncoding = PLAIN_JSON,
) {
  const text = Buffer.from(JSON.stringify(body));
  const raw = Buffer.alloc(text.length + spaces, ' ');
  text.copy(raw);
  return ingest.signals(kind, encoding.compression === 'gzip' ? gzipSync(raw) : raw, encoding);
}

const orphan = (id: string): Attributes => ({
  'usage.dimension.id': 'calls',
  'usage.value': '5',
  'usage.event.id': id,
});

const reference = (sequence: number, ordinal = 0, meterId = 'builtin'): SignalReference => ({
  sequence,
  ordinal,
  meterId,
});

function replay(signals: SignalReference[], correction: SignalCorrection | null = null): Change {
  return { type: 'quarantine_replayed', signals, correction, note: null };
}

async function open(): Promise<string[]> {
  await ingest.caughtUp();
  const { rows } = await ingest.ledger.query({
    type: 'quarantineSignals',
    query: { ...parseQuarantineSignalsQuery([]), limit: 1000 },
  });
  return rows.map(({ sequence, ordinal, meterId, reason }) => `${sequence}.${ordinal} ${meterId} ${reason}`);
}

/** Closes, makes the ledger anew from the journal, and compares. */
async function expectSameWhenRebuilt(): Promise<void> {
  await ingest.close();
  const rebuilt = join(directory, 'rebuilt.duckdb');
  await (await Ingest.open({ dataDir: directory, ledgerPath: rebuilt })).close();
  const differences = await compareLedgers(join(directory, 'ledger.duckdb'), rebuilt);
  expect(differences.filter(({ onlyInFirst, onlyInSecond }) => onlyInFirst + onlyInSecond > 0)).toEqual([]);
}

test('a replay of what has not come yet is refused: a rebuild would find something there', async () => {
  await take(FRAME_LOGS, logs([{ ...orphan('a'), 'usage.customer.id': 'acme' }]));
  await expect(ingest.change({ changes: [replay([reference(3)])] })).rejects.toThrow(ChangeError);
  await ingest.change({ changes: [replay([reference(1)])] });
  await take(FRAME_LOGS, logs([orphan('b')]));
  expect(await open()).toEqual(['3.0 builtin missing_customer']);
  await expectSameWhenRebuilt();
});

test('a replay right behind its signal finds it, live as in a rebuild', async () => {
  const taken = take(FRAME_LOGS, logs([orphan('a')]));
  await ingest.change({ changes: [replay([reference(1)], { customerId: 'acme' })] });
  await taken;
  expect(await open()).toEqual([]);
  await expectSameWhenRebuilt();
});

test.each([
  ['records by hand', 1],
  ['logs', 2],
  ['a change', 3],
])('a replay of a place that %s do not have does nothing', async (_, sequence) => {
  const timeUnixNano = String(now());
  const record = { customerId: 'acme', dimensionId: 'calls', recordValue: '1', timeUnixNano };
  await ingest.records([{ ...record, startUnixNano: '0', metadata: {}, id: null }]);
  await take(FRAME_LOGS, logs([orphan('a')]));
  await ingest.change({ changes: [replay([reference(2)])] });
  for (const correction of [null, { customerId: 'acme' }])
    await ingest.change({ changes: [replay([reference(sequence, 7, 'api')], correction)] });
  await take(FRAME_LOGS, logs([orphan('b')]));
  expect(await open()).toHaveLength(2);
});

test('what a change says is what recovery will read', async () => {
  const rule = JSON.parse(
    '{"id":"m","signals":["logs"],"match":{"all":[{"path":"event_name","eq":"e"}]},"customer":"body",' +
      '"dimension":"d","__proto__":{"enabled":false}}',
  );
  const put = { rule, managedBy: 'api', id: 'm', type: 'meter_put' } as const;
  await ingest.change({ changes: [put] });
  await expectSameWhenRebuilt();
});

test('all signals of one frame are corrected by one change', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `e${i}`);
  await take(FRAME_LOGS, logs(ids.map(orphan)));
  const point = {
    startTimeUnixNano: String(now() - MINUTE),
    timeUnixNano: String(now()),
    asInt: '7',
    attributes: attributes({ region: 'eu' }),
  };
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point, { ...point, asInt: '8' }] };
  const metrics = [{ name: 'usage.calls', unit: '1', sum }];
  await take(FRAME_METRICS, { resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: {}, metrics }] }] });
  const signals = [...ids.map((_, ordinal) => reference(1, ordinal)), reference(2, 0), reference(2, 1)];
  await ingest.change({ changes: [replay(signals, { customerId: 'acme' })] });
  expect(await open()).toEqual([]);
  const from = now() - MINUTE;
  const { rows } = await ingest.ledger.query({
    type: 'usage',
    query: parseUsageQuery([
      ['from', textFromInstant(from)],
      ['to', textFromInstant(from + 2n * MINUTE)],
    ]),
  });
  expect(rows.map(({ customerId, quantity, records }) => [customerId, quantity, records])).toEqual([
    ['acme', String(50 * 5 + 7 + 8), 52],
  ]);
});

test('a change looks back at so many inflated bytes, but at each frame alone', async () => {
  const encoding = { format: 'json', compression: 'gzip' } as const;
  for (const id of ['a', 'b', 'c']) await take(FRAME_LOGS, logs([orphan(id)]), 40 * 1024 * 1024, encoding);
  const all = [1, 2, 3].map((sequence) => reference(sequence));
  const correction = { customerId: 'acme' };
  await expect(ingest.change({ changes: [replay(all, correction)] })).rejects.toThrow(LookBackError);
  expect(await open()).toHaveLength(3);
  for (const one of all) await ingest.change({ changes: [replay([one], correction)] });
  expect(await open()).toEqual([]);
});

test('what a replay looks back at stays in the journal until the ledger has taken the replay', async () => {
  // The second frame begins another segment.
  for (const id of ['a', 'b']) await take(FRAME_LOGS, logs([orphan(id)]), 40 * 1024 * 1024);
  await ingest.caughtUp();
  const future = now() + MINUTE;
  const change = ingest.change({ changes: [replay([reference(1)], { customerId: 'acme' })] });
  const released = await ingest.releaseJournal(future);
  const { position } = ingest.ledger;
  const { sequence } = await change;
  expect(released === 0 || position >= sequence).toBe(true);
  expect(await open()).toEqual(['2.0 builtin missing_customer']);
  expect(released + (await ingest.releaseJournal(future))).toBe(1);
});
