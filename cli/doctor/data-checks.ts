/** Whether the data is whole: lock, journal, and ledger against journal. Nothing is written. */
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DuckDBInstance } from '@duckdb/node-api';
import { SCHEMA_VERSION } from '../../storage/duckdb/schema.ts';
import { JournalError } from '../../storage/journal/journal.ts';
import { scanSegment } from '../../storage/journal/recovery.ts';
import { emptySegment, listSegments, readSegmentHeader } from '../../storage/journal/segment.ts';
import { SegmentReader } from '../../storage/journal/segment-reader.ts';
import { counted, number } from '../text-table.ts';
import { type Check, fail, messageOf, ok, warn } from './check.ts';

const REPAIR = 'stop the receiver, keep a copy of the data directory, and run usage-meter journal repair';
const REBUILD = 'run usage-meter rebuild: the journal has all of it';
/** Clocks differ by so much without anybody's fault. */
const CLOCK_TOLERANCE_MS = 2_000;

/** Whether a receiver holds the directory. Asking for the lock takes nothing from whoever holds it. */
export async function lockCheck(dataDir: string): Promise<{ check: Check; isHeld: boolean }> {
  const path = join(dataDir, 'LOCK');
  if (!existsSync(path)) return { check: ok('lock', 'nobody has used the directory'), isHeld: false };
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.exec('BEGIN; SELECT * FROM sqlite_master; ROLLBACK');
      return { check: ok('lock', 'free: no receiver runs on the directory'), isHeld: false };
    } finally {
      database.close();
    }
  } catch (error) {
    if (!/locked|busy/i.test(messageOf(error)))
      return {
        check: fail('lock', `${path}: ${messageOf(error)}`, 'remove the file LOCK while no receiver runs'),
        isHeld: false,
      };
    const holder = await readFile(join(dataDir, 'LOCK.holder'), 'utf8').then(
      (text) => JSON.parse(text) as { pid: number; host: string; since: string },
      () => null,
    );
    const who =
      holder === null ? 'a receiver' : `process ${holder.pid} on ${holder.host}, since ${holder.since}`;
    return { check: ok('lock', `held by ${who}`), isHeld: true };
  }
}

/** How far a journal goes. */
export interface JournalEnds {
  /** 1, unless older segments were released. */
  first: number;
  /** null: its end is being written. */
  last: number | null;
  newestReceivedAtUnixNano: bigint;
}

export interface JournalOptions {
  /** A receiver writes to the last segment, which is left alone. */
  isWritten: boolean;
  /** Every frame is read and checked, not only those of the last segment. */
  isFull: boolean;
}

/** @returns null where there is no journal */
export async function journalCheck(
  directory: string,
  { isWritten, isFull }: JournalOptions,
): Promise<{ check: Check; ends: JournalEnds | null }> {
  if (!existsSync(directory)) return { check: ok('journal', 'none yet'), ends: null };
  try {
    const { segments, foreign } = await listSegments(directory);
    if (segments.length === 0) return { check: ok('journal', 'empty'), ends: null };
    const ends: JournalEnds = { first: segments[0].firstSequence, last: null, newestReceivedAtUnixNano: 0n };
    let expected = ends.first;
    let torn: Check | null = null;
    for (const [place, { file, firstSequence }] of segments.entries()) {
      if (firstSequence !== expected) {
        const detail = `${file} begins with request ${firstSequence}, ${expected} must come: a file is missing`;
        return { check: fail('journal', detail, `restore it from a backup; else ${REPAIR}`), ends: null };
      }
      const isLast = place === segments.length - 1;
      const isRead = isLast ? !isWritten : isFull;
      const found = await segmentState(file, firstSequence, isLast, isRead);
      if (found.broken !== null) {
        const check = fail('journal', found.broken, `restore the file from a backup; else ${REPAIR}`);
        return { check, ends: null };
      }
      if (found.torn !== null)
        torn = warn(
          'journal',
          found.torn,
          'nothing to do: the next start cuts off what was never acknowledged',
        );
      expected = isLast ? expected : segments[place + 1].firstSequence;
      if (!isLast && found.lastSequence !== null && found.lastSequence + 1 !== expected) {
        const detail = `${file} ends with request ${found.lastSequence}, ${expected - 1} must be its last`;
        return { check: fail('journal', detail, `restore it from a backup; else ${REPAIR}`), ends: null };
      }
      if (isLast) ends.last = found.lastSequence;
      if (found.newestReceivedAtUnixNano > ends.newestReceivedAtUnixNano)
        ends.newestReceivedAtUnixNano = found.newestReceivedAtUnixNano;
    }
    if (torn !== null) return { check: torn, ends };
    if (foreign.length > 0) {
      const detail = `${counted(foreign.length, 'file')} that are none of the journal's: ${foreign.slice(0, 3).join(', ')}`;
      return { check: warn('journal', detail, 'move them elsewhere'), ends };
    }
    const how = isFull ? 'every request read' : isWritten ? 'its files are in order' : 'its last file read';
    const until =
      ends.last === null
        ? `from request ${number(ends.first)}`
        : `requests ${number(ends.first)} to ${number(ends.last)}`;
    return { check: ok('journal', `${until} in ${counted(segments.length, 'file')}, ${how}`), ends };
  } catch (error) {
    const advice =
      error instanceof JournalError && error.code === 'UNSUPPORTED_VERSION'
        ? 'use the release that wrote it, or a newer one'
        : `restore the file from a backup; else ${REPAIR}`;
    return { check: fail('journal', messageOf(error), advice), ends: null };
  }
}

interface SegmentState {
  /** null: it was not read. */
  lastSequence: number | null;
  newestReceivedAtUnixNano: bigint;
  /** What was durable and does not hold any more. */
  broken: string | null;
  /** A write that a crash has cut short. */
  torn: string | null;
}

async function segmentState(
  file: string,
  firstSequence: number,
  isLast: boolean,
  isRead: boolean,
): Promise<SegmentState> {
  const state: SegmentState = { lastSequence: null, newestReceivedAtUnixNano: 0n, broken: null, torn: null };
  const handle = await open(file, 'r');
  try {
    const header = await readSegmentHeader(handle, file, firstSequence);
    if (!isRead) return state;
    const { size } = await handle.stat();
    const { segment, broken } = await scanSegment(handle, emptySegment(file, header), size);
    state.lastSequence = segment.lastSequence;
    state.newestReceivedAtUnixNano = segment.newestReceivedAtUnixNano;
    if (broken === null) return state;
    const later = isLast
      ? await new SegmentReader(handle, header.salt, size).laterGroup(segment.bytes, segment.lastSequence + 1)
      : 0;
    const what = `${file}: ${broken.reason} at byte ${broken.offset}`;
    if (later === null) state.torn = what;
    else state.broken = what;
    return state;
  } finally {
    await handle.close();
  }
}

/** The ledger of a stopped receiver, held against what the journal has. */
export async function ledgerCheck(path: string, journal: JournalEnds | null): Promise<Check> {
  const first = journal?.first ?? 1;
  const last = journal?.last ?? 0;
  if (!existsSync(path)) {
    if (last === 0) return ok('ledger', 'none yet');
    if (first === 1)
      return warn('ledger', 'it is missing', 'nothing to do: the next start makes it from the journal');
    const detail = `it is missing, and the journal begins with request ${number(first)}`;
    return fail('ledger', detail, 'restore ledger.duckdb from a backup: older requests were released');
  }
  let stored: { version: number; position: number };
  try {
    stored = await readLedger(path);
  } catch (error) {
    const advice =
      first === 1 ? REBUILD : 'restore ledger.duckdb from a backup: older requests were released';
    return fail('ledger', messageOf(error), advice);
  }
  if (stored.version !== SCHEMA_VERSION) {
    const detail = `it has the schema version ${stored.version}, this release reads ${SCHEMA_VERSION}`;
    return fail(
      'ledger',
      detail,
      stored.version > SCHEMA_VERSION ? 'use the release that wrote it' : REBUILD,
    );
  }
  return againstJournal(stored.position, first, last);
}

/** (Pure.) */
export function againstJournal(position: number, first: number, last: number): Check {
  const at = `it has requests up to ${number(position)}`;
  if (position > last)
    return fail(
      'ledger',
      `${at}, the journal ends with ${number(last)}: the journal has lost some`,
      'restore the journal from a backup; the ledger still has their usage: do not rebuild it',
    );
  if (position + 1 < first)
    return fail(
      'ledger',
      `${at}, the journal begins with ${number(first)}: those between are gone`,
      'restore a newer ledger.duckdb, or the released journal files, from a backup',
    );
  if (position === last) return ok('ledger', `${at}, as the journal`);
  return ok('ledger', `${at}; the next start loads ${number(last - position)} more from the journal`);
}

async function readLedger(path: string): Promise<{ version: number; position: number }> {
  const instance = await DuckDBInstance.create(path, {
    access_mode: 'READ_ONLY',
    memory_limit: '512MB',
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    const one = async (table: string, column: string) =>
      Number((await connection.runAndReadAll(`SELECT ${column} FROM stored.${table}`)).getRows()[0]?.[0]);
    const version = await one('version', 'version');
    // A ledger of another version may have its position elsewhere.
    const position = version === SCHEMA_VERSION ? await one('position', 'sequence') : 0;
    connection.closeSync();
    return { version, position };
  } finally {
    instance.closeSync();
  }
}

/** Usage is dated by this machine's clock where a signal has no time of its own, and judged by it. (Pure.) */
export function clockCheck(nowMs: number, newestReceivedAtUnixNano: bigint): Check {
  const newestMs = Number(newestReceivedAtUnixNano / 1_000_000n);
  const now = new Date(nowMs).toISOString();
  if (newestMs <= nowMs + CLOCK_TOLERANCE_MS) return ok('clock', now);
  return fail(
    'clock',
    `${now} is before the last request of the journal, at ${new Date(newestMs).toISOString()}`,
    'set the clock (NTP): signals of now would be "time_in_future"',
  );
}
