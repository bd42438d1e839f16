import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { QUARANTINE_REASONS } from '../../storage/quarantine-reasons.ts';

test('docs/quarantine.md says of every reason what is told of it, in the order in which they apply', () => {
  const text = readFileSync(new URL('../../docs/quarantine.md', import.meta.url), 'utf8');
  const documented = text
    .split('\n')
    .filter((line) => /^\| `\w+` \|/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .replaceAll('`', '')
        .split('|')
        .map((cell) => cell.trim()),
    );
  const told = QUARANTINE_REASONS.map(({ reason, title, meaning, writer, listed }) => [
    reason,
    title,
    meaning,
    writer,
    listed,
  ]);
  expect(documented).toEqual(told);
});
