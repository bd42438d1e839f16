/** What the documents say of a command's flags, against the command. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { program } from '../../cli/command.ts';
import { processShell } from '../../cli/shell.ts';

function commandOf(names: readonly string[]): Command {
  return names.reduce<Command>(
    (command, name) => command.commands.find((one) => one.name() === name)!,
    program(processShell()),
  );
}

test.each([
  ['import.md', ['import']],
  ['dry-run.md', ['meters', 'test']],
])('docs/%s names every flag of its command, and no other', (file, names) => {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `--'));
  const told = rows.flatMap((row) => row.split(' | ')[0].match(/--[a-z-]+/g)!);
  const known = commandOf(names).options.map(({ long }) => long);
  expect([...new Set(told)].sort()).toEqual(known.sort());
});
