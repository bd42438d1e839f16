/**
 * Random records through a running receiver: API, command line and SQL answer as the model does, to the last decimal.
 * Every combination is asked of the engine in test/model/question-model.test.ts; here it is the way there and back.
 * `SEED=n` repeats a run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { textFromScaled } from '../../storage/decimal.ts';
import type { UsageRow } from '../../storage/query/index.ts';
import { runInProcess } from '../cli/in-process.ts';
import {
  type ModelDimension,
  type ModelQuestion,
  type ModelRecord,
  type ModelRow,
  modelAnswer,
} from '../model/question-model.ts';
import { type RandomNumbers, randomNumbers, seedOfThisRun } from '../storage/query/random.ts';
import { unixNano } from '../storage/query/stored-usage.ts';
import { ledgerPath, startReceiver } from '../support/receiver-process.ts';
import { ApiClient } from './api/api-client.ts';

const AGGREGATIONS = 'sum count max min last average unique time_weighted time_integral'.split(' ');
const ZONES = ['UTC', 'America/Los_Angeles', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kolkata'];
const FROM = unixNano('2026-02-20T00:00:00Z');
const TO = unixNano('2026-04-20T00:00:00Z');
const QUARTER = 900_000_000_000n;

const seed = seedOfThisRun();

test(`seed ${seed}`, { timeout: 240_000 }, async () => {
  const random = randomNumbers(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-oracle-'));
  const receiver = await startReceiver({ dataDir });
  const summed: { macro: string; rows: ModelRow[] }[] = [];
  try {
    const api = new ApiClient(receiver.url);
    const dimensions = randomDimensions(random);
    for (const dimension of dimensions) await declare(api, dimension);
    const records = randomRecords(random, dimensions);
    const stored = await send(api, records);
    const before = (await api.get('/status')).body.journal.durableSequence as number;
    for (const [i, record] of records.entries()) {
      record.sequence = before;
      if (random.below(10) > 0) continue;
      const reply = await api.post(`/records/${stored[i]}/void`, { reason: 'the oracle says so' });
      expect(reply.status).toBe(200);
      record.voidedBy = before + 1;
    }

    for (let round = 0; round < 20; round++) {
      const question = randomQuestion(random, before);
      const params = paramsOf(question);
      const expected = modelAnswer(records, dimensions, question).map((row) => shown(row, question));
      const hint = `seed ${seed}, round ${round}: ${new URLSearchParams(params)}`;
      const { status, body } = await api.get(`/usage?${new URLSearchParams(params)}`);
      expect(status, `${hint} ${JSON.stringify(body)}`).toBe(200);
      expect(body.rows.map(plain), hint).toEqual(expected);
      if (round % 5 !== 0) continue;
      const flags = params.flatMap(([name, value]) => flagOf(name, value));
      const { code, stdout, stderr } = await runInProcess([
        'query',
        ...flags,
        '--json',
        '--url',
        receiver.url,
      ]);
      expect([code, stderr], hint).toEqual([0, '']);
      expect(JSON.parse(stdout).rows.map(plain), hint).toEqual(expected);
    }

    // What only the ledger can see is the caller's mistake all the same.
    for (const [refused, parameter] of [
      ['dimensionId=max.day&window=hour', 'window'],
      ['window=hour', 'window'],
      [`asOf=${before + 1_000_000}`, 'asOf'],
      ['asOf=2100-01-01T00:00:00Z', 'asOf'],
    ]) {
      const { status, body } = await api.get(`/usage?from=2026-03-01&to=2026-03-02&${refused}`);
      expect([status, body.parameter], JSON.stringify(body)).toEqual([400, parameter]);
    }

    for (const zone of ZONES) {
      const range = { from: local('2026-03-01', zone), to: local('2026-04-11', zone) };
      const question = { ...everything(dimensions), ...range, zone, fill: false };
      for (const window of ['day', 'month'] as const)
        summed.push({
          macro: `usage_by_window('2026-03-01', '2026-04-11', '${window}', '${zone}')`,
          rows: modelAnswer(records, dimensions, { ...question, window }),
        });
      summed.push({
        macro: `usage_by_period('2026-03-01', '2026-04-11', 31, '${zone}')`,
        rows: modelAnswer(records, dimensions, { ...question, window: 'period', anchor: 31 }),
      });
    }
    await receiver.stop();
    const instance = await DuckDBInstance.create(ledgerPath(dataDir), { access_mode: 'READ_ONLY' });
    const connection = await instance.connect();
    for (const { macro, rows } of summed) {
      const reader = await connection.runAndReadAll(
        `SELECT customer_id, dimension_id, epoch_ns(window_start), epoch_ns(window_end), quantity::VARCHAR, records
         FROM ${macro} ORDER BY customer_id, dimension_id, window_start`,
      );
      const bySql = reader
        .getRows()
        .map(([customer, dimension, start, end, quantity, count]) => [
          customer,
          dimension,
          start,
          end,
          (quantity as string).replace(/\.?0+$/, ''),
          Number(count),
        ]);
      const byModel = rows.map(({ group, windowStart, windowEnd, quantity, records: count }) => [
        ...group,
        windowStart,
        windowEnd,
        quantity,
        count,
      ]);
      expect(byModel.length).toBeGreaterThan(0);
      expect(bySql, `seed ${seed}: ${macro}`).toEqual(byModel);
    }
    connection.closeSync();
    instance.closeSync();
  } finally {
    await receiver.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function randomDimensions(random: RandomNumbers): ModelDimension[] {
  return AGGREGATIONS.flatMap((aggregation) =>
    (['none', 'day'] as const).map((interval) => ({
      id: `${aggregation}.${interval}`,
      unit: '1',
      aggregation,
      interval,
      uniqueKey: aggregation === 'unique' ? 'user' : null,
      levelTtl: aggregation === 'time_integral' ? 86_400 : null,
      increment: random.pick([null, 10n ** 12n, 5n * 10n ** 10n]),
      rounding: random.pick(['floor', 'ceiling', 'round'] as const),
      unitPrice: random.pick([null, 3n * 10n ** 10n]),
    })),
  );
}

async function declare(api: ApiClient, dimension: ModelDimension): Promise<void> {
  const { id, increment, unitPrice, ...terms } = dimension;
  const reply = await api.put(`/dimensions/${id}`, {
    ...terms,
    usageIncrement: increment === null ? null : textFromScaled(increment),
    unitPrice: unitPrice === null ? null : textFromScaled(unitPrice),
    creditsAllowed: true,
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
}

/** No two at one time: ties are decided by keys that only the ledger knows. */
function randomRecords(random: RandomNumbers, dimensions: ModelDimension[]): ModelRecord[] {
  const quarters = Number((TO - FROM) / QUARTER);
  return Array.from({ length: 500 }, (_, i) => ({
    customerId: random.pick(['ant', 'bee', 'Dög']),
    dimensionId: random.pick(dimensions).id,
    time: FROM + BigInt(random.below(quarters)) * QUARTER + BigInt(i),
    start: 0n,
    quantity: BigInt(random.below(2 ** 30)) * 10n ** BigInt(random.below(8)) - 10n ** 14n,
    metadata: random.pick<Record<string, string>>([{}, { user: 'u1' }, { user: 'u2', region: 'eu' }]),
    kind: 'record',
    sequence: 0,
    voidedBy: null,
    seriesHash: 0,
    eventKey: null,
  }));
}

/** @returns their record ids */
async function send(api: ApiClient, records: readonly ModelRecord[]): Promise<string[]> {
  const { status, body } = await api.post(
    '/usage',
    records.map(({ customerId, dimensionId, time, quantity, metadata }, i) => ({
      id: `record-${i}`,
      customerId,
      dimensionId,
      recordValue: textFromScaled(quantity),
      timestamp: instantText(time),
      metadata,
    })),
  );
  expect(status, JSON.stringify(body).slice(0, 500)).toBe(201);
  return body.records.map(({ recordId }: { recordId: string }) => recordId);
}

function everything(dimensions: readonly ModelDimension[]): ModelQuestion {
  return {
    from: FROM,
    to: TO,
    window: 'total',
    zone: 'UTC',
    anchor: null,
    customerIds: null,
    dimensionIds: dimensions
      .filter(({ aggregation }) => ['sum', 'count'].includes(aggregation))
      .map(({ id }) => id),
    metadata: {},
    groupBy: ['customerId', 'dimensionId'],
    fill: true,
    asOfSequence: null,
    holdUntil: TO,
  };
}

function randomQuestion(random: RandomNumbers, position: number): ModelQuestion {
  const window = random.pick(['day', 'week', 'month', 'period', 'total'] as const);
  const from = FROM + BigInt(random.below(3000)) * QUARTER;
  const to = from + BigInt(random.below(2500)) * QUARTER + BigInt(random.below(2));
  return {
    ...everything([]),
    from,
    to,
    window,
    zone: random.pick(ZONES),
    anchor: window === 'period' ? random.pick([1, 29, 31]) : null,
    customerIds: random.pick([null, ['ant', 'Dög']]),
    dimensionIds: null,
    metadata: random.pick<Record<string, string[]>>([{}, { user: ['u1', 'u2'] }]),
    groupBy: random.pick([
      ['customerId', 'dimensionId'],
      ['dimensionId'],
      ['dimensionId', 'metadata.region'],
    ]),
    fill: random.below(2) === 0,
    asOfSequence: random.pick([null, null, position]),
    // All of it is past.
    holdUntil: to,
  };
}

function paramsOf(question: ModelQuestion): [string, string][] {
  const { from, to, window, zone, anchor, customerIds, metadata, groupBy, fill, asOfSequence } = question;
  return [
    ['from', instantText(from)],
    ['to', instantText(to)],
    ['window', window],
    ['timeZone', zone],
    ...(anchor === null ? [] : [['anchor', String(anchor)] as [string, string]]),
    ...(customerIds ?? []).map((id): [string, string] => ['customerId', id]),
    ...Object.entries(metadata).flatMap(([key, values]) =>
      values.map((value): [string, string] => [`metadata.${key}`, value]),
    ),
    ['groupBy', groupBy.join(',')],
    ...(fill ? [] : [['fill', 'false'] as [string, string]]),
    ...(asOfSequence === null ? [] : [['asOf', String(asOfSequence)] as [string, string]]),
  ];
}

/** A parameter as `usage-meter query` takes it. */
function flagOf(name: string, value: string): string[] {
  if (name === 'fill') return ['--no-fill'];
  if (name === 'customerId') return ['--customer', value];
  if (name.startsWith('metadata.')) return ['--metadata', `${name.slice('metadata.'.length)}=${value}`];
  return [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value];
}

function plain(row: UsageRow): unknown {
  const { unit: _unit, ...rest } = row;
  return { ...rest, windowStart: unixNano(row.windowStart), windowEnd: unixNano(row.windowEnd) };
}

/** A row of the model as the API has it. */
function shown(
  { group, billable, amount, dimensionId: _, ...row }: ModelRow,
  { groupBy }: ModelQuestion,
): unknown {
  const labels = groupBy.map((key, i) =>
    key.startsWith('metadata.')
      ? ['metadata', { [key.slice('metadata.'.length)]: group[i] }]
      : [key, group[i]],
  );
  return {
    ...Object.fromEntries(labels),
    ...row,
    billableQuantity: billable,
    ...(amount === null ? {} : { amount }),
  };
}

function instantText(time: bigint): string {
  const text = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${text}.${(time % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

/** Midnight of a zone, by what its clock shows at UTC's. */
function local(date: string, zone: string): bigint {
  const utc = unixNano(`${date}T00:00:00Z`);
  for (let quarters = -56n; quarters <= 56n; quarters++) {
    const instant = utc + quarters * QUARTER;
    const shownThere = new Date(Number(instant / 1_000_000n)).toLocaleString('sv-SE', { timeZone: zone });
    if (shownThere === `${date} 00:00:00`) return instant;
  }
  throw new Error(`${date} has no midnight in ${zone}`);
}
