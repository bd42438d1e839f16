/**
 * One export: brings the lake to where the ledger is, or nearer. It runs on the ledger's thread, in one transaction, so
 * that all files show the same instant.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CATALOGUE_FILE, isPublished, writeCatalogue } from './catalogue.ts';
import { nextRewrite, type Rewrite } from './compaction.ts';
import { emptyManifest, type Manifest, type Part, readManifest, writeManifest } from './manifest.ts';
import { dropStaged, type PartRange, partFiles, stageFrames, stageRange, writeStaged } from './part-file.ts';
import { recordChanges, restate } from './restatements.ts';
import { writeTables } from './table-files.ts';

/** New records of one export, about; where there are more, the lake comes nearer step by step. */
const EXPORT_ROWS = 1_000_000;
/** New records of more days than this go into one file first, or an import of years would be a thousand files. */
const MOST_DAY_FILES = 4;

/** What replaced files may take, beyond as much as the lake itself: at full rate an hour of them would fill a disk. */
const SPARE_BYTES = 2 ** 30;
/** They stay so long all the same: nobody has the old catalogue open for a shorter time than a question takes. */
const SHORTEST_KEEP_MS = 5 * 60_000;

export interface LakeOrder {
  /** The lake's folder, absolute. */
  directory: string;
  /** Rows of older parts that may be written anew in passing. */
  rewriteRows: number;
  /** Nothing has come for a while: parts may be merged as far as they go. */
  isQuiet: boolean;
  /** Forget what is there and begin anew. */
  anew: boolean;
  /** Replaced files are deleted after so long, milliseconds. */
  keepReplacedMs: number;
}

export interface LakeReport {
  /** Journal sequence up to which all usage is in the lake. */
  position: number;
  /** Whether the ledger has more usage already. */
  isBehind: boolean;
  /** Whether a table that is dear to write waits for its turn. */
  isStale: boolean;
  newRows: number;
  rewrittenRows: number;
  parts: number;
  /** Whether another rewrite would find something to do. */
  isCompact: boolean;
  /** Whether a new catalogue was published. */
  published: boolean;
}

/** @throws what DuckDB or the disk says; the published lake stays as it was */
export async function exportLake(connection: DuckDBConnection, order: LakeOrder): Promise<LakeReport> {
  await connection.run('BEGIN');
  try {
    const report = await new LakeExport(connection, order).run();
    await dropStaged(connection);
    await connection.run('COMMIT');
    return report;
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

class LakeExport {
  readonly #connection: DuckDBConnection;
  readonly #order: LakeOrder;
  #manifest: Manifest = emptyManifest();
  #newRows = 0;
  #rewrittenRows = 0;

  constructor(connection: DuckDBConnection, order: LakeOrder) {
    this.#connection = connection;
    this.#order = order;
  }

  async run(): Promise<LakeReport> {
    const { directory, anew } = this.#order;
    const asOf = new Date();
    await mkdir(directory, { recursive: true });
    const [[position, changes]] = await this.#rows(`SELECT (SELECT sequence FROM stored.position),
      (SELECT coalesce(max(sequence), 0) FROM stored.changes)`);
    const ledgerPosition = Number(position);
    const found = await readManifest(directory);
    // A lake that is ahead is of another ledger.
    const isOurs = found !== null && found.position <= ledgerPosition && !anew;
    // A reader may have any file open that was ever here, so no name comes again.
    const before = isOurs ? found : { ...emptyManifest(), nextFile: found?.nextFile ?? Date.now() };
    this.#manifest = structuredClone(before);
    if (found !== null && !isOurs) await this.#replaceAll(found);

    await this.#takeChanges(before, Number(changes));
    const through = await this.#boundary(before.position, ledgerPosition);
    if (through > before.position) await this.#addParts(before.position, through);
    this.#manifest.position = through;
    const { tables, isStale } = await writeTables(
      this.#connection,
      directory,
      before.tables,
      (table) => `tables/${table}-${this.#nextNumber()}.parquet`,
    );
    this.#manifest.tables = tables;
    for (const { file } of Object.values(before.tables)) {
      if (!Object.values(this.#manifest.tables).some((table) => table.file === file))
        await this.#replace(file);
    }
    await this.#compact();

    const isCatalogued = await exists(join(directory, CATALOGUE_FILE));
    const isCurrent = isCatalogued && isPublished(directory);
    const changed = !isCurrent || !isOurs || !isSame(before, this.#manifest);
    const expired = this.#takeExpired(asOf.getTime());
    this.#manifest.asOf = asOf.toISOString();
    const published = changed || through > before.position;
    if (published) {
      const place = await writeCatalogue(directory, this.#manifest);
      // The manifest first: files that only it knows are kept, files that only the catalogue knows would be lost.
      await writeManifest(directory, this.#manifest);
      await place();
    } else if (expired.length > 0) {
      await writeManifest(directory, { ...this.#manifest, asOf: before.asOf });
    }
    for (const file of expired) await rm(join(directory, file), { force: true });
    return {
      position: through,
      isBehind: through < ledgerPosition,
      isStale,
      newRows: this.#newRows,
      rewrittenRows: this.#rewrittenRows,
      parts: this.#manifest.parts.length,
      isCompact:
        nextRewrite(this.#manifest.parts, {
          rows: Number.POSITIVE_INFINITY,
          isQuiet: this.#order.isQuiet,
        }) === null,
      published,
    };
  }

  /** Notes what older parts are by now. */
  async #takeChanges(before: Manifest, changesThrough: number): Promise<void> {
    const { directory } = this.#order;
    const changes = await recordChanges(
      this.#connection,
      directory,
      before.changesThrough,
      before.tables.dimensions,
    );
    this.#manifest.parts = await restate(this.#connection, directory, before.parts, changes);
    this.#manifest.changesThrough = changesThrough;
  }

  /** The frame up to which this export takes usage: the last one, unless there is too much. */
  async #boundary(from: number, position: number): Promise<number> {
    // Rows lie in the order of their frames but for what was staged, which does not matter for a bound.
    const [found] = await this.#rows(`SELECT sequence FROM stored.usage
      WHERE sequence > ${from} AND sequence <= ${position} LIMIT 1 OFFSET ${EXPORT_ROWS}`);
    return found === undefined ? position : Number(found[0]);
  }

  async #addParts(afterSequence: number, throughSequence: number): Promise<void> {
    const days = await stageFrames(this.#connection, afterSequence, throughSequence);
    for (const [, rows] of days) this.#newRows += rows;
    if (days.length === 0) return;
    const [firstDay, lastDay] = [days[0][0], days[days.length - 1][0]];
    await this.#write(
      { firstDay, lastDay, afterSequence, throughSequence },
      days,
      days.length <= MOST_DAY_FILES,
    );
  }

  async #compact(): Promise<void> {
    const { rewriteRows, isQuiet } = this.#order;
    let left = rewriteRows;
    for (;;) {
      const rewrite = nextRewrite(this.#manifest.parts, { rows: left, isQuiet });
      if (rewrite === null) return;
      left -= rewrite.rows;
      this.#rewrittenRows += rewrite.rows;
      await this.#rewrite(rewrite);
    }
  }

  async #rewrite({ parts, range, byDay }: Rewrite): Promise<void> {
    this.#manifest.parts = this.#manifest.parts.filter((part) => !parts.includes(part));
    for (const part of parts) await this.#replacePart(part);
    const days = byDay ? await stageFrames(this.#connection, range.afterSequence, range.throughSequence) : [];
    if (!byDay && (await stageRange(this.#connection, range)) === 0) return;
    await this.#write(range, days, byDay);
  }

  /** Writes what is staged. */
  async #write(range: PartRange, days: [day: string, rows: number][], byDay: boolean): Promise<void> {
    const ranges = byDay ? days.map(([day]) => ({ ...range, firstDay: day, lastDay: day })) : [range];
    for (const one of ranges) {
      const files = partFiles(one, this.#nextNumber());
      const day = byDay ? one.firstDay : null;
      const written = await writeStaged(this.#connection, this.#order.directory, files, day);
      const part: Part = { ...files, ...one, ...written, restatement: null };
      this.#manifest.parts.push(part);
    }
  }

  async #replacePart({ file, dailyFile, bytes }: Part): Promise<void> {
    await this.#replace(file, bytes);
    await this.#replace(dailyFile);
  }

  async #replace(file: string, bytes?: number): Promise<void> {
    const size = bytes ?? (await stat(join(this.#order.directory, file)).catch(() => null))?.size ?? 0;
    this.#manifest.replaced.push({ file, at: Date.now(), bytes: size });
  }

  async #replaceAll(old: Manifest): Promise<void> {
    this.#manifest.replaced = [...old.replaced];
    for (const part of old.parts) await this.#replacePart(part);
    for (const { file } of Object.values(old.tables)) await this.#replace(file);
  }

  /** Takes files off the list that were replaced long ago, or are more than is worth their room. */
  #takeExpired(now: number): string[] {
    const { replaced, parts } = this.#manifest;
    const live = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    let excess = replaced.reduce((sum, { bytes }) => sum + bytes, 0) - live - SPARE_BYTES;
    const expired: string[] = [];
    this.#manifest.replaced = replaced.filter(({ file, at, bytes }) => {
      const isOld = at < now - this.#order.keepReplacedMs;
      const isTooMuch = excess > 0 && at < now - SHORTEST_KEEP_MS;
      if (!isOld && !isTooMuch) return true;
      excess -= bytes;
      expired.push(file);
      return false;
    });
    return expired;
  }

  #nextNumber(): number {
    return this.#manifest.nextFile++;
  }

  async #rows(sql: string) {
    return (await this.#connection.runAndReadAll(sql)).getRows();
  }
}

/** Deletes files of exports that did not come to their end. Not while an export runs. */
export async function deleteUnknownFiles(directory: string): Promise<void> {
  const manifest = await readManifest(directory);
  const known = new Set([
    ...(manifest?.parts ?? []).flatMap(({ file, dailyFile }) => [file, dailyFile]),
    ...Object.values(manifest?.tables ?? {}).map(({ file }) => file),
    ...(manifest?.replaced ?? []).map(({ file }) => file),
  ]);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const file = path.slice(directory.length + 1);
    if (entry.isFile() && file.endsWith('.parquet') && !known.has(file)) await rm(path, { force: true });
  }
}

function isSame(a: Manifest, b: Manifest): boolean {
  const essence = ({ parts, tables, position }: Manifest) => JSON.stringify({ parts, tables, position });
  return essence(a) === essence(b);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
