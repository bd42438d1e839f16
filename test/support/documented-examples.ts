/** Examples of the documentation, run as they stand by a shell and curl. */
import { execFile } from 'node:child_process';
import { expect } from 'vitest';

export interface Example {
  command: string;
  status: string;
  /** What the next examples call a value of the answer: NAME=.rows[0].recordId */
  variable: { name: string; path: string } | null;
  answer: unknown;
}

/** Each command ends in a comment with the status; the JSON block behind a block is the answer to its last command. */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  for (const [, language, block] of markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    if (language === 'json') {
      examples[examples.length - 1].answer = JSON.parse(block);
      continue;
    }
    for (const [, command, status, name, path] of block.matchAll(/(.+?)\n# (\d{3})(?: (\w+)=(\S+))?\n/gs)) {
      examples.push({ command, status, variable: name ? { name, path } : null, answer: undefined });
    }
  }
  return examples;
}

/** Runs examples one after the other, which hand values on to those behind them. */
export class ExampleRun {
  readonly #url: string;
  readonly #variables: Record<string, string> = {};

  /** @param url that of the receiver */
  constructor(url: string) {
    this.#url = url;
  }

  /** @throws AssertionError unless the answer is as documented; "…" stands for any text */
  async check({ command, status, variable, answer }: Example): Promise<void> {
    const said = await this.#run(command);
    const end = said.lastIndexOf('\n');
    const body = end <= 0 ? null : JSON.parse(said.slice(0, end));
    expect([said.slice(end + 1), body]).toEqual([status, answer === undefined ? body : expected(answer)]);
    if (variable !== null) this.#variables[variable.name] = valueAt(body, variable.path);
  }

  #run(command: string): Promise<string> {
    const script = command
      .replaceAll('http://127.0.0.1:4318', this.#url)
      .replace(/\bcurl /, "curl --silent --show-error --write-out '\\n%{http_code}' ");
    const env = { ...process.env, ...this.#variables };
    return new Promise((resolve, reject) => {
      execFile('sh', ['-c', script], { env }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command}\n${stderr}`));
      });
    });
  }
}

/** "…" stands for any text. */
function expected(answer: unknown): unknown {
  if (answer === '…') return expect.any(String);
  if (Array.isArray(answer)) return answer.map(expected);
  if (typeof answer !== 'object' || answer === null) return answer;
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, expected(value)]));
}

function valueAt(body: unknown, path: string): string {
  let value = body;
  for (const [, step] of path.matchAll(/(\w+)/g)) value = (value as Record<string, unknown>)[step];
  return String(value);
}
