/**
 * Random usage through a running receiver: every cell is the sum of its records, and each record's signal is found in the
 * journal with the record's value; again after a restart and after a rebuild. USAGE_METER_SEED repeats one seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rebuildLedger } from '../../receiver/rebuild.ts';
import { scaledFromText } from '../../storage/decimal.ts';
import { expectSumOfParts } from '../storage/query/explain-sums.ts';
import { unixNano } from '../storage/query/stored-usage.ts';
import { ruleOf, STORY_DIMENSIONS, type StoryChange, type StoryChapter } from '../support/event-story.ts';
import { encodeEvents, looseEvent } from '../support/otlp-events.ts';
import type { OtlpPoint } from '../support/otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from '../support/otlp-writer.ts';
import { randomCase } from '../support/property-run.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';
import { ApiClient } from './api/api-client.ts';

const seed = seedFromEnvironment(Date.now() % 1_000_000);
const RANGE = { from: '2025-11-20T00:00:00Z', to: '2025-11-23T00:00:00Z' };
const TOTALS = { window: 'total' };
const DAYS = { window: 'day', timeZone: 'America/Los_Angeles', fill: 'false' };
const REGIONS = { window: 'total', groupBy: 'customerId,dimensionId,metadata.region' };
const writer = new ProtobufWriter();

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer is what the test says it is
type Answer = any;

test(`seed ${seed}`, async () => {
  const random = new Random(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-explain-'));
  let receiver = await startReceiver({ dataDir });
  try {
    await tell(receiver, random);
    const before = await explainAll(new ApiClient(receiver.url), [TOTALS]);
    expect(before.size).toBeGreaterThan(10);
    await receiver.stop();
    receiver = await startReceiver({ dataDir });
    expect(await explainAll(new ApiClient(receiver.url), [TOTALS]), 'after a restart').toEqual(before);
    await receiver.stop();
    await rebuildLedger({ dataDir });
    receiver = await startReceiver({ dataDir });
    const api = new ApiClient(receiver.url);
    expect(await explainAll(api, [TOTALS]), 'after a rebuild').toEqual(before);
    await explainAll(api, [DAYS, REGIONS]);

    // The same records under other aggregations, increments and corrections of running totals among them.
    for (const [dimension, terms] of [
      ['api.requests', { aggregation: 'max', interval: 'day', unit: '1' }],
      ['tokens', { aggregation: 'last', unit: '{token}' }],
      ['storage', { aggregation: 'time_weighted', interval: 'hour', unit: 'By' }],
      ['events', { aggregation: 'unique', uniqueKey: 'region' }],
      ['clicks', { aggregation: 'average', interval: 'day' }],
      ['by.hand', { aggregation: 'count' }],
    ] as const)
      expect((await api.put(`/dimensions/${dimension}`, terms)).status).toBeLessThan(300);
    await explainAll(api, [DAYS, REGIONS]);
    await receiver.stop();
  } catch (error) {
    await receiver.kill();
    throw error;
  }
  rmSync(dataDir, { recursive: true });
}, 600_000);

/** Sends a random story, each signal once or twice. */
async function tell(receiver: ReceiverProcess, random: Random): Promise<void> {
  const { declared, points, chapters } = randomCase(random);
  const api = new ApiClient(receiver.url);
  for (const dimension of STORY_DIMENSIONS)
    expect((await api.post('/dimensions', dimension)).status).toBe(201);
  await sendPoints(receiver, declared, random);
  for (const [index, chapter] of chapters.entries()) {
    for (const change of chapter.changes) await make(api, change);
    const own = random.shuffled(points.filter((_, at) => at % chapters.length === index));
    while (own.length > 0) await sendPoints(receiver, own.splice(0, random.integer(1, 40)), random);
    await sendEvents(receiver, chapter, random);
    for (const { record } of chapter.records) {
      const { timeUnixNano, ...rest } = record;
      const seconds = new Date(Number(timeUnixNano / 1_000_000n)).toISOString().slice(0, 19);
      const timestamp = `${seconds}.${String(timeUnixNano % 1_000_000_000n).padStart(9, '0')}Z`;
      expect((await api.post('/usage', { ...rest, timestamp })).status).toBeLessThan(410);
    }
  }
}

async function make(api: ApiClient, change: StoryChange): Promise<void> {
  const { status } =
    change.type === 'meter'
      ? await api.put(`/meters/${change.meter.id}`, ruleOf(change.meter))
      : change.type === 'meter_deleted'
        ? await api.delete(`/meters/${change.id}`)
        : await api.put(`/customers/${encodeURIComponent(change.id)}`, { aliases: change.aliases });
  expect(status).toBeLessThan(300);
}

async function sendPoints(receiver: ReceiverProcess, points: OtlpPoint[], random: Random): Promise<void> {
  const request = requestOf(points);
  const isJson = random.chance(0.4);
  await send(receiver, 'metrics', isJson ? Buffer.from(toJson(request, {})) : writer.encode(request), isJson);
}

async function sendEvents(
  receiver: ReceiverProcess,
  { events }: StoryChapter,
  random: Random,
): Promise<void> {
  for (const [signal, type] of [
    ['logs', 'log'],
    ['traces', 'span'],
  ] as const) {
    const own = random.shuffled(events.filter((event) => event.type === type)).map(looseEvent);
    while (own.length > 0) {
      const isJson = random.chance(0.4);
      const group = own.splice(0, random.integer(1, 30));
      await send(receiver, signal, encodeEvents(signal, group, isJson ? 'json' : 'protobuf'), isJson);
    }
  }
}

async function send(
  receiver: ReceiverProcess,
  signal: string,
  body: Uint8Array,
  isJson: boolean,
): Promise<void> {
  const { status } = await fetch(`${receiver.url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'Content-Type': isJson ? 'application/json' : 'application/x-protobuf' },
    body: Buffer.from(body),
  });
  expect(status).toBe(200);
}

/** Explains every row of some answers. @returns what each cell came to, and its records */
async function explainAll(
  api: ApiClient,
  questions: readonly Record<string, string>[],
): Promise<Map<string, unknown>> {
  const explained = new Map<string, unknown>();
  for (const question of questions) {
    const withSignals = question === TOTALS;
    const params = { ...RANGE, ...question };
    const { status, body } = await api.get(`/usage?${new URLSearchParams(params)}`);
    expect(status, JSON.stringify(body)).toBe(200);
    for (const row of body.rows) {
      const named = new URLSearchParams({ ...params, windowStart: row.windowStart });
      named.set('customerId', row.customerId);
      named.set('dimensionId', row.dimensionId);
      const region = row.metadata?.region;
      if (region === null) named.set('missing', 'region');
      else if (region !== undefined) named.set('metadata.region', region);
      const what = `seed ${seed}: ${named}`;
      const pages = await explain(api, named, withSignals);
      expect(pages[0].cell, what).toEqual(row);
      expectSumOfParts(pages, what);
      const records = pages.flatMap((page) => page.records);
      if (withSignals) for (const record of records) expectSignals(record, `${what}, ${record.recordId}`);
      explained.set(
        String(named),
        // Records of one time come in the order in which they were stored, which a rebuild may change.
        records
          .map(({ recordId, contribution, flags, reading, meterVersion, signal }: Answer) => ({
            recordId,
            contribution,
            flags,
            reading,
            meterVersion,
            signal,
          }))
          .sort((a: Answer, b: Answer) => (a.recordId < b.recordId ? -1 : 1)),
      );
    }
  }
  return explained;
}

async function explain(api: ApiClient, named: URLSearchParams, withSignals: boolean): Promise<Answer[]> {
  const pages: Answer[] = [];
  for (let cursor: string | null = null; ; ) {
    const params = new URLSearchParams(named);
    if (withSignals) params.set('signals', 'true');
    if (cursor !== null) params.set('cursor', cursor);
    const { status, body } = await api.get(`/usage/explain?${params}`);
    expect(status, JSON.stringify(body)).toBe(200);
    pages.push(body);
    cursor = body.nextCursor;
    if (cursor === null) return pages;
  }
}

function expectSignals(record: Answer, what: string): void {
  const { signal, previous, late, reading } = record;
  expectSignal(signal, record, reading ?? record, what);
  if (reading?.previous != null) expectSignal(previous, record, reading.previous, what);
  for (const [i, one] of (record.lateReadings ?? []).entries()) expectSignal(late[i], record, one, what);
}

/** The signal has the time and the value that were counted. */
function expectSignal(found: Answer, record: Answer, origin: Answer, what: string): void {
  expect(found.gone, what).toBeUndefined();
  expect(found.sequence, what).toBe(origin.sequence);
  const value = scaledFromText(origin.value ?? record.recordValue);
  const time = unixNano(origin.timestamp);
  const { signal } = found;
  switch (found.kind) {
    case 'metric': {
      const [{ sum }] = signal.resourceMetrics[0].scopeMetrics[0].metrics;
      const [point] = sum.dataPoints;
      expect(BigInt(point.timeUnixNano), what).toBe(time);
      expect(scaledFromText(String(point.asInt ?? point.asDouble)), what).toBe(value);
      break;
    }
    case 'log': {
      const [log] = signal.resourceLogs[0].scopeLogs[0].logRecords;
      expect(
        [log.timeUnixNano, log.observedTimeUnixNano].map((text) => BigInt(text ?? 0)),
        what,
      ).toContain(time);
      expectEventValue(log, record, value, what);
      break;
    }
    case 'span': {
      const [span] = signal.resourceSpans[0].scopeSpans[0].spans;
      expect(BigInt(span.endTimeUnixNano), what).toBe(time);
      expectEventValue(span, record, value, what);
      break;
    }
    default:
      expect(BigInt(signal.timeUnixNano), what).toBe(time);
      expect(scaledFromText(signal.recordValue), what).toBe(value);
  }
}

/** Of the built-in meter's events, whose value is its own; configured meters convert theirs. */
function expectEventValue({ attributes }: Answer, record: Answer, value: bigint | null, what: string): void {
  if (record.meterId !== 'builtin') return;
  const came = attributes.find(({ key }: Answer) => key === 'usage.value')?.value;
  const text = came === undefined ? '1' : String(Object.values(came)[0]);
  expect(scaledFromText(text), what).toBe(value);
}
