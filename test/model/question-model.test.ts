/**
 * Random questions over random records: the engine's answer is the model's, to the last decimal. `SEED=n` repeats a
 * run; each case that fails prints its seed and its question.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textFromScaled } from '../../storage/decimal.ts';
import { parseUsageQuery, runQuery, type UsageRow } from '../../storage/query/index.ts';
import { type RandomNumbers, randomNumbers, seedOfThisRun } from '../storage/query/random.ts';
import { type StoredRecord, StoredUsage, unixNano } from '../storage/query/stored-usage.ts';
import {
  type ModelDimension,
  type ModelQuestion,
  type ModelRecord,
  type ModelRow,
  modelAnswer,
} from './question-model.ts';
import type { ModelWindow } from './zone-model.ts';

const ZONES = ['UTC', 'America/Los_Angeles', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kolkata'];
const AGGREGATIONS = [
  'sum',
  'count',
  'max',
  'min',
  'last',
  'average',
  'unique',
  'time_weighted',
  'time_integral',
];
const INTERVALS = ['none', 'hour', 'day', 'month'] as const;
const ROUNDINGS = ['none', 'floor', 'ceiling', 'round'] as const;
const INCREMENTS = [1n, 10n ** 11n, 10n ** 12n, 7n * 10n ** 12n, 333n];
const SIZES: ModelWindow[] = ['minute', 'hour', 'day', 'week', 'month', 'period', 'total'];
const MINUTE = 60_000_000_000n;
const DAY = 1440n * MINUTE;
/** Frames up to this one are known; each came half a day after the one before. */
const POSITION = 100;
const FRAME_NANO = DAY / 2n;

/** In each season. */
const CASES = Number(process.env.CASES ?? 1000);

/** A stretch of time that records and questions fall into, and instants in it that many of them are near to. */
interface Season {
  from: string;
  to: string;
  moments: string[];
  /** Whether some sums are beyond 128 bits: where none can be, the engine sums otherwise. */
  hasVast: boolean;
}

const SEASONS: Record<string, Season> = {
  'a leap day, and clocks that go forward (or back, in the south)': {
    from: '2024-01-28T00:00:00Z',
    to: '2024-05-03T00:00:00Z',
    moments: [
      '2024-01-31T23:30:00Z',
      '2024-02-29T00:00:00Z',
      '2024-03-01T00:00:00Z',
      '2024-03-10T10:00:00Z', // Los Angeles
      '2024-03-31T01:00:00Z', // Berlin
      '2024-04-06T15:00:00Z', // Lord Howe, half an hour
      '2024-03-31T18:30:00Z', // a month of Kolkata
    ],
    hasVast: false,
  },
  'clocks that go back (or forward, in the south)': {
    from: '2024-08-29T00:00:00Z',
    to: '2024-12-02T00:00:00Z',
    moments: [
      '2024-08-31T18:30:00Z',
      '2024-10-05T15:30:00Z', // Lord Howe
      '2024-10-27T01:00:00Z', // Berlin
      '2024-11-03T09:00:00Z', // Los Angeles
      '2024-11-30T23:59:59.999999999Z',
    ],
    hasVast: true,
  },
};

function arrivalOf(sequence: number, { from }: Season): bigint {
  return unixNano(from) + 60n * DAY + BigInt(sequence) * FRAME_NANO;
}

describe.each(Object.entries(SEASONS))('%s', (name, season) => {
  const seed = seedOfThisRun();
  const random = randomNumbers(seed);
  let stored: StoredUsage;
  let dimensions: ModelDimension[];
  let records: ModelRecord[];

  beforeAll(async () => {
    stored = await StoredUsage.create();
    dimensions = randomDimensions(random);
    for (const dimension of dimensions) {
      const { id, increment, unitPrice, rounding, uniqueKey, levelTtl, ...rest } = dimension;
      await stored.dimension(id, {
        ...rest,
        ...(increment === null ? {} : { usageIncrement: textFromScaled(increment) }),
        ...(unitPrice === null ? {} : { unitPrice: textFromScaled(unitPrice) }),
        ...(rounding === null ? {} : { rounding }),
        ...(uniqueKey === null ? {} : { uniqueKey }),
        ...(levelTtl === null ? {} : { levelTtl }),
      });
    }
    const drawn = randomRecords(random, season, dimensions);
    await stored.add(drawn.map(toStored));
    records = drawn.map((record) => ({ ...record, seriesHash: stored.seriesHash(toStored(record)) }));
    await stored.arrivals(
      POSITION,
      Array.from({ length: POSITION }, (_, i) => [i + 1, arrivalOf(i + 1, season)]),
    );
  });
  afterAll(() => stored.close());

  test(`questions have the model's answers (seed ${seed})`, async () => {
    let cases = 0;
    for (let round = 0; cases < CASES; round++) {
      const { question, completeUntil } = randomQuestion(random, season, dimensions);
      const expected = modelAnswer(records, dimensions, question);
      const hint = `seed ${seed}, ${name}, round ${round}: ${JSON.stringify(question, bigintText)}`;
      expect(await answered(stored, question, completeUntil, random), hint).toEqual(expected);
      // A case is one dimension (aggregation, interval, rounding) in one window size and zone.
      cases += question.dimensionIds!.length;
    }
  }, 300_000);
});

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Each aggregation with each interval, and each of these with each rounding. */
function randomDimensions(random: RandomNumbers): ModelDimension[] {
  return AGGREGATIONS.flatMap((aggregation) =>
    INTERVALS.flatMap((interval) => {
      const isOfLevels = aggregation.startsWith('time_');
      const levelTtl = isOfLevels ? random.pick([null, null, 1, 3600, 5 * 86_400]) : null;
      const uniqueKey = aggregation === 'unique' ? random.pick(['user', 'region']) : null;
      return ROUNDINGS.map(
        (rounding): ModelDimension => ({
          id: `${aggregation}.${interval}.${rounding}`,
          unit: random.pick(['1', 'By', 'h']),
          aggregation,
          interval,
          uniqueKey,
          levelTtl,
          increment: rounding === 'none' ? null : random.pick(INCREMENTS),
          rounding: rounding === 'none' ? null : rounding,
          unitPrice: random.below(2) === 0 ? null : random.pick([1n, 25n * 10n ** 9n, -(10n ** 12n)]),
        }),
      );
    }),
  );
}

type DrawnRecord = Omit<ModelRecord, 'seriesHash'>;

function randomInstant(random: RandomNumbers, { from, to, moments }: Season): bigint {
  const jitter = random.pick([0n, 0n, -1n, 1n, MINUTE, -15n * MINUTE, 30n * MINUTE, 60n * MINUTE, -DAY]);
  if (random.below(2) === 0) return unixNano(random.pick(moments)) + jitter;
  const minutes = Number((unixNano(to) - unixNano(from)) / MINUTE);
  return unixNano(from) + BigInt(random.below(minutes)) * MINUTE + BigInt(random.below(3) - 1);
}

function randomQuantity(random: RandomNumbers, isVast: boolean): bigint {
  const digits = random.pick(isVast ? [12, 24, 38] : [1, 3, 12, 13, 16, 24]);
  let value = 0n;
  for (let digit = 0; digit < digits; digit++) value = value * 10n + BigInt(random.below(10));
  return random.below(4) === 0 ? -value : value;
}

function randomRecords(random: RandomNumbers, season: Season, dimensions: ModelDimension[]): DrawnRecord[] {
  const records: DrawnRecord[] = [];
  for (const { id } of dimensions) {
    const isVast = season.hasVast && random.below(20) === 0;
    for (let i = 0; i < 16; i++) {
      const known = records.length > 0 && random.below(6) === 0 ? random.pick(records) : null;
      const record: DrawnRecord = {
        customerId: random.pick(['ant', 'bee', 'Dög']),
        dimensionId: id,
        // Now and then at the time of another one.
        time: known?.time ?? randomInstant(random, season),
        start: random.pick([0n, unixNano(season.from)]),
        quantity: randomQuantity(random, isVast),
        metadata: random.pick<Record<string, string>>([
          {},
          { user: 'u1' },
          { user: 'u2', region: 'eu' },
          { user: '', region: 'us' },
        ]),
        kind: random.pick(['record', 'record', 'record', 'increment']),
        sequence: 1 + random.below(POSITION),
        voidedBy: null,
        eventKey: null,
      };
      if (record.kind === 'record' && random.below(3) === 0) {
        record.eventKey = random
          .below(2 ** 30)
          .toString(16)
          .padStart(32, '0');
      }
      if (random.below(8) === 0 && record.kind === 'record') {
        record.voidedBy = record.sequence + random.below(POSITION - record.sequence + 1);
      }
      records.push(record);
      // A late reading changed what this one added.
      if (record.kind === 'increment' && random.below(2) === 0) {
        records.push({ ...record, kind: 'correction', quantity: -record.quantity / 3n });
      }
    }
  }
  // What is known of a reading begins with its increment.
  for (const record of records) {
    if (record.kind === 'correction') record.sequence = Math.min(POSITION, record.sequence + random.below(9));
  }
  return records;
}

function toStored(record: DrawnRecord): StoredRecord {
  const { kind, start, quantity, voidedBy, eventKey, ...rest } = record;
  return {
    ...rest,
    quantity: textFromScaled(quantity),
    kind: { record: 0, increment: 1, correction: 2 }[kind],
    ...(start === 0n ? {} : { startTime: new Date(Number(start / 1_000_000n)).toISOString() }),
    ...(voidedBy === null ? {} : { voidedBy }),
    ...(eventKey === null ? {} : { eventKey }),
  };
}

function randomQuestion(
  random: RandomNumbers,
  season: Season,
  dimensions: ModelDimension[],
): { question: ModelQuestion; completeUntil: bigint } {
  const window = random.pick(SIZES);
  const days = { minute: 1, hour: 6, day: 40, week: 80, month: 95, period: 95, total: 95 }[window]!;
  let from = randomInstant(random, season);
  // Most people ask for whole days.
  if (random.below(2) === 0) from -= from % DAY;
  const minutes = window === 'minute' ? 1 + random.below(180) : random.below(days * 1440);
  let to = from + BigInt(minutes) * MINUTE + BigInt(random.below(2));
  if (random.below(3) === 0 && window !== 'minute') to = from + BigInt(days) * DAY;
  const possible = dimensions.filter(
    ({ interval }) => interval === 'none' || SIZES.indexOf(interval) <= SIZES.indexOf(window),
  );
  const groupBy = random.pick([
    ['customerId', 'dimensionId'],
    ['customerId', 'dimensionId'],
    ['dimensionId'],
    ['dimensionId', 'metadata.region'],
    ['metadata.user', 'customerId', 'dimensionId'],
  ]);
  const picked = Array.from({ length: 4 }, () => random.pick(possible));
  const dimensionIds = possible
    .filter((one) => picked.some((other) => isSameButRounding(one, other)))
    .map(({ id }) => id);
  const completeUntil = random.pick([to, to, from + (to - from) / 2n, from - 1n]);
  const asOfSequence = random.below(4) === 0 ? random.below(POSITION + 1) : null;
  // What was known held until the next frame came.
  const nextFrame =
    asOfSequence === null || asOfSequence === POSITION ? null : arrivalOf(asOfSequence + 1, season);
  const question: ModelQuestion = {
    from,
    to,
    window,
    zone: random.pick(ZONES),
    anchor: window === 'period' ? random.pick([1, 15, 28, 29, 30, 31]) : null,
    customerIds: random.pick([null, null, ['ant'], ['bee', 'Dög', 'nobody']]),
    dimensionIds,
    metadata: random.pick<ModelQuestion['metadata']>([{}, {}, {}, { region: ['eu', 'us'] }, { user: [''] }]),
    groupBy,
    fill: random.below(2) === 0,
    asOfSequence,
    holdUntil: nextFrame !== null && nextFrame < completeUntil ? nextFrame : completeUntil,
  };
  return { question, completeUntil };
}

function isSameButRounding(a: ModelDimension, b: ModelDimension): boolean {
  return a.aggregation === b.aggregation && a.interval === b.interval;
}

/** All pages of the engine's answer, as the model's rows. */
async function answered(
  stored: StoredUsage,
  question: ModelQuestion,
  completeUntil: bigint,
  random: RandomNumbers,
): Promise<ModelRow[]> {
  const { from, to, window, zone, anchor, groupBy, fill, asOfSequence } = question;
  const params: [string, string][] = [
    ['from', instantText(from)],
    ['to', instantText(to)],
    ['window', window],
    ['timeZone', zone],
    ['groupBy', groupBy.join(',')],
    ['fill', String(fill)],
    ['limit', random.pick(['10000', '10000', '7'])],
    ...(question.customerIds ?? []).map((id): [string, string] => ['customerId', id]),
    ...(question.dimensionIds ?? []).map((id): [string, string] => ['dimensionId', id]),
    ...Object.entries(question.metadata).flatMap(([key, values]) =>
      values.map((value): [string, string] => [`metadata.${key}`, value]),
    ),
  ];
  if (anchor !== null) params.push(['anchor', String(anchor)]);
  if (asOfSequence !== null) params.push(['asOf', String(asOfSequence)]);
  // Small pages only where they are few.
  const rows: UsageRow[] = [];
  for (let cursor: string | null = null; ; ) {
    const asked = params.map(([name, value]): [string, string] => [
      name,
      name === 'limit' && rows.length > 20 ? '10000' : value,
    ]);
    if (cursor !== null) asked.push(['cursor', cursor]);
    const query = parseUsageQuery(asked);
    query.completeUntil = completeUntil;
    const answer = await runQuery(stored.connection, { type: 'usage', query });
    rows.push(...answer.rows);
    cursor = answer.nextCursor;
    if (cursor === null) break;
  }
  return rows.map((row) => ({
    group: groupBy.map((key) =>
      key === 'customerId' || key === 'dimensionId'
        ? row[key]!
        : row.metadata![key.slice('metadata.'.length)],
    ),
    dimensionId: row.dimensionId!,
    windowStart: unixNano(row.windowStart),
    windowEnd: unixNano(row.windowEnd),
    quantity: row.quantity,
    billable: row.billableQuantity,
    amount: row.amount ?? null,
    records: row.records,
  }));
}

function instantText(unixNano: bigint): string {
  const text = new Date(Number(unixNano / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${text}.${(unixNano % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
