import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { QUARANTINE_CODES } from '../../storage/quarantine-codes.ts';

test('docs/quarantine.md lists every reason, in the order in which they apply', () => {
  const text = readFileSync(new URL('../../docs/quarantine.md', import.meta.url), 'utf8');
  const listed = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason);
  expect(listed).toEqual(QUARANTINE_CODES);
});
