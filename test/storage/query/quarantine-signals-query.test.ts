import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SignalReference } from '../../../storage/changes.ts';
import { codeNumber } from '../../../storage/quarantine-codes.ts';
import {
  parseQuarantineQuery,
  parseQuarantineSignalsQuery,
  type QuarantinedSignal,
  type QuarantineReferencesAnswer,
  type QuarantineSignalsAnswer,
  QueryError,
  runQuery,
  signalId,
  signalReference,
} from '../../../storage/query/index.ts';
import { StoredUsage, unixNano } from './stored-usage.ts';

const HOSTILE = "x' OR 1=1 --%_\u202E\n😀";

const missing = { code: codeNumber('missing_customer'), customerId: null, dimensionId: 'api' };
const unknown = { code: codeNumber('unknown_dimension'), customerId: 'acme', dimensionId: 'disk' };
const infinite = { code: codeNumber('infinite'), customerId: HOSTILE, dimensionId: null };

async function fill(stored: StoredUsage): Promise<void> {
  await stored.quarantine([
    {
      ...missing,
      quantity: '2',
      firstSeen: '2026-03-02T00:00:00Z',
      sequence: 7,
      ordinal: 10,
      meterId: 'a.2',
    },
    { ...missing, quantity: '1', firstSeen: '2026-03-02T00:00:00Z', sequence: 7, ordinal: 9 },
    // One signal that two meters claim.
    { ...missing, quantity: '1', firstSeen: '2026-03-02T00:00:00Z', sequence: 7, ordinal: 9, meterId: 'a.2' },
    {
      ...unknown,
      quantity: '0.5',
      firstSeen: '2026-03-01T00:00:00Z',
      lastSeen: '2026-03-09T00:00:00Z',
      sequence: 3,
      time: unixNano('2026-02-28T12:00:00.000000001Z'),
      start: unixNano('2026-02-28T11:00:00Z'),
      metadata: { region: 'eu', __proto: '' },
      meterId: 'disks',
    },
    {
      ...infinite,
      quantity: null,
      value: 'Infinity',
      firstSeen: '2026-03-04T00:00:00Z',
      sequence: 12,
      // The last instant that OTLP can say.
      time: 2n ** 64n - 1n,
    },
    {
      ...unknown,
      quantity: '4',
      firstSeen: '2026-03-01T00:00:00Z',
      sequence: 4,
      resolution: 'dismissed',
      note: 'a test',
    },
    { ...unknown, quantity: '5', firstSeen: '2026-03-01T00:00:00Z', sequence: 5, resolution: 'corrected' },
    { ...missing, quantity: '6', firstSeen: '2026-03-01T00:00:00Z', sequence: 6, resolution: 'corrected' },
  ]);
}

const ALL = ['3.0.disks', '7.9.a.2', '7.9.builtin', '7.10.a.2', '12.0.builtin'];

let stored: StoredUsage;

async function ask(params: string): Promise<QuarantineSignalsAnswer> {
  const query = structuredClone(parseQuarantineSignalsQuery(new URLSearchParams(params)));
  return await runQuery(stored.connection, { type: 'quarantineSignals', query });
}

async function references(params: string): Promise<QuarantineReferencesAnswer> {
  const query = structuredClone(parseQuarantineSignalsQuery(new URLSearchParams(params)));
  return await runQuery(stored.connection, { type: 'quarantineReferences', query });
}

const idsOf = (rows: SignalReference[]) => rows.map(signalId);

describe('signals in quarantine', () => {
  beforeAll(async () => {
    stored = await StoredUsage.create();
    await fill(stored);
  });
  afterAll(() => stored.close());

  test('one is told with all that is known of it', async () => {
    expect((await ask('signal=3.0.disks')).rows).toEqual([
      {
        id: '3.0.disks',
        sequence: 3,
        ordinal: 0,
        meterId: 'disks',
        reason: 'unknown_dimension',
        customerId: 'acme',
        dimensionId: 'disk',
        value: '0.5',
        quantity: '0.5',
        unit: '1',
        timestamp: '2026-02-28T12:00:00.000000001Z',
        startTime: '2026-02-28T11:00:00Z',
        metadata: { region: 'eu', __proto: '' },
        metricName: 'usage',
        kind: 'sum',
        firstSeen: '2026-03-01T00:00:00Z',
        lastSeen: '2026-03-09T00:00:00Z',
        resolution: 'open',
        resolvedBy: null,
        resolvedAt: null,
        actor: null,
        note: null,
      },
    ]);
  });

  test('times and values that cannot be are told all the same', async () => {
    expect((await ask('reason=infinite')).rows[0]).toMatchObject({
      value: 'Infinity',
      quantity: null,
      timestamp: '2554-07-21T23:34:33.709551615Z',
      startTime: null,
    });
    expect((await ask('signal=7.9.builtin')).rows[0]).toMatchObject({ timestamp: null, startTime: null });
  });

  test.each([
    ['', ALL],
    ['reason=missing_customer', ['7.9.a.2', '7.9.builtin', '7.10.a.2']],
    ['reason=infinite&reason=unknown_dimension', ['3.0.disks', '12.0.builtin']],
    ['meterId=a.2', ['7.9.a.2', '7.10.a.2']],
    ['meterId=a.2&meterId=disks', ['3.0.disks', '7.9.a.2', '7.10.a.2']],
    ['customerId=acme', ['3.0.disks']],
    [`customerId=${encodeURIComponent(HOSTILE)}`, ['12.0.builtin']],
    ['customerId=%25', []],
    ['missing=customerId', ['7.9.a.2', '7.9.builtin', '7.10.a.2']],
    ['missing=customerId&customerId=acme', ['3.0.disks', '7.9.a.2', '7.9.builtin', '7.10.a.2']],
    ['missing=dimensionId', ['12.0.builtin']],
    ['missing=dimensionId&missing=customerId', []],
    ['dimensionId=disk', ['3.0.disks']],
    ['from=2026-03-04', ['3.0.disks', '12.0.builtin']],
    ['to=2026-03-02', ['3.0.disks']],
    ['signal=7.9.a.2&signal=12.0.builtin&signal=99.0.builtin', ['7.9.a.2', '12.0.builtin']],
    ['signal=7.9.a.2&reason=infinite', []],
    // Open is what nobody settled.
    ['signal=4.0.builtin', []],
    ['resolution=dismissed', ['4.0.builtin']],
    ['resolution=corrected', ['5.0.builtin', '6.0.builtin']],
    ['resolution=corrected&missing=customerId', ['6.0.builtin']],
    [`meterId=${'x'.repeat(10_000)}`, []],
  ])('"%s" asks for', async (params, expected) => {
    expect(idsOf((await ask(params)).rows)).toEqual(expected);
    expect(idsOf((await references(params)).signals)).toEqual(expected);
  });

  test('a settled one tells by what and why', async () => {
    expect((await ask('resolution=dismissed')).rows).toMatchObject([{ resolvedBy: 900, note: 'a test' }]);
  });

  test.each([1, 2, 3, 4, 5, 6])('pages of %i make the whole', async (limit) => {
    const rows: QuarantinedSignal[] = [];
    const signals: SignalReference[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const params = `limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page: QuarantineSignalsAnswer = await ask(params);
      const referred = await references(params);
      rows.push(...page.rows);
      signals.push(...referred.signals);
      cursor = page.nextCursor;
      // A list and a replay may go on from each other's page.
      expect(referred.nextCursor).toBe(cursor);
    }
    expect(idsOf(rows)).toEqual(ALL);
    expect(idsOf(signals)).toEqual(ALL);
  });

  test('an empty choice of signals has none', async () => {
    const query = { ...parseQuarantineSignalsQuery([]), signals: [] };
    expect((await runQuery(stored.connection, { type: 'quarantineSignals', query })).rows).toEqual([]);
  });

  test('places that no journal has are nobody', async () => {
    const signals = [{ sequence: Number.MAX_SAFE_INTEGER, ordinal: Number.MAX_SAFE_INTEGER, meterId: '' }];
    const query = { ...parseQuarantineSignalsQuery([]), signals };
    expect((await runQuery(stored.connection, { type: 'quarantineReferences', query })).signals).toEqual([]);
  });

  test.each([
    ['', { open: 5, corrected: 2, dismissed: 1 }],
    ['reason=missing_customer', { open: 3, corrected: 1, dismissed: 0 }],
    ['customerId=nobody', { open: 0, corrected: 0, dismissed: 0 }],
  ])('"%s" counts by what became of them', async (params, expected) => {
    const { limit: _limit, after: _after, ...query } = parseQuarantineQuery(new URLSearchParams(params));
    expect(await runQuery(stored.connection, { type: 'quarantineResolutions', query })).toEqual(expected);
  });

  test('the list by reason has open ones only, and takes the same filters', async () => {
    const list = async (params: string) => {
      const query = structuredClone(parseQuarantineQuery(new URLSearchParams(params)));
      const { rows } = await runQuery(stored.connection, { type: 'quarantine', query });
      return rows.map(
        ({ reason, meterId, signals, quantity }) => `${reason} ${meterId} ${signals} ${quantity}`,
      );
    };
    expect(await list('')).toEqual([
      'missing_customer a.2 2 3',
      'missing_customer builtin 1 1',
      'infinite builtin 1 null',
      'unknown_dimension disks 1 0.5',
    ]);
    expect(await list('meterId=disks')).toEqual(['unknown_dimension disks 1 0.5']);
    expect(await list('missing=dimensionId')).toEqual(['infinite builtin 1 null']);
    expect(await runQuery(stored.connection, { type: 'counts' })).toMatchObject({ quarantined: 5 });
  });
});

describe('while signals come and are settled', () => {
  beforeEach(async () => {
    stored = await StoredUsage.create();
  });
  afterEach(() => stored.close());

  test('pages neither skip nor repeat those that stayed', async () => {
    const at = '2026-03-01T00:00:00Z';
    const signal = (sequence: number, ordinal: number) => ({
      ...missing,
      quantity: '1',
      firstSeen: at,
      sequence,
      ordinal,
    });
    for (let sequence = 10; sequence < 20; sequence++) {
      await stored.quarantine([signal(sequence, 4), signal(sequence, 2)]);
    }
    const seen: string[] = [];
    for (let cursor: string | null = '', step = 10; cursor !== null; step++) {
      const page: QuarantineReferencesAnswer = await references(
        `limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...idsOf(page.signals));
      cursor = page.nextCursor;
      // What was told leaves, as after a replay; others come before, between and behind.
      await stored.connection.run(`DELETE FROM stored.quarantine WHERE sequence = ${step} AND ordinal = 2`);
      await stored.quarantine([signal(step - 9, 0), signal(step, 3), signal(step + 100, 0)]);
    }
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = Array.from({ length: 10 }, (_, i) => `${i + 10}.4.builtin`);
    expect(seen.filter((id) => id.endsWith('.4.builtin'))).toEqual(stayed);
  });
});

describe('the id of a signal', () => {
  test('names it again', () => {
    const reference = fc.record({
      sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      ordinal: fc.integer({ min: 0, max: 999_999_999 }),
      meterId: fc.string({ minLength: 1, unit: 'binary' }),
    });
    fc.assert(
      fc.property(reference, (each) => {
        expect(signalReference(signalId(each))).toEqual(each);
      }),
    );
  });

  test.each([
    '',
    '1',
    '1.2',
    '1.2.',
    '0.1.a',
    '01.1.a',
    '1.01.a',
    '-1.0.a',
    '1.5e3.a',
    `${'9'.repeat(16)}.0.a`,
  ])('"%s" is none', (text) => {
    expect(signalReference(text)).toBeNull();
  });
});

test.each([
  ['reason=lost', 'reason'],
  ['missing=meterId', 'missing'],
  ['customerId=', 'customerId'],
  ['signal=1.2', 'signal'],
  ['resolution=closed', 'resolution'],
  ['window=day', 'window'],
  ['from=2026-03-02&to=2026-03-01', 'to'],
  ['cursor=WzFd', 'cursor'],
  ['limit=20000', 'limit'],
])('"%s" is refused for %s', (params, parameter) => {
  let error: unknown;
  try {
    parseQuarantineSignalsQuery(new URLSearchParams(params));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(QueryError);
  expect(error).toMatchObject({ parameter });
});
