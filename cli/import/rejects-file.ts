/** The file that names every row that was not imported, and why: CSV, in the order of the data. */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { RowFault } from './source-row.ts';

export interface Reject extends RowFault {
  /** As it was named. */
  file: string;
  /** See SourceRow.row. */
  row: number;
}

const HEADER = 'file,row,column,value,problem\n';
/** As much of a value as a person needs to find it. */
const MAX_VALUE_LENGTH = 200;

/** Rejects that a summary shows. */
const MAX_EXAMPLES = 10;

export interface RejectsMark {
  bytes: number;
  examples: number;
}

export class RejectsFile {
  readonly path: string;
  /** The first ones, to show. */
  readonly examples: Reject[] = [];
  #file: FileHandle | null = null;
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The first rejects make the file, in the place of one that an earlier import left. */
  async write(rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    if (this.#file === null) {
      this.#file = await open(this.path, 'w');
      this.#bytes = (await this.#file.write(HEADER)).bytesWritten;
    }
    const { bytesWritten } = await this.#file.write(rejects.map(csvLine).join(''), this.#bytes);
    this.#bytes += bytesWritten;
    if (this.examples.length < MAX_EXAMPLES)
      this.examples.push(...rejects.slice(0, MAX_EXAMPLES - this.examples.length));
  }

  get hasAny(): boolean {
    return this.#file !== null;
  }

  /** Where it stands, for {@link backTo}. */
  mark(): RejectsMark {
    return { bytes: this.#bytes, examples: this.examples.length };
  }

  /** Forgets what was written since then. */
  async backTo({ bytes, examples }: RejectsMark): Promise<void> {
    if (this.#file === null) return;
    this.#bytes = Math.max(bytes, HEADER.length);
    await this.#file.truncate(this.#bytes);
    this.examples.length = examples;
  }

  /** Nothing was rejected: what an earlier import left says so no more. A file of somebody else stays. */
  async close(): Promise<void> {
    if (this.#file !== null) {
      await this.#file.close();
    } else if (await isRejectsFile(this.path)) {
      await unlink(this.path);
    }
  }
}

/** Of a value that may be a whole row, as much as helps. */
export function shortened(value: string): string {
  const text = value.toWellFormed();
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`;
}

async function isRejectsFile(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.length), 0, HEADER.length, 0);
    return buffer.toString('utf8', 0, bytesRead) === HEADER;
  } finally {
    await file.close();
  }
}

function csvLine({ file, row, column, value, problem }: Reject): string {
  return `${[file, String(row), column, shortened(value), problem].map(csvField).join(',')}\n`;
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
