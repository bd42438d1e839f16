/** Queries of a person, one after the other: lines until a semicolon, a history that stays, names that complete. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Shell } from '../shell.ts';
import { completions, type Vocabulary } from './completion.ts';
import type { SqlSource } from './sql-source.ts';
import { tableOf } from './sql-table.ts';

const HISTORY_LINES = 1_000;
const PROMPT = 'usage> ';
const MORE = '   ... ';
const HELP = `End a query with a semicolon. Tab completes names, Ctrl-C ends a query that runs, Ctrl-D leaves.
  .tables          the views, and what is in them
  .schema VIEW     its columns
  .help            this
  .quit            leave`;

/** Ends when the input does. */
export async function askInteractively(
  source: SqlSource,
  limits: { rows: number; seconds: number },
  shell: Shell,
): Promise<void> {
  const history = historyFile(shell.environment);
  const vocabulary = await readVocabulary(source);
  const lines = createInterface({
    input: shell.input,
    output: shell.output,
    terminal: shell.input.isTTY === true,
    prompt: PROMPT,
    history: await readHistory(history),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => completions(line, vocabulary),
  });
  let said: readonly string[] = [];
  lines.on('history', (all: string[]) => {
    said = [...all];
  });
  // The input may end while a query runs; the lines that came before are answered all the same.
  let isOpen = true;
  lines.once('close', () => {
    isOpen = false;
  });
  const prompt = () => {
    if (isOpen) lines.prompt();
  };
  let running: AbortController | null = null;
  let pending = '';
  lines.on('SIGINT', () => {
    if (running !== null) running.abort();
    else if (pending === '' && lines.line === '') lines.close();
    else {
      pending = '';
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
      lines.setPrompt(PROMPT);
      shell.output.write('\n');
      prompt();
    }
  });
  shell.print(`SQL over the lake: ${vocabulary.tables.join(', ')}. ".help" helps.`);
  prompt();
  for await (const line of lines) {
    const command = pending === '' ? dotCommand(line) : null;
    if (command === 'quit') break;
    const query = command === null ? `${pending}${line}` : null;
    if (query !== null && !isComplete(query)) {
      pending = query.trim() === '' ? '' : `${query}\n`;
      lines.setPrompt(pending === '' ? PROMPT : MORE);
      prompt();
      continue;
    }
    pending = '';
    if (command === 'help') shell.print(HELP);
    else {
      running = new AbortController();
      try {
        const { lines: table, note } = await tableOf(
          source,
          command ?? query!,
          limits,
          shell.width,
          running.signal,
        );
        shell.print(table.join('\n'));
        if (note !== null) shell.note(note);
      } catch (error) {
        shell.note(running.signal.aborted ? 'ended' : (error as Error).message);
      }
      running = null;
    }
    lines.setPrompt(PROMPT);
    prompt();
  }
  lines.close();
  if (said.length > 0) await writeHistory(history, said);
}

/** Whether a query ends: with a semicolon that is not in a text, a name or a comment. */
export function isComplete(query: string): boolean {
  const bare = query.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//g, ' ');
  return /;\s*$/.test(bare) && !/['"]/.test(bare);
}

/** What a line with a dot means: a query, `help` or `quit`; null where it is a query itself. */
function dotCommand(line: string): string | null {
  const [command, name = ''] = line.trim().replace(/;$/, '').split(/\s+/);
  if (!command.startsWith('.')) return null;
  if (command === '.quit' || command === '.exit') return 'quit';
  if (command === '.tables')
    return 'SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1';
  if (command === '.schema' && name !== '')
    return `SELECT column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal
      AND table_name = '${name.replaceAll("'", "''")}' ORDER BY column_index`;
  return 'help';
}

async function readVocabulary(source: SqlSource): Promise<Vocabulary> {
  const { bytes } = await source.ask({
    query: `SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() WHERE NOT internal
      GROUP BY 1 ORDER BY 1`,
    format: 'json',
    rows: 10_000,
    seconds: 30,
    signal: new AbortController().signal,
  });
  const { rows } = JSON.parse(await text(bytes)) as { rows: [string, string[]][] };
  return {
    tables: rows.map(([table]) => table),
    columns: [...new Set(rows.flatMap(([, columns]) => columns))],
  };
}

function historyFile(environment: NodeJS.ProcessEnv): string {
  const state = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state');
  return join(state, 'usage-meter', 'sql_history');
}

/** The last line first, as readline has it. */
async function readHistory(path: string): Promise<string[]> {
  const saved = await readFile(path, 'utf8').catch(() => '');
  return saved
    .split('\n')
    .filter((line) => line !== '')
    .reverse();
}

/** Without a place to keep it, there is none. */
async function writeHistory(path: string, said: readonly string[]): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, `${said.toReversed().join('\n')}\n`, { mode: 0o600 });
  } catch {}
}
