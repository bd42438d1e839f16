/** The examples of docs/cli.md, run as they stand by a shell, in their order. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../cli/command.ts';
import { completedCommands } from '../../cli/completion/completion-model.ts';
import { Shell } from '../../cli/shell.ts';
import { COMMAND } from '../support/receiver-process.ts';
import { startTestReceiver, type TestReceiver } from './receiver.ts';

const markdown = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

interface Example {
  command: string;
  /** What it prints; `…` stands for anything in a line, a line of its own for any lines. */
  output: string;
}

/** Each command begins a line with `$ `; what follows is its output. */
const examples = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block]) =>
  [...block.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)].map(
    ([, command, output]): Example => ({ command, output }),
  ),
);

const stream = new PassThrough();
const commands = completedCommands(
  program(new Shell({ environment: {}, input: stream, output: stream, errors: stream })),
);

let folder: string;
let receiver: TestReceiver;
beforeAll(async () => {
  receiver = await startTestReceiver();
  folder = mkdtempSync(join(tmpdir(), 'cli-docs-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(
    join(folder, 'bin', 'usage-meter'),
    `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
});
afterAll(async () => {
  await receiver?.stop();
  rmSync(folder, { recursive: true });
});

/** The receiver of this test in the place of the one that commands ask by themselves. */
function addressed(command: string): string {
  const asking = commands
    .filter(({ path, options }) => path !== '' && options.some(({ names }) => names.includes('--url')))
    .map(({ path }) => path)
    .sort((a, b) => b.length - a.length);
  return command
    .replaceAll('http://127.0.0.1:4318', receiver.url)
    .replaceAll(
      new RegExp(`usage-meter (${asking.join('|')})(?= (?!--url)|$)`, 'g'),
      `usage-meter $1 --url ${receiver.url}`,
    );
}

function run(command: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    NO_COLOR: '1',
  };
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', addressed(command)], { cwd: folder, env }, (error, stdout, stderr) => {
      if (error === null && stderr === '') resolve(stdout.replaceAll('\r\n', '\n'));
      else reject(new Error(`${command}\n${stdout}${stderr}`));
    });
  });
}

function pattern(output: string): RegExp {
  const lines = output.split('\n').map((line) =>
    line === '…'
      ? '(?:.*\\n)*?.*'
      : line
          .split('…')
          .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
          .join('.*?'),
  );
  return new RegExp(`^${lines.join('\\n')}$`);
}

test('every example is found', () => {
  expect(examples.length).toBeGreaterThan(25);
  expect(examples.length).toBe(markdown.match(/^\$ /gm)!.length);
});

test.each(examples)('$command', async ({ command, output }) => {
  expect(await run(command)).toMatch(pattern(output));
});

test('every command is named', () => {
  const rows = markdown.slice(0, markdown.indexOf('## For all commands'));
  for (const { path, subcommands } of commands) {
    const [first, ...below] = path.split(' ');
    if (path === '' || subcommands.length > 0) continue;
    expect(rows).toContain(`\`${first}`);
    for (const name of below) expect(rows).toMatch(new RegExp(`\`(${first} )?${name}\``));
  }
});
