/** What a command has around it: where it reads and writes, and the codes that it ends with. */
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import { textTable } from './text-table.ts';

/** 0 done; 1 failed or refused; 2 wrong usage; 3 done in part. What scripts rely on: docs/cli.md. */
export const EXIT = { done: 0, failed: 1, wrongUsage: 2, partial: 3 } as const;

/** A stream that may be a terminal. */
export type Terminal<Stream> = Stream & { isTTY?: boolean; columns?: number };

export class Shell {
  readonly environment: NodeJS.ProcessEnv;
  readonly input: Terminal<Readable>;
  readonly output: Terminal<Writable>;
  readonly errors: Terminal<Writable>;
  /** With what the command ends, unless it fails. */
  exitCode: number = EXIT.done;

  constructor(around: {
    environment: NodeJS.ProcessEnv;
    input: Terminal<Readable>;
    output: Terminal<Writable>;
    errors: Terminal<Writable>;
  }) {
    this.environment = around.environment;
    this.input = around.input;
    this.output = around.output;
    this.errors = around.errors;
  }

  /** Columns of a line; without end where the output is no terminal: nothing is cut then. */
  get width(): number {
    return this.output.columns ?? Number.POSITIVE_INFINITY;
  }

  /** A line of the answer, or several. */
  print(text: string): void {
    this.output.write(`${text}\n`);
  }

  /** The answer for programs: one JSON document. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /**
   * A table that fits the terminal.
   * @param whole places of columns that are never cut
   */
  printTable(
    head: readonly string[],
    rows: readonly (readonly string[])[],
    whole: readonly number[] = [],
  ): void {
    const [first, ...lines] = textTable(head, rows, this.width, whole);
    this.print([this.style('bold', first), ...lines].join('\n'));
  }

  /**
   * Says that a list was limited, and how to go on; nothing where it was not.
   * @param asOf the state of the ledger that the cursor belongs to, where it is not said by a flag
   */
  noteMore(nextCursor: string | null, asOf?: string): void {
    if (nextCursor === null) return;
    const state = asOf === undefined ? '' : `--as-of ${asOf} `;
    this.note(`There are more: a higher --limit, or ${state}--cursor ${nextCursor}`);
  }

  /** A line beside the answer. */
  note(text: string): void {
    this.errors.write(`${text}\n`);
  }

  /** Coloured on a terminal that wants it: NO_COLOR and FORCE_COLOR are heard. */
  style(format: Parameters<typeof styleText>[0], text: string): string {
    const { NO_COLOR, FORCE_COLOR } = this.environment;
    if (NO_COLOR) return text;
    const isWanted = FORCE_COLOR === undefined ? this.output.isTTY === true : FORCE_COLOR !== '0';
    return isWanted ? styleText(format, text, { validateStream: false }) : text;
  }
}

/** The shell of this process. */
export function processShell(): Shell {
  return new Shell({
    environment: process.env,
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
  });
}
