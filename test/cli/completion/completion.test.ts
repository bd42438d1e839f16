import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../../cli/command.ts';
import { completedCommands } from '../../../cli/completion/completion-model.ts';
import { Shell } from '../../../cli/shell.ts';
import { runInProcess } from '../in-process.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'completion-cli-'));
  writeFileSync(join(folder, 'usage.csv'), '');
  writeFileSync(join(folder, 'completion.bash'), (await runInProcess(['completion', 'bash'])).stdout);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for the last word, by the script that it was given. */
function offered(...words: string[]): string[] {
  const script = [
    'source ./completion.bash',
    'COMP_WORDS=(usage-meter "$@")',
    'COMP_CWORD=$#',
    '_usage_meter',
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join('\n');
  const said = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  return said.split('\n').filter((line) => line !== '');
}

describe('bash completes', () => {
  test.each([
    // what is typed                        what is offered
    [['qu'], ['query', 'quarantine']],
    [
      ['quarantine', ''],
      ['list', 'reasons', 'signals', 'replay', 'fix', 'dismiss'],
    ],
    [['quarantine', 'fix', '--se'], ['--set']],
    [
      ['query', '--window', 'm'],
      ['minute', 'month'],
    ],
    [['query', '-w', 'da'], ['day']],
    [
      ['export', 'records', '-f', ''],
      ['csv', 'ndjson', 'parquet'],
    ],
    [
      ['completion', '-'],
      ['-h', '--help'],
    ],
    // A value of its own, which no shell can guess.
    [['query', '--customer', ''], []],
    // Files, where they are meant.
    [['import', 'usa'], ['usage.csv']],
    [['export', 'usage', '--output', 'usa'], ['usage.csv']],
    [['query', 'usa'], []],
  ])('%j', (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });
});

const stream = new PassThrough();
const commands = completedCommands(
  program(new Shell({ environment: {}, input: stream, output: stream, errors: stream })),
);

test.each(['bash', 'zsh', 'fish'])('the script for %s has every command, flag and choice', async (shell) => {
  const { code, stdout, stderr } = await runInProcess(['completion', shell]);
  expect([code, stderr]).toEqual([0, '']);
  expect(commands.length).toBeGreaterThan(40);
  for (const { path, options } of commands) {
    if (path !== '') expect(stdout).toContain(shell === 'fish' ? `\\'${path}\\'` : `'${path}'`);
    for (const { names, value } of options) {
      for (const name of names)
        expect(stdout).toContain(
          shell === 'fish' ? name.replace(/^--/, '-l ').replace(/^-(?=\w$)/, '-s ') : name,
        );
      if (value.is === 'choice') for (const choice of value.choices) expect(stdout).toContain(choice);
    }
  }
});

test('bash can read what it is given', () => {
  execFileSync('bash', ['-n', join(folder, 'completion.bash')]);
});

test('another shell is wrong usage', async () => {
  const { code, stdout, stderr } = await runInProcess(['completion', 'tcsh']);
  expect([code, stdout, stderr]).toEqual([
    2,
    '',
    expect.stringContaining('Allowed choices are bash, zsh, fish'),
  ]);
});
