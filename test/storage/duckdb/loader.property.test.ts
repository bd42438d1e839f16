/**
 * Random points and events, repeated, shuffled, cut into frames and loads, with changes between them, resets and restarts: the ledger holds what the
 * model says, and the very same rows whatever the loads were.
 */
import { expect, test } from 'vitest';
import type { RecordInput } from '../../../storage/changes.ts';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import type { QuarantineCode } from '../../../storage/quarantine-codes.ts';
import { CustomerDeclaration } from '../../../storage/resources.ts';
import { COMPARED } from '../../support/ledger-comparison.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { LedgerModel, type ModelContents, type TestFrame } from './ledger-model.ts';
import { MemoryLedger } from './memory-ledger.ts';

const SEEDS = 25;
const FIRST_SEED = seedFromEnvironment(1);

/** Series of every kind. Few instants and values, so that keys meet often. */
const SERIES: Pick<TestPoint, 'series' | 'role' | 'fromSdk' | 'since'>[] = [
  { series: 'delta' },
  { series: 'delta-2' },
  { series: 'level', role: 'level' },
  { series: 'sdk', role: 'cumulative' },
  { series: 'other', role: 'cumulative', fromSdk: false },
  { series: 'mixed', role: 'cumulative', fromSdk: false },
  { series: 'older', role: 'cumulative', since: at(4) },
  { series: 'events', role: 'event' },
  { series: 'events', role: 'event' },
  { series: 'events-2', role: 'event' },
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
  if (kind.role === 'event') {
    Object.assign(point, { event: `event ${random.integer(1, 15)}`, start: random.chance(0.8) ? 0n : start });
    // Most repetitions of an event say the same.
    if (random.chance(0.7)) Object.assign(point, { time: at(5), value: '7', start: 0n });
    if (random.chance(0.2)) point.meterVersion = 2;
  }
  if (random.chance(0.1)) point.code = random.pick(CODES);
  else if (random.chance(0.03)) Object.assign(point, { value: 'NaN', code: 'not_a_number' });
  return point;
}

function randomFrames(random: Random): TestFrame[] {
  const points = Array.from({ length: random.integer(20, 160) }, () => randomPoint(random));
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
  const frames: TestFrame[] = [];
  const model = new LedgerModel();
  const aliases = new Map<string, string>();
  for (let from = 0; from < arrival.length; ) {
    const isChange = random.chance(0.2);
    const length = random.integer(1, 12);
    const frame = isChange
      ? randomChange(random, model, aliases, frames.length + 1)
      : { changes: [], points: arrival.slice(from, from + length) };
    frame.points = frame.points.map((point) => attributed(point, aliases));
    if (!isChange) from += length;
    model.apply(frame);
    frames.push(frame);
  }
  return frames;
}

/** With the customer that its id means now. */
function attributed(point: TestPoint, aliases: Map<string, string>): TestPoint {
  const { customer, series } = point;
  const id = customer === undefined ? series : customer;
  return id === null ? point : { ...point, customer: aliases.get(id) ?? id };
}

/** A change that refers to what the frames before it have brought. */
function randomChange(
  random: Random,
  model: LedgerModel,
  aliases: Map<string, string>,
  sequence: number,
): TestFrame {
  const { open, records } = model;
  const some = open.length === 0 ? [] : [random.pick(open), random.pick(open)].slice(0, random.integer(1, 2));
  const signals = [...new Set(some)].map(({ reference }) => reference);
  switch (random.integer(1, 6)) {
    case 1: {
      const alias = random.pick(['events', 'delta', 'level']);
      const merges = random.chance(0.5) && !aliases.has(alias);
      if (merges) aliases.set(alias, 'declared');
      const ids = [...aliases.keys()];
      const customer = CustomerDeclaration.parse({ id: 'declared', name: `${sequence}`, aliases: ids });
      return { changes: [{ type: 'customer_put', customer, managedBy: 'api' }], points: [] };
    }
    case 2:
      // Not the one with aliases: its deletion would give them their meaning back.
      return {
        changes: [{ type: 'customer_deleted', id: random.pick(['delta-2', 'events-2', 'sdk']) }],
        points: [],
      };
    case 3: {
      const reason = random.pick([...CODES, 'event_conflict']);
      const dismissed = { signals: null, reason, meterId: null, note: 'random' };
      return { changes: [{ type: 'quarantine_dismissed', ...dismissed }], points: [] };
    }
    case 4: {
      const points = [...new Set(some)].map(({ reference, point }): TestPoint => {
        const again: TestPoint = { ...point, origin: reference };
        if (point.value !== 'NaN' && random.chance(0.7)) delete again.code;
        return again;
      });
      return { changes: [{ type: 'quarantine_rejudged', signals }], points };
    }
    case 5: {
      const points = signals.map(
        (origin): TestPoint => ({
          series: 'corrections',
          role: 'event',
          event: `correction ${origin.sequence} ${origin.ordinal}`,
          time: at(4),
          value: '3',
          origin,
        }),
      );
      return { changes: [{ type: 'quarantine_corrected', signals, note: null }], points };
    }
    default: {
      if (records.length === 0) return { changes: [], points: [] };
      const record = random.pick(records);
      const [replacement] = random.chance(0.5) ? [replacementOf(record)] : [null];
      const point: TestPoint = {
        series: 'replacements',
        role: 'event',
        event: `replacement ${record.recordId} ${sequence}`,
        time: BigInt(record.timeUnixNano),
        value: '2',
        origin: { sequence, ordinal: 0 },
      };
      return {
        changes: [{ type: 'record_corrected', ...record, reason: 'random', replacement }],
        points: replacement === null ? [] : [point],
      };
    }
  }
}

function replacementOf({ timeUnixNano }: { timeUnixNano: string }): RecordInput {
  return {
    customerId: 'replacements',
    dimensionId: 'api.requests',
    recordValue: '2',
    timeUnixNano,
    startUnixNano: '0',
    metadata: {},
    id: null,
  };
}

/**
 * Loads the frames in random groups, with resets, crashes and moves of stored rows between. After a crash everything behind the position
 * comes again, as the journal would bring it.
 */
async function loadRandomly(frames: TestFrame[], random: Random): Promise<MemoryLedger> {
  const ledger = await MemoryLedger.open(random.pick([1, 5, 16, 1000]));
  let writer = new BatchWriter();
  let from = 0;
  while (from < frames.length) {
    const batches: LedgerBatch[] = [];
    const framesOfLoad = random.integer(1, 8);
    for (const end = Math.min(frames.length, from + framesOfLoad); from < end; ) {
      // A frame with changes is a batch of its own.
      const { changes, points } = frames[from];
      if (changes.length > 0) {
        batches.push(writer.changes(changes, points));
        from += 1;
        continue;
      }
      const ofBatch: TestPoint[][] = [];
      for (let count = random.integer(1, 3); count > 0 && from < end; count--) {
        if (frames[from].changes.length > 0) break;
        ofBatch.push(frames[from].points);
        from += 1;
      }
      batches.push(writer.batch(...ofBatch));
    }
    if (random.chance(0.5)) await ledger.load(...batches);
    else await ledger.loadWhole(...batches);
    if (random.chance(0.3)) await ledger.cluster(random.pick([1, 10, 1000]));
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
async function contentsOf(ledger: MemoryLedger): Promise<ModelContents> {
  const sums = await ledger.rows(`SELECT c.id, epoch_ns(u.start_time), epoch_ns(u.time),
      regexp_replace(sum(u.quantity)::VARCHAR, '[.]?0+$', '')
    FROM stored.usage u JOIN stored.customers c USING (customer) WHERE u.voided_by IS NULL
    GROUP BY c.id, u.start_time, u.time HAVING sum(u.quantity) <> 0`);
  const [[records]] = await ledger.rows(
    'SELECT count(*) FROM stored.usage WHERE kind <> 2 AND voided_by IS NULL',
  );
  const listed = async (view: string, first: string) => {
    const rows = await ledger.rows(`SELECT ${first} reason, coalesce(customer_id, '-'),
        coalesce(epoch_ns(start_time), 0), epoch_ns(timestamp), value, journal_sequence, ordinal
      FROM ${view}`);
    return rows.map((row) => row.join(' ')).sort();
  };
  return {
    usage: Object.fromEntries(
      sums.map(([id, start, time, sum]) => [`${id} ${start} ${time}`, sum] as const).sort(),
    ),
    records: Number(records),
    quarantined: await listed('quarantined', ''),
    resolved: await listed('quarantine_resolved', 'resolution,'),
    customers: (await ledger.registry()).customers.toSorted(),
  };
}

/** Every row with everything that a rebuild must give again. */
async function rowsOf(ledger: MemoryLedger): Promise<string[]> {
  const rows = [];
  for (const view of COMPARED) rows.push(...(await ledger.rows(`FROM ${view} ORDER BY ALL`)));
  return rows.map((row) => row.join(' '));
}

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))('seed %i', async (seed) => {
  const random = new Random(seed);
  const frames = randomFrames(random);
  const first = await loadRandomly(frames, random);
  const second = await loadRandomly(frames, random);
  try {
    const model = new LedgerModel();
    for (const frame of frames) model.apply(frame);
    expect(await contentsOf(first)).toEqual(model.contents());
    expect(await first.rows('SELECT count(*) - count(DISTINCT record_id) FROM usage_records')).toEqual([
      ['0'],
    ]);
    expect(await rowsOf(second)).toEqual(await rowsOf(first));
  } finally {
    await first.close();
    await second.close();
  }
});
