import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { viewsText } from '../../../scripts/sql-views.ts';

test('docs/sql.md lists the views and columns as they are (node scripts/sql-views.ts writes them)', () => {
  const text = readFileSync(new URL('../../../docs/sql.md', import.meta.url), 'utf8');
  expect(text.slice(text.indexOf('## Views'))).toBe(viewsText());
});
