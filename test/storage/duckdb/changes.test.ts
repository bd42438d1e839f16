import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerChange, SignalReference } from '../../../storage/changes.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
let writer: BatchWriter;

beforeEach(async () => {
  ledger = await MemoryLedger.open();
  writer = new BatchWriter();
});
afterEach(() => ledger.close());

async function load(...frames: TestPoint[][]): Promise<void> {
  await ledger.load(writer.batch(...frames));
}

async function change(changes: LedgerChange[], points: TestPoint[] = []): Promise<void> {
  await ledger.load(writer.changes(changes, points));
}

async function restart(): Promise<void> {
  await ledger.restart();
  writer = new BatchWriter(ledger.position, await ledger.known());
}

function event(id: string, time: number, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: 'a', role: 'event', event: id, time: at(time), value, ...more };
}

function delta(time: number, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: 'a', time: at(time), value, ...more };
}

function customer(id: string, more: Partial<CustomerDeclaration> = {}): LedgerChange {
  return { type: 'customer_put', customer: CustomerDeclaration.parse({ id, ...more }), managedBy: 'api' };
}

function dimension(id: string, more: Partial<DimensionDeclaration> = {}): LedgerChange {
  return { type: 'dimension_put', dimension: DimensionDeclaration.parse({ id, ...more }), managedBy: 'file' };
}

function signal(sequence: number, ordinal = 0, meterId = 'builtin'): SignalReference {
  return { sequence, ordinal, meterId };
}

function dismissed(criteria: Partial<Extract<LedgerChange, { type: 'quarantine_dismissed' }>>): LedgerChange {
  return {
    type: 'quarantine_dismissed',
    signals: null,
    reason: null,
    meterId: null,
    note: 'a test',
    ...criteria,
  };
}

async function resolved(): Promise<string[]> {
  const rows = await ledger.rows(`SELECT resolution, coalesce(note, '-'), resolved_by, reason, value
    FROM quarantine_resolved ORDER BY ALL`);
  return rows.map((row) => row.join(' '));
}

const future: Partial<TestPoint> = { code: 'time_in_future' };
const unknown: Partial<TestPoint> = { code: 'unknown_dimension' };

describe('customers', () => {
  test('are declared, and declared anew', async () => {
    await change([
      customer('a', {
        name: "Ada's",
        email: 'ada@example.com',
        timeZone: 'Europe/Berlin',
        aliases: ['b', 'c'],
        metadata: { plan: 'pro' },
      }),
    ]);
    expect(await ledger.rows('FROM customers')).toEqual([
      ['a', "Ada's", 'ada@example.com', 'Europe/Berlin', 'b,c', '{"plan":"pro"}', 'false', 'api'],
    ]);
    expect((await ledger.registry()).aliases).toEqual([
      ['b', 'a'],
      ['c', 'a'],
    ]);
    await change([customer('a')]);
    expect(await ledger.rows('FROM customers')).toEqual([
      ['a', 'null', 'null', 'null', '', '{}', 'false', 'api'],
    ]);
    expect((await ledger.registry()).aliases).toEqual([]);
  });

  test('that were discovered keep their usage when they are declared', async () => {
    await load([delta(1, '1')]);
    await change([customer('a', { name: 'A' })]);
    await load([delta(2, '2')]);
    expect(await ledger.usage()).toEqual(['a 0 1 1 record', 'a 0 2 2 record']);
    expect(await ledger.rows('SELECT name, discovered FROM customers')).toEqual([['A', 'false']]);
  });

  test.each([['in the same run'], ['after a restart']])(
    'take over the usage, the series and the quarantine of an alias, %s',
    async (when) => {
      await load([
        delta(1, '1'),
        event('e', 1, '2', { series: 'b' }),
        delta(1, '4', { series: 'b-points', customer: 'b' }),
        event('f', 1, '8', { series: 'b', ...future }),
      ]);
      await change([customer('a', { aliases: ['b'] })]);
      if (when === 'after a restart') await restart();
      const resolvedId: Partial<TestPoint> = { series: 'b', customer: 'a' };
      // Repetitions, and something new of the series that were the alias's.
      await load([
        event('e', 1, '2', resolvedId),
        event('g', 2, '16', resolvedId),
        delta(1, '4', { series: 'b-points', customer: 'a' }),
        delta(2, '32', { series: 'b-points', customer: 'a' }),
      ]);
      expect(await ledger.totals()).toEqual({ a: '55' });
      expect(await ledger.quarantined()).toEqual(['time_in_future a 0 1 8']);
      expect(await ledger.rows('SELECT customer_id FROM customers')).toEqual([['a']]);
      expect(await ledger.rows('SELECT DISTINCT customer FROM stored.series')).toEqual([['1']]);
    },
  );

  test('that are deleted are unknown; with usage they are shown as discovered', async () => {
    await load([delta(1, '1'), event('e', 1, '1', { series: 'b', ...future })]);
    await change([
      customer('a', { name: 'A', aliases: ['x'] }),
      customer('b', { name: 'B' }),
      customer('c', { name: 'C' }),
    ]);
    await change([
      { type: 'customer_deleted', id: 'a' },
      { type: 'customer_deleted', id: 'b' },
      { type: 'customer_deleted', id: 'nobody' },
    ]);
    const { customers, aliases } = await ledger.registry();
    expect({ customers, aliases }).toEqual({ customers: ['c'], aliases: [] });
    expect(
      await ledger.rows('SELECT customer_id, name, discovered, managed_by FROM customers ORDER BY 1'),
    ).toEqual([
      ['a', 'null', 'true', 'null'],
      ['c', 'C', 'false', 'api'],
    ]);
    expect(await ledger.totals()).toEqual({ a: '1' });
  });

  test('that were deleted come back when they are discovered or declared', async () => {
    await load([delta(1, '1'), delta(1, '1', { series: 'b' })]);
    await change([
      { type: 'customer_deleted', id: 'a' },
      { type: 'customer_deleted', id: 'b' },
    ]);
    await restart();
    await load([delta(2, '2')]);
    await change([customer('b')]);
    expect((await ledger.registry()).customers).toEqual(['a', 'b']);
    expect(await ledger.totals()).toEqual({ a: '3', b: '1' });
    expect(await ledger.rows('SELECT customer_id, discovered FROM customers ORDER BY 1')).toEqual([
      ['a', 'true'],
      ['b', 'false'],
    ]);
  });

  test('that come back before the position has passed are unknown after a crash, and come back again', async () => {
    await ledger.close();
    ledger = await MemoryLedger.open(2);
    await load([delta(1, '1')]);
    await change([{ type: 'customer_deleted', id: 'a' }]);
    // Of three staged records two are committed: the position is before the frame of the third.
    const before = new BatchWriter(2, { dimensions: ['api.requests'] });
    const frames = [[delta(2, '2'), delta(3, '3'), delta(4, '4')]];
    await ledger.loadWhole(before.batch(...frames));
    await restart();
    expect(ledger.position).toBe(2);
    expect((await ledger.registry()).customers).toEqual([]);
    await load(...frames);
    expect((await ledger.registry()).customers).toEqual(['a']);
    expect(await ledger.totals()).toEqual({ a: '10' });
  });
});

describe('dimensions', () => {
  test('are declared with everything', async () => {
    await change([
      dimension('gb', {
        name: 'Gigabytes',
        unit: 'GBy',
        aggregation: 'unique',
        uniqueKey: 'user',
        levelTtl: 60,
        interval: 'day',
        usageIncrement: '0.5',
        unitPrice: '-0.000000000001',
        rounding: 'floor',
        creditsAllowed: true,
      }),
    ]);
    expect(await ledger.rows('FROM dimensions')).toEqual([
      [
        'gb',
        'Gigabytes',
        'GBy',
        'unique',
        'user',
        '60',
        'day',
        '0.500000000000',
        '-0.000000000001',
        'floor',
        'true',
        'false',
        'file',
      ],
    ]);
    expect((await ledger.registry()).dimensions).toEqual([
      { id: 'gb', unit: 'GBy', aggregation: 'unique', creditsAllowed: true, discovered: false },
    ]);
  });

  test('that are deleted are unknown, and come back with the unit of whoever discovers them', async () => {
    await load([delta(1, '1')]);
    await change([dimension('api.requests', { unit: 'By', aggregation: 'max' })]);
    await change([{ type: 'dimension_deleted', id: 'api.requests' }]);
    expect((await ledger.registry()).dimensions).toEqual([]);
    expect(
      await ledger.rows('SELECT dimension_id, unit, aggregation, discovered, managed_by FROM dimensions'),
    ).toEqual([['api.requests', 'By', 'sum', 'true', 'null']]);
    await load([delta(2, '2')]);
    expect((await ledger.registry()).dimensions).toEqual([
      { id: 'api.requests', unit: '1', aggregation: 'sum', creditsAllowed: false, discovered: true },
    ]);
    expect(await ledger.totals()).toEqual({ a: '3' });
  });
});

test('meters have versions, and are known by the latest, also deleted ones', async () => {
  const put = (id: string, version: number): LedgerChange => ({
    type: 'meter_put',
    id,
    version,
    rule: JSON.stringify({ id, version }),
    managedBy: 'api',
    sinceUnixNano: at(version),
  });
  await change([put('logs', 1), put('spans', 1)]);
  await change([put('logs', 2), { type: 'meter_deleted', id: 'spans' }]);
  await restart();
  expect((await ledger.registry()).meters).toEqual([
    { id: 'logs', version: 2, rule: '{"id":"logs","version":2}', sinceUnixNano: at(2), deleted: false },
    { id: 'spans', version: 1, rule: '{"id":"spans","version":1}', sinceUnixNano: at(1), deleted: true },
  ]);
  await change([put('spans', 2)]);
  expect((await ledger.registry()).meters.at(-1)).toMatchObject({ version: 2, deleted: false });
  expect(
    await ledger.rows('SELECT meter_id, version, sequence, deleted_sequence FROM stored.meters ORDER BY ALL'),
  ).toEqual([
    ['logs', '1', '1', 'null'],
    ['logs', '2', '2', 'null'],
    ['spans', '1', '1', '2'],
    ['spans', '2', '3', 'null'],
  ]);
});

test('the settings are those that were put last', async () => {
  expect((await ledger.registry()).settings).toEqual({ discovery: true, maxFutureSeconds: 600 });
  await change([
    { type: 'settings_put', settings: { discovery: true, maxFutureSeconds: 1 } },
    { type: 'settings_put', settings: { discovery: false, maxFutureSeconds: 2 } },
  ]);
  expect((await ledger.registry()).settings).toEqual({ discovery: false, maxFutureSeconds: 2 });
});

test('every change is kept as it was', async () => {
  await change([customer('a'), { type: 'meter_deleted', id: 'logs' }]);
  await change([dismissed({ signals: [signal(1)] })]);
  expect(
    await ledger.rows(
      `SELECT sequence, ordinal, type, subject, change->>'note' FROM stored.changes ORDER BY sequence, ordinal`,
    ),
  ).toEqual([
    ['1', '0', 'customer_put', 'a', 'null'],
    ['1', '1', 'meter_deleted', 'logs', 'null'],
    ['2', '0', 'quarantine_dismissed', 'null', 'a test'],
  ]);
});

test('what comes before a change is committed before it, the change with its frame', async () => {
  await ledger.loadWhole(writer.batch([delta(1, '1')]));
  expect(ledger.position).toBe(0);
  await ledger.loadWhole(writer.changes([customer('a', { name: 'A' })]));
  expect(ledger.position).toBe(2);
  expect(await ledger.totals()).toEqual({ a: '1' });
});

describe('dismissed signals', () => {
  const criteria: [string, Partial<Extract<LedgerChange, { type: 'quarantine_dismissed' }>>, string[]][] = [
    ['by name', { signals: [signal(1, 1), signal(1, 9), signal(1, 0, 'other')] }, ['2']],
    ['by reason', { reason: 'unknown_dimension' }, ['4']],
    ['by meter', { meterId: 'logs' }, ['8']],
    ['by customer', { customerId: 'a' }, ['1', '2', '4']],
    ['by no customer', { customerId: null }, ['16']],
    ['by dimension', { dimensionId: 'gb' }, ['8']],
    ['by several', { customerId: 'a', reason: 'time_in_future' }, ['1', '2']],
    ['all', {}, ['1', '16', '2', '4', '8']],
  ];
  test.each(criteria)('%s', async (_, criterion, values) => {
    await load([
      event('e', 1, '1', future),
      delta(1, '2', { series: 'p', customer: 'a', ...future }),
      event('f', 1, '4', unknown),
      event('g', 1, '8', { series: 'b', dimension: 'gb', meterId: 'logs', ...future }),
      event('h', 1, '16', { series: 'n', customer: null, code: 'missing_customer' }),
    ]);
    await change([dismissed(criterion)]);
    const listed = (await resolved()).map((row) => row.split(' ').at(-1)!).sort();
    expect(listed).toEqual(values);
    expect((await ledger.quarantined()).length).toBe(5 - values.length);
  });

  test('do not count and are not listed when they come again', async () => {
    await load([event('e', 1, '1', future), delta(2, '2', { series: 'p', customer: 'a', ...future })]);
    await change([dismissed({})]);
    await restart();
    await load(
      [event('e', 1, '1'), delta(2, '2', { series: 'p', customer: 'a' })],
      [event('e', 1, '1', future)],
    );
    expect(await ledger.usage()).toEqual([]);
    expect(await ledger.quarantined()).toEqual([]);
    expect(await resolved()).toEqual([
      'dismissed a test 2 time_in_future 1',
      'dismissed a test 2 time_in_future 2',
    ]);
    expect(
      await ledger.rows('SELECT (last_seen - first_seen)::VARCHAR FROM quarantine_resolved ORDER BY ALL'),
    ).toEqual([['00:00:02'], ['00:00:03']]);
  });

  test('an event that comes in another form counts', async () => {
    await load([event('e', 1, 'many', { code: 'not_a_number' })]);
    await change([dismissed({})]);
    await load([event('e', 1, '7')]);
    expect(await ledger.totals()).toEqual({ a: '7' });
  });
});

describe('replayed signals', () => {
  const again = (point: TestPoint, sequence: number, ordinal = 0): TestPoint => {
    const { code: _, ...good } = point;
    return { ...good, origin: { sequence, ordinal } };
  };

  test.each<[string, TestPoint, string]>([
    ['event', event('e', 1, '1', unknown), 'a 0 1 1 record'],
    ['delta point', delta(1, '1', unknown), 'a 0 1 1 record'],
    ['reading', delta(2, '3', { role: 'cumulative', start: at(1), ...unknown }), 'a 1 2 3 increment'],
  ])('that can be counted now are counted once: %s', async (_, point, usage) => {
    await load([point]);
    await change([{ type: 'quarantine_rejudged', signals: [signal(1)] }], [again(point, 1)]);
    await restart();
    await change([{ type: 'quarantine_rejudged', signals: [signal(1)] }], [again(point, 1)]);
    await load(
      [point],
      [again(point, 1)].map(({ origin: _origin, ...one }) => one),
    );
    expect(await ledger.usage()).toEqual([usage]);
    expect(await ledger.quarantined()).toEqual([]);
  });

  test('that still cannot be counted go back, first seen as before', async () => {
    await load([], [event('e', 1, '1', unknown), delta(2, '2', { series: 'p', customer: 'a', ...unknown })]);
    const rows = () =>
      ledger.rows(`SELECT reason, journal_sequence, ordinal, first_seen::VARCHAR, last_seen::VARCHAR, value
        FROM quarantined ORDER BY ALL`);
    const before = await rows();
    await change(
      [{ type: 'quarantine_rejudged', signals: [signal(2, 0), signal(2, 1)] }],
      [
        { ...again(event('e', 1, '1'), 2, 0), code: 'wrong_unit' },
        { ...again(delta(2, '2', { series: 'p', customer: 'a' }), 2, 1), code: 'wrong_unit' },
      ],
    );
    expect(await rows()).toEqual(before.map(([, ...rest]) => ['wrong_unit', ...rest]));
    // Named as before, so they can be replayed again.
    await change(
      [{ type: 'quarantine_rejudged', signals: [signal(2, 0), signal(2, 1)] }],
      [again(event('e', 1, '1'), 2, 0), again(delta(2, '2', { series: 'p', customer: 'a' }), 2, 1)],
    );
    expect(await ledger.totals()).toEqual({ a: '3' });
    expect(await ledger.quarantined()).toEqual([]);
  });

  test('that another rule reads otherwise leave what they were', async () => {
    const many = event('e', 1, 'many', { meterVersion: 1, code: 'not_a_number' });
    await load([many]);
    const seven = { ...again(many, 1), value: '7', meterVersion: 2 };
    await change([{ type: 'quarantine_rejudged', signals: [signal(1)] }], [seven]);
    expect(await ledger.usage()).toEqual(['a 0 1 7 record']);
    expect(await ledger.quarantined()).toEqual([]);
  });

  test('that are at fault by another rule too stay as many as they were', async () => {
    const text = (value: string) => event('e', 1, value, { meterVersion: 1, code: 'not_a_number' });
    await load([text('many'), text('few')]);
    const inVersion2 = { meterVersion: 2, code: 'wrong_unit' } as const;
    await change(
      [{ type: 'quarantine_rejudged', signals: [signal(1, 0)] }],
      [{ ...again(text('many'), 1, 0), ...inVersion2 }],
    );
    const both = ['not_a_number a 0 1 text', 'wrong_unit a 0 1 text'];
    expect(await ledger.quarantined()).toEqual(both);
    await load([
      { ...text('many'), ...inVersion2 },
      { ...text('few'), ...inVersion2 },
    ]);
    expect(await ledger.quarantined()).toEqual(both);
  });

  test('a conflict stays one', async () => {
    await load([event('e', 1, '1'), event('e', 1, '2')]);
    await change(
      [{ type: 'quarantine_rejudged', signals: [signal(1, 1)] }],
      [again(event('e', 1, '2'), 1, 1)],
    );
    expect(await ledger.usage()).toEqual(['a 0 1 1 record']);
    expect(await ledger.quarantined()).toEqual(['event_conflict a 0 1 2']);
  });

  test('a baseline stays, its reading is counted already', async () => {
    const first = delta(1, '5', { role: 'cumulative' });
    await load([first], [delta(2, '8', { role: 'cumulative' })]);
    await change([{ type: 'quarantine_rejudged', signals: [signal(1)] }], [again(first, 1)]);
    expect(await ledger.totals()).toEqual({ a: '3' });
    expect(await ledger.quarantined()).toEqual(['baseline a 0 1 5']);
  });

  const meter = (id: string, version = 1): LedgerChange => ({
    type: 'meter_put',
    id,
    version,
    rule: '{}',
    managedBy: 'api',
    sinceUnixNano: at(0),
  });
  const old = { meterId: 'old', series: 'old' };
  const asked = { meterId: 'asked', series: 'asked' };
  const none = { meterId: 'none', series: 'none' };
  const later = { meterId: 'later', series: 'later' };
  test.each<[string, Partial<TestPoint>[], string[]]>([
    // the signal is claimed now by                  so it counts for
    ['that one alone', [asked], ['asked']],
    ['that one and one that was asked before', [asked, old], ['asked']],
    ['that one and one without a declaration', [asked, none], ['asked']],
    ['that one and one that came since', [asked, later], ['asked', 'later']],
    ['one that was asked before, in its place', [old], ['old']],
    ['one without a declaration, in its place', [none], ['none']],
  ])('count for the meter that they were replayed for: claimed by %s', async (_, claiming, counted) => {
    await change([meter('old'), meter('asked')]);
    await load([event('e', 1, '1', { ...asked, ...unknown })]);
    await change([meter('old', 2), meter('asked', 2), meter('later')]);
    const points = claiming.map((one) => again(event(`e of ${one.series}`, 1, '1', one), 2));
    await change([{ type: 'quarantine_rejudged', signals: [signal(2, 0, 'asked')] }], points);
    expect(await ledger.totals()).toEqual(Object.fromEntries(counted.map((one) => [one, '1'])));
  });

  test('that were dismissed are open again', async () => {
    const point = event('e', 1, '1', unknown);
    await load([point]);
    await change([dismissed({})]);
    await change([{ type: 'quarantine_rejudged', signals: [signal(1)] }], [again(point, 1)]);
    expect(await ledger.totals()).toEqual({ a: '1' });
    expect(await resolved()).toEqual([]);
  });
});

describe('corrected signals', () => {
  const counted = (sequence: number, ordinal: number, value: string): TestPoint =>
    event(`correction ${sequence} ${ordinal}`, 1, value, {
      series: 'fixed',
      customer: 'a',
      origin: { sequence, ordinal },
    });
  const correction = (...signals: SignalReference[]): LedgerChange => ({
    type: 'quarantine_corrected',
    signals,
    note: 'as the customer said',
  });

  test.each<[string, TestPoint]>([
    ['event', event('e', 1, 'many', { code: 'not_a_number' })],
    ['delta point', delta(1, 'NaN', { code: 'not_a_number' })],
  ])('count as a person said, once, and stay known: %s', async (_, point) => {
    await load([point]);
    await change([correction(signal(1))], [counted(1, 0, '7')]);
    await restart();
    // A second correction finds nothing that is open.
    await change([correction(signal(1))], [counted(1, 0, '9')]);
    await load([point]);
    expect(await ledger.usage()).toEqual(['a 0 1 7 record']);
    expect(await ledger.quarantined()).toEqual([]);
    expect((await resolved()).map((row) => row.split(' ').slice(0, 6).join(' '))).toEqual([
      'corrected as the customer said 2',
    ]);
  });

  test('that come again as they should have been do not count again', async () => {
    await load([event('e', 1, '5', future), delta(1, '6', { series: 'p', customer: 'a', ...future })]);
    await change([correction(signal(1, 0), signal(1, 1))], [counted(1, 0, '5'), counted(1, 1, '6')]);
    await load([
      event('e', 1, '5'),
      event('e', 1, '5', { series: 'other', customer: 'a' }),
      delta(1, '6', { series: 'p', customer: 'a' }),
    ]);
    expect(await ledger.totals()).toEqual({ a: '11' });
    expect(await ledger.quarantined()).toEqual(['event_conflict a 0 1 5']);
  });

  test('that were counted meanwhile are not counted again', async () => {
    await load([event('e', 1, '5', future)], [event('e', 1, '5')]);
    await change([correction(signal(1))], [counted(1, 0, '5')]);
    expect(await ledger.usage()).toEqual(['a 0 1 5 record']);
  });

  test('cannot be judged again', async () => {
    await load([event('e', 1, '5', future)]);
    await change([correction(signal(1))], [counted(1, 0, '6')]);
    await change(
      [{ type: 'quarantine_rejudged', signals: [signal(1)] }],
      [event('e', 1, '5', { origin: { sequence: 1, ordinal: 0 } })],
    );
    expect(await ledger.totals()).toEqual({ a: '6' });
  });
});

describe('corrected records', () => {
  const idOf = async (value: string) =>
    (await ledger.rows(`SELECT record_id FROM usage_records WHERE record_value = ${value}`))[0][0];
  const corrected = (recordId: string, time: number, replacement: string | null): LedgerChange => ({
    type: 'record_corrected',
    recordId,
    timeUnixNano: String(at(time)),
    reason: 'counted twice by hand',
    replacement:
      replacement === null
        ? null
        : {
            customerId: 'a',
            dimensionId: 'api.requests',
            recordValue: replacement,
            timeUnixNano: String(at(time)),
            startUnixNano: '0',
            metadata: {},
            id: null,
          },
  });
  const replacing = (id: string, value: string): TestPoint =>
    event(`instead ${id} ${writer.sequence}`, 1, value, {
      origin: { sequence: writer.sequence + 1, ordinal: 0 },
    });

  test.each<[string, TestPoint]>([
    ['event', event('e', 1, '5')],
    ['delta point', delta(1, '5')],
  ])('a voided one counts nowhere, is shown with its reason and stays known: %s', async (_, point) => {
    await load([point, delta(2, '1', { series: 'p', customer: 'a' })]);
    await change([corrected(await idOf('5'), 1, null)]);
    await load([point]);
    await restart();
    await load([point]);
    expect(await ledger.totals()).toEqual({ a: '1' });
    expect(await ledger.usage()).toEqual(['a 0 2 1 record']);
    expect(await ledger.quarantined()).toEqual([]);
    expect(
      await ledger.rows('SELECT record_value, voided_by, void_reason, replaced FROM usage_voided'),
    ).toEqual([['5.000000000000', '2', 'counted twice by hand', 'false']]);
  });

  test('an amended one is replaced once', async () => {
    await load([event('e', 1, '5'), event('f', 1, '5')]);
    const id = await idOf('5');
    await change([corrected(id, 1, '7')], [replacing(id, '7')]);
    // Nothing is left to replace: the record is void.
    await change([corrected(id, 1, '8')], [replacing(id, '8')]);
    expect(await ledger.totals()).toEqual({ a: '12' });
    // The replacement is a record like others.
    const other = await idOf('7');
    await change([corrected(other, 1, '9')], [replacing(other, '9')]);
    expect(await ledger.totals()).toEqual({ a: '14' });
  });

  test('what a running total added cannot be voided', async () => {
    await load([delta(2, '5', { role: 'cumulative', start: at(1) })]);
    await change([corrected(await idOf('5'), 2, null)]);
    expect(await ledger.totals()).toEqual({ a: '5' });
  });
});

test('a total that began before its meter counts from its first reading on, whatever the order', async () => {
  const reading = (time: number, value: string): TestPoint =>
    delta(time, value, { role: 'cumulative', start: at(1), since: at(3) });
  await load([reading(5, '10')], [reading(6, '12')]);
  await restart();
  await load([reading(4, '7')], [reading(7, '13')]);
  expect(await ledger.totals()).toEqual({ a: '6' });
  expect(await ledger.quarantined()).toEqual(['baseline a 1 4 7']);
});
