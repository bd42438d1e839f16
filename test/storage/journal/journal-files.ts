/** What the journal's tests share: directories, frames that can be told apart, reading everything back. */
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Journal, type JournalOptions } from '../../../storage/journal/journal.ts';
import { frame } from './frames.ts';

export { frame, receivedAt } from './frames.ts';

const root = await mkdtemp(join(tmpdir(), 'journal-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let directories = 0;

export async function newDirectory(): Promise<string> {
  const directory = join(root, String(directories++));
  await mkdir(directory);
  return directory;
}

/** Sizes of payloads, group by group. Frame ids are sequences. */
export type Groups = readonly (readonly number[])[];

/** Appends groups, each durable before the next. */
export async function appendGroups(journal: Journal, groups: Groups): Promise<void> {
  for (const sizes of groups) {
    for (const size of sizes) journal.append(frame(journal.lastSequence + 1, size));
    await journal.durable(journal.lastSequence);
  }
}

/** A directory as a killed process leaves it: what was acknowledged is there, no seal, nobody closed anything. */
export async function killedJournal(groups: Groups, options: JournalOptions = {}): Promise<string> {
  const directory = await newDirectory();
  const journal = await Journal.open(directory, options);
  await appendGroups(journal, groups);
  const copy = await copyOf(directory);
  await journal.close();
  return copy;
}

export async function copyOf(directory: string): Promise<string> {
  const copy = await newDirectory();
  for (const name of await readdir(directory)) await copyFile(join(directory, name), join(copy, name));
  return copy;
}

/** The frames from a sequence on, as short text: `sequence:bytes`, and a mark where anything is not as written. */
export async function contents(journal: Journal, fromSequence = 1): Promise<string[]> {
  const found: string[] = [];
  for await (const got of journal.frames(fromSequence)) {
    const written = frame(got.sequence, got.payload.byteLength);
    const same =
      got.receivedAtUnixNano === written.receivedAtUnixNano &&
      got.kind === written.kind &&
      got.encoding === written.encoding &&
      Buffer.compare(got.payload, written.payload) === 0;
    found.push(`${got.sequence}:${got.payload.byteLength}${same ? '' : ' differs'}`);
  }
  return found;
}

/** What {@link contents} answers for groups that are all there. */
export function expectedContents(groups: Groups, firstSequence = 1): string[] {
  return groups.flat().map((size, place) => `${firstSequence + place}:${size}`);
}
