import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REASONS } from '../../dashboard/pages/quality/reasons.ts';

test('the page says of each reason what docs/quarantine.md says, in its order', () => {
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
  const shown = Object.entries(REASONS).map(([reason, { meaning, writer, listed }]) => [
    reason,
    meaning,
    writer,
    listed,
  ]);
  expect(shown).toEqual(documented);
});
