/**
 * Random points, repeated, shuffled, cut into frames and loads, with resets and restarts: the ledger holds what the
 * model says, and the very same rows whatever the loads were.
 */
import { expect, test } from 'vitest';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import type { QuarantineCode } from '../../../storage/quarantine-codes.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { modelOf } from './ledger-model.ts';
import { MemoryLedger } from './memory-ledger.ts';

const SEEDS = 25;
const FIRST_SEED = seedFromEnvironment(1);

/** Series of every kind. Few instants and values, so that keys meet often. */
const SERIES: Pick<TestPoint, 'series' | 'role' | 'fromSdk'>[] = [
  { series: 'delta' },
  { series: 'delta-2' },
  { series: 'level', role: 'level' },
  { series: 'sdk', role: 'cumulative' },
  { series: 'other', role: 'cumulative', fromSdk: false },
  { series: 'mixed', role: 'cumulative', fromSdk: false },
];
const CODES: QuarantineCode[] = ['time_in_future', 'negative_monotonic', 'unknown_dimension', 'wrong_unit'];

function randomPoint(random: Random): TestPoint {
  const kind = random.pick(SERIES);
  const time = random.integer(3, 14);
  const mayBeUnknown = kind.series === 'mixed' || kind.role !== 'cumulative';
  const start = mayBeUnknown && random.chance(0.5) ? 0n : at(random.pick([1, 3, 6].filter((s) => s <= time)));
  const point: TestPoint = {
    ...kind,
    start,
    time: at(time),
    value: random.pick(['0', '1', '2.5', '7', '40']),
  };
  if (random.chance(0.1)) point.code = random.pick(CODES);
  else if (random.chance(0.03)) Object.assign(point, { value: 'NaN', code: 'not_a_number' });
  return point;
}

function randomFrames(random: Random): TestPoint[][] {
  const points = Array.from({ length: random.integer(20, 120) }, () => randomPoint(random));
  const repeated = points.flatMap((point) => {
    const again = random.chance(0.1) ? { ...point } : point;
    if (again !== point) delete again.code;
    if (again.value === 'NaN') again.code = 'not_a_number';
    return random.chance(0.3) ? [point, again, point] : [point];
  });
  // Mostly in order of time, as real points are; sometimes not at all.
  const arrival = random.chance(0.5)
    ? repeated.toSorted((a, b) => Number(a.time - b.time))
    : random.shuffled(repeated);
  const frames: TestPoint[][] = [];
  for (let from = 0; from < arrival.length; ) {
    const length = random.integer(1, 12);
    frames.push(arrival.slice(from, from + length));
    from += length;
  }
  return frames;
}

/**
 * Loads the frames in random groups, with resets and crashes between. After a crash everything behind the position
 * comes again, as the journal would bring it.
 */
async function loadRandomly(frames: TestPoint[][], random: Random): Promise<MemoryLedger> {
  const ledger = await MemoryLedger.open(random.pick([1, 5, 16, 1000]));
  let writer = new BatchWriter();
  let from = 0;
  while (from < frames.length) {
    const batches: LedgerBatch[] = [];
    const framesOfLoad = random.integer(1, 8);
    for (const end = Math.min(frames.length, from + framesOfLoad); from < end; ) {
      const framesOfBatch = Math.min(end - from, random.integer(1, 3));
      batches.push(writer.batch(...frames.slice(from, from + framesOfBatch)));
      from += framesOfBatch;
    }
    if (random.chance(0.5)) await ledger.load(...batches);
    else await ledger.loadWhole(...batches);
    const after = random.pick(['nothing', 'nothing', 'nothing', 'crash', 'reset']);
    if (after === 'crash') {
      await ledger.restart();
      writer = new BatchWriter(ledger.position, await ledger.known());
      from = ledger.position;
    } else if (after === 'reset') {
      writer.reset();
    }
  }
  await ledger.commit();
  return ledger;
}

/** What the ledger holds, in the model's form. */
async function contentsOf(ledger: MemoryLedger): Promise<ReturnType<typeof modelOf>> {
  const sums = await ledger.rows(`SELECT c.id, epoch_ns(u.start_time), epoch_ns(u.time),
      regexp_replace(sum(u.quantity)::VARCHAR, '[.]?0+$', '')
    FROM stored.usage u JOIN stored.customers c USING (customer)
    GROUP BY c.id, u.start_time, u.time HAVING sum(u.quantity) <> 0`);
  const [[records]] = await ledger.rows('SELECT count(*) FROM stored.usage WHERE kind <> 2');
  const quarantined =
    await ledger.rows(`SELECT v.reason, q.customer_id, q.start_nano, q.time_nano, q.value_text
    FROM stored.quarantine q JOIN quarantined v
      ON v.journal_sequence = q.sequence AND v.series_hash =
        (SELECT lower(lpad(hex(hash), 32, '0')) FROM stored.series s WHERE s.series = q.series)
      AND epoch_ns(v.timestamp) = q.time_nano AND v.value = q.value_text
      AND coalesce(epoch_ns(v.start_time), 0) = q.start_nano`);
  return {
    usage: Object.fromEntries(
      sums.map(([id, start, time, sum]) => [`${id} ${start} ${time}`, sum] as const).sort(),
    ),
    records: Number(records),
    quarantined: quarantined.map((row) => row.join(' ')).sort(),
  };
}

/** Every row with everything that a rebuild must give again. */
async function rowsOf(ledger: MemoryLedger): Promise<string[]> {
  const rows = [
    ...(await ledger.rows('FROM usage_records ORDER BY ALL')),
    ...(await ledger.rows('FROM quarantined ORDER BY ALL')),
  ];
  return rows.map((row) => row.join(' '));
}

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))('seed %i', async (seed) => {
  const random = new Random(seed);
  const frames = randomFrames(random);
  const first = await loadRandomly(frames, random);
  const second = await loadRandomly(frames, random);
  try {
    expect(await contentsOf(first)).toEqual(modelOf(frames.flat()));
    expect(await first.rows('SELECT count(*) - count(DISTINCT record_id) FROM usage_records')).toEqual([
      ['0'],
    ]);
    expect(await rowsOf(second)).toEqual(await rowsOf(first));
  } finally {
    await first.close();
    await second.close();
  }
});
