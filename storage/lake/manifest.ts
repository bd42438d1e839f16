/**
 * What the lake consists of, at one instant. It stands in `manifest.json` beside the files, replaced as a whole, and is
 * what an export goes on from after a crash.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const MANIFEST_FILE = 'manifest.json';
/** Goes up with every change of the files' form; a lake of another version is made anew. */
const MANIFEST_VERSION = 2;

/** `2026-03-01`, a day in UTC. */
const Day = z.string().regex(/^-?\d{4,6}-\d\d-\d\d$/);

/**
 * How records of a part differ by now from what its file says, until the file is written anew. All of it is empty for
 * nearly every part at nearly every time.
 */
const Restatement = z.strictObject({
  /** Customers that became another one: the id in the file, and the id that holds. */
  customers: z.record(z.string(), z.string()),
  /** Units of dimensions. */
  units: z.record(z.string(), z.string()),
  /** Ids of records that do not count any more. */
  voided: z.array(z.string()),
});
export type Restatement = z.infer<typeof Restatement>;

/** One file of usage records: all of its days that came with the journal frames (afterSequence, throughSequence]. */
const Part = z.strictObject({
  /** From the lake's folder. */
  file: z.string(),
  /** Its sums per customer, dimension and day: a hundredth of the rows, for most questions enough. */
  dailyFile: z.string(),
  /** First and last day; the same but for records that came for many days at once. */
  firstDay: Day,
  lastDay: Day,
  afterSequence: z.int().min(0),
  throughSequence: z.int().min(0),
  rows: z.int().positive(),
  bytes: z.int().positive(),
  restatement: Restatement.nullable(),
});
export type Part = z.infer<typeof Part>;

const TableFile = z.strictObject({
  file: z.string(),
  /** Changes when the table's contents may have. */
  signature: z.string(),
  /** When it was written, and how long that took, milliseconds. */
  at: z.int().default(0),
  milliseconds: z.number().default(0),
  bytes: z.int().default(0),
});
export type TableFile = z.infer<typeof TableFile>;

const Manifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  /** Journal sequence up to which all usage is in the lake. */
  position: z.int().min(0),
  /** Journal sequence of the last change by people that the parts take into account. */
  changesThrough: z.int().min(0),
  /** When the export began: the lake is as the ledger was then (RFC 3339). */
  asOf: z.string(),
  /** Makes names of files that were never there. */
  nextFile: z.int().min(1),
  parts: z.array(Part),
  /** Views of the ledger that are kept as one file each. */
  tables: z.record(z.string(), TableFile),
  /** Files that are no part of the lake any more, kept for readers of earlier catalogues. */
  replaced: z.array(z.strictObject({ file: z.string(), at: z.int(), bytes: z.int() })),
});
export type Manifest = z.infer<typeof Manifest>;

export function emptyManifest(): Manifest {
  return {
    version: MANIFEST_VERSION,
    position: 0,
    changesThrough: 0,
    asOf: new Date(0).toISOString(),
    nextFile: 1,
    parts: [],
    tables: {},
    replaced: [],
  };
}

/** @returns null where there is none, or one that this release does not write: the lake is to be made anew */
export async function readManifest(directory: string): Promise<Manifest | null> {
  let text: string;
  try {
    text = await readFile(join(directory, MANIFEST_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return Manifest.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Replaces the manifest; the old one or the new one is there whatever happens. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const path = join(directory, MANIFEST_FILE);
  const beside = `${path}.new`;
  const file = await open(beside, 'w');
  try {
    await file.writeFile(`${JSON.stringify(manifest)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncDirectory(directory);
}

/** Puts a file's bytes on disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename in a directory, or a new file there, outlast a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await syncFile(path);
}

/** Of a file in the lake. */
export function folderOf(directory: string, file: string): string {
  return dirname(join(directory, file));
}
