/**
 * Every reason of quarantine against a receiver in a process of its own: signals are listed beside good ones that count,
 * shown as they came, dismissed or repaired, and replayed to the exact total; whatever comes again changes nothing, and
 * a rebuild says the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUARANTINE_CODES } from '../../storage/quarantine-codes.ts';
import { compareLedgers } from '../support/ledger-comparison.ts';
import { ledgerPath, type ReceiverProcess, runCommand, startReceiver } from '../support/receiver-process.ts';
import { ApiClient, type ApiReply } from './api/api-client.ts';
import {
  CASES,
  type Declaration,
  type Names,
  neighbour,
  type QuarantineCase,
  type Repair,
} from './quarantine-cases.ts';
import { type Entry, requestOf, type SignalKind } from './quarantine-signals.ts';

let directory: string;
let dataDir: string;
let receiver: ReceiverProcess | undefined;
let api: ApiClient;
/** usage-meter.yaml of the running receiver. */
let settings: string | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'usage-meter-quarantine-'));
  dataDir = join(directory, 'data');
});

afterAll(async () => {
  await receiver?.kill();
  rmSync(directory, { recursive: true });
});

/** A receiver with this usage-meter.yaml; it is started anew where it has another. */
async function startWith(wanted: string): Promise<void> {
  if (receiver !== undefined && settings === wanted) return;
  await receiver?.stop();
  const file = join(directory, 'usage-meter.yaml');
  writeFileSync(file, wanted);
  receiver = await startReceiver({ dataDir, args: ['--config', file] });
  settings = wanted;
  api = new ApiClient(receiver.url);
}

/** Nothing is flushed, nothing is said. */
async function killAndStart(): Promise<void> {
  const held = settings!;
  await receiver!.kill();
  receiver = undefined;
  await startWith(held);
}

interface Signal {
  id: string;
  reason: string;
  resolution: string;
  note: string | null;
  signal: object | null;
  firstSeen: string;
  [field: string]: unknown;
}

async function pages<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = '';
  do {
    const { body } = expectStatus(200, await api.get(`${path}${cursor}`));
    rows.push(...body.rows);
    cursor = body.nextCursor === null ? '' : `&cursor=${encodeURIComponent(body.nextCursor)}`;
  } while (cursor !== '');
  return rows;
}

const RESOLUTIONS = ['open', 'dismissed', 'corrected'] as const;
const ALL_TIME = 'from=2000-01-01&to=2200-01-01&limit=1000';

/** Signals with one of the parameters, which begin with `&`. */
const signals = (resolution: (typeof RESOLUTIONS)[number], filter = '') =>
  pages<Signal>(`/quarantine/signals?resolution=${resolution}&limit=100${filter}`);

/** All that a user can see of these dimensions (by default of all), less when signals were last seen. */
async function visible(filter = ''): Promise<object> {
  const settled = await Promise.all(RESOLUTIONS.map((resolution) => signals(resolution, filter)));
  const inQuarantine = settled.flat().map(({ lastSeen: _lastSeen, ...signal }) => signal);
  return { inQuarantine, records: await pages<object>(`/records?${ALL_TIME}${filter}`) };
}

function expectStatus(status: number, reply: ApiReply): ApiReply {
  expect(reply.status, JSON.stringify(reply.body)).toBe(status);
  return reply;
}

async function declare(declarations: readonly Declaration[]): Promise<void> {
  for (const { path, body } of declarations) {
    const { status, body: answer } = await api.put(`/${path}`, body);
    expect([200, 201], JSON.stringify(answer)).toContain(status);
  }
}

/** Whose signals are repaired. */
const ours = ({ dimension }: QuarantineCase): Names => ({ dimension, customer: 'acme' });
/** Whose signals are dismissed. */
const theirs = ({ dimension }: QuarantineCase): Names => ({
  dimension: `${dimension}.dismissed`,
  customer: 'spammer',
});

/** The request as it comes: good signals, then faulty ones; the other way round must not matter. */
function entriesOf(row: QuarantineCase, names: Names): Entry[] {
  const good = row.good?.(names) ?? [neighbour(row)];
  return [...good, ...row.faulty(names)];
}

const send = (kind: SignalKind, entries: readonly Entry[]) => api.otlp(kind, requestOf(kind, entries));

const idsOf = (found: readonly Signal[]) => found.map(({ id }) => id);

/** The dimension as it is listed. */
function listedDimension({ listed, dimension }: QuarantineCase, names: Names): string {
  return (listed.dimensionId?.replace(dimension, names.dimension) ?? names.dimension).slice(0, 1024);
}

/** Every dimension that a case is about, as a filter. */
function dimensionFilter(row: QuarantineCase): string {
  const dimensions = new Set([
    listedDimension(row, ours(row)),
    listedDimension(row, theirs(row)),
    row.dimension,
    theirs(row).dimension,
    ...Object.keys(row.repaired).map((name) => name.split(' / ')[1]),
  ]);
  return [...dimensions].map((id) => `&dimensionId=${encodeURIComponent(id)}`).join('');
}

/** What is counted, by `customer / dimension`. */
async function totals(row: QuarantineCase): Promise<Record<string, string>> {
  const found = new Map<string, string[]>();
  const path = row.isLevel ? '/records' : '/usage';
  const { body } = expectStatus(200, await api.get(`${path}?${ALL_TIME}${dimensionFilter(row)}`));
  for (const { customerId, dimensionId, quantity, recordValue } of body.rows) {
    if (customerId === theirs(row).customer) continue;
    const name = `${customerId} / ${dimensionId}`;
    found.set(name, [...(found.get(name) ?? []), quantity ?? recordValue]);
  }
  return Object.fromEntries([...found].map(([name, quantities]) => [name, quantities.join(', ')]));
}

const replay = async (body: object) => expectStatus(200, await api.post('/quarantine/replay', body)).body;

/** The signals of each case that shall be repaired. */
const ownIds = new Map<QuarantineCase, string[]>();
const dismissedIds: string[] = [];
const titled = CASES.map((row) => ({ row, title: `${row.code}: ${row.how}` }));
const KINDS = ['metrics', 'logs', 'traces'] as const;

test('every reason has a case', () => {
  expect(new Set(CASES.map(({ code }) => code))).toEqual(new Set(QUARANTINE_CODES));
});

describe('what cannot be counted is listed beside what is, and may be dismissed', () => {
  test.each(titled)('$title', async ({ row }) => {
    const { code, kind, dimension, listed, faulty } = row;
    await startWith(row.settings ?? '');
    await declare([dimension, theirs(row).dimension].flatMap((id) => row.given?.(id) ?? []));
    for (const names of [ours(row), theirs(row)]) {
      if (row.settled !== undefined) await settle(row, names, row.settled(names));
      await send(kind, entriesOf(row, names));
    }

    const dimensionId = listedDimension(row, ours(row));
    const found = await signals('open', `&dimensionId=${dimensionId}`);
    expect(found.map(({ reason }) => reason)).toEqual(faulty(ours(row)).map(() => code));
    // As they were received: the request of this one signal.
    expect(found.map(({ signal }) => signal)).toEqual(
      faulty(ours(row)).map((entry) => requestOf(kind, [entry])),
    );
    const { customerId = 'acme', quantity } = listed;
    expect(await pages(`/quarantine?dimensionId=${dimensionId}`)).toEqual([
      {
        reason: code,
        meterId: 'builtin',
        customerId,
        dimensionId,
        signals: found.length,
        quantity,
        firstSeen: found[0].firstSeen,
        lastSeen: found.at(-1)!.lastSeen,
      },
    ]);
    expect(await totals(row)).toEqual(row.counted);
    ownIds.set(row, idsOf(found));

    const unwanted = idsOf(await signals('open', `&dimensionId=${listedDimension(row, theirs(row))}`));
    expect(unwanted).toHaveLength(found.length);
    const { body } = await api.post('/quarantine/dismiss', { ids: unwanted, note: 'nobody’s' });
    expect(body).toEqual({ dismissed: unwanted.length });
    dismissedIds.push(...unwanted);
  });

  test('a kill changes nothing, and nothing does what comes again', async () => {
    const before = await visible();
    await killAndStart();
    expect(await visible()).toEqual(before);
    for (const kind of KINDS) {
      const rows = CASES.filter((row) => row.kind === kind && row.settings === undefined);
      await send(
        kind,
        rows.flatMap((row) => [...entriesOf(row, theirs(row)), ...entriesOf(row, ours(row))]),
      );
    }
    expect(await visible()).toEqual(before);
  });
});

describe('what is repaired counts once', () => {
  test.each(titled)('$title', async ({ row }) => {
    const { kind, dimension, repaired } = row;
    await startWith(row.settings ?? '');
    for (const repair of row.repairs) await repairAndReplay(row, repair);
    expect(await totals(row)).toEqual(repaired);

    const filter = dimensionFilter(row);
    expect(await signals('open', filter)).toEqual([]);
    const before = await visible(filter);
    // Nothing of it is left to replay, and what comes again is nothing new.
    const nothing = { signals: 0, counted: 0, quarantined: [], untouched: 0 };
    expect(await replay({ ids: ownIds.get(row) })).toEqual(nothing);
    expect(await replay({ dimensionId: dimension })).toEqual(nothing);
    await send(kind, entriesOf(row, ours(row)));
    await send(kind, [...entriesOf(row, theirs(row)), ...entriesOf(row, ours(row)).reverse()]);
    expect(await totals(row)).toEqual(repaired);
    expect(await visible(filter)).toEqual(before);
  });
});

/** Signals that come first, and that somebody bills by hand. */
async function settle(row: QuarantineCase, names: Names, entries: readonly Entry[]): Promise<void> {
  await send(row.kind, entries);
  const ids = idsOf(await signals('open', `&dimensionId=${listedDimension(row, names)}`));
  expect(ids).toHaveLength(entries.length);
  await replay({ ids, correction: { recordValue: '100' } });
}

async function repairAndReplay(row: QuarantineCase, repair: Repair): Promise<void> {
  const { correction, remains = [] } = repair;
  if (repair.settings !== undefined) await startWith(repair.settings);
  const isDimension = ({ path }: Declaration) => path.startsWith('dimensions/');
  await declare([
    ...(repair.declare?.(row.dimension) ?? []),
    ...(repair.declare?.(theirs(row).dimension) ?? []).filter(isDimension),
  ]);
  const dimensionId = listedDimension(row, ours(row));
  const ids = idsOf(await signals('open', `&dimensionId=${dimensionId}`));
  const selection = correction === undefined ? { dimensionId } : { ids, correction };
  expect(await replay({ ...selection, note: 'repaired' })).toEqual({
    signals: ids.length,
    counted: ids.length - remains.reduce((sum, one) => sum + one.signals, 0),
    quarantined: remains,
    untouched: 0,
  });
}

describe('in the end', () => {
  test('nothing is in quarantine but what was dismissed', async () => {
    expect(await pages('/quarantine?limit=1000')).toEqual([]);
    expect(idsOf(await signals('dismissed')).sort()).toEqual(dismissedIds.sort());
    expect(await replay({})).toEqual({ signals: 0, counted: 0, quarantined: [], untouched: 0 });
  });

  test('a kill changes nothing, and nothing does what comes again in other requests', async () => {
    const before = await visible();
    await killAndStart();
    for (const kind of KINDS) {
      const rows = CASES.filter((row) => row.kind === kind);
      const entries = rows.flatMap((row) => [...entriesOf(row, ours(row)), ...entriesOf(row, theirs(row))]);
      await send(kind, entries.reverse());
    }
    expect(await visible()).toEqual(before);
    for (const row of CASES) expect([row.how, await totals(row)]).toEqual([row.how, row.repaired]);
  });

  test('a ledger that is rebuilt from the journal is the same', async () => {
    await receiver!.stop();
    receiver = undefined;
    const rebuilt = join(directory, 'rebuilt.duckdb');
    await runCommand(['rebuild', '--data-dir', dataDir, '--into', rebuilt]);
    for (const difference of await compareLedgers(ledgerPath(dataDir), rebuilt)) {
      expect(difference).toMatchObject({ onlyInFirst: 0, onlyInSecond: 0, examples: [] });
    }
  });
});
