/**
 * How far each file of an import is acknowledged, on disk, so that a repetition goes on from there.
 *
 * A file of JSON lines per content, mapping and receiver, which only grows: whatever an import is killed in, the lines
 * before hold. It saves work and nothing depends on it: without it everything is sent again and found to be known.
 */
import { hash } from 'node:crypto';
import { appendFile, mkdir, readFile, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Line = z.strictObject({
  /** Everything up to this row is stored, or rejected. */
  row: z.int().positive(),
  /** Rows of it that the receiver refused. */
  refused: z.array(z.int().positive()),
});

export interface AcknowledgedPart {
  /** The last row of the first batch. */
  firstEnd: number;
  /** The last row of the batch before the last one; 0 where there is but one. */
  lastBegin: number;
  /** The last row of the last batch. */
  lastEnd: number;
  /** Rows up to there that the receiver refused then; it may take them now. */
  refused: ReadonlySet<number>;
}

export class ImportState {
  readonly #folder: string;
  readonly #path: string;
  readonly #about: string;
  #isBegun = false;
  /** Why it cannot be written; the import goes on without. */
  failure: string | null = null;

  /** @param meaning all that makes the same rows other usage: mapping, receiver */
  constructor(folder: string, contentHash: string, meaning: string) {
    this.#folder = folder;
    this.#about = `usage-meter import 1 ${contentHash} ${hash('sha256', meaning).slice(0, 16)}`;
    this.#path = join(folder, `${contentHash}-${hash('sha256', meaning).slice(0, 16)}.jsonl`);
  }

  /** @returns null where nothing is known, or nothing that can be read */
  async load(): Promise<AcknowledgedPart | null> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    const [about, ...lines] = text.split('\n');
    this.#isBegun = about === this.#about;
    if (!this.#isBegun) return null;
    const ends: number[] = [];
    const refused = new Set<number>();
    for (const line of lines) {
      const parsed = Line.safeParse(parseJson(line));
      // The end of a line that a kill has cut.
      if (!parsed.success) continue;
      ends.push(parsed.data.row);
      for (const row of parsed.data.refused) refused.add(row);
    }
    if (ends.length === 0) return null;
    ends.sort((a, b) => a - b);
    return { firstEnd: ends[0], lastBegin: ends.at(-2) ?? 0, lastEnd: ends.at(-1)!, refused };
  }

  /** Notes that everything up to a row is acknowledged. */
  async acknowledge(row: number, refused: readonly number[]): Promise<void> {
    if (this.failure !== null) return;
    try {
      const line = `\n${JSON.stringify({ row, refused })}`;
      if (this.#isBegun) {
        await appendFile(this.#path, line);
        return;
      }
      await mkdir(this.#folder, { recursive: true });
      await writeFile(this.#path, this.#about + line);
      this.#isBegun = true;
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }

  /** The file is imported, or what was noted does not hold. */
  async forget(): Promise<void> {
    await unlink(this.#path).catch(() => undefined);
    this.#isBegun = false;
    // Only an empty folder goes.
    await rmdir(this.#folder).catch(() => undefined);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
