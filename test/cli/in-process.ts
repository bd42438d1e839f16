/** Runs a command of the CLI in this process, against a receiver that may be in it too. */
import { Readable, Writable } from 'node:stream';
import { runCommand } from '../../cli/command.ts';
import { Shell } from '../../cli/shell.ts';
import type { CliEnd } from './run-cli.ts';

export interface InProcessOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Columns of a terminal; without them the output is none. */
  columns?: number;
}

export async function runInProcess(
  args: readonly string[],
  options: InProcessOptions = {},
): Promise<CliEnd & { code: number }> {
  const { env = {}, stdin = '', columns } = options;
  const output = capture(columns);
  const errors = capture(columns);
  const shell = new Shell({
    environment: env,
    input: Readable.from(stdin === '' ? [] : [stdin]),
    output: output.stream,
    errors: errors.stream,
  });
  const code = await runCommand(args, shell);
  return { code, stdout: output.text(), stderr: errors.text() };
}

function capture(columns: number | undefined) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  if (columns !== undefined) Object.assign(stream, { isTTY: true, columns });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}
