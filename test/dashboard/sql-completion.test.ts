/** What the SQL editor offers at a place of a query. */
import { expect, test } from 'vitest';
import { type CatalogueEntry, completionAt, insertionOf } from '../../dashboard/pages/sql/completion.ts';

const CATALOGUE: CatalogueEntry[] = [
  { kind: 'view', name: 'usage_daily' },
  { kind: 'view', name: 'customers' },
  { kind: 'column', name: 'customer_id', view: 'customers' },
  { kind: 'column', name: 'email', view: 'customers' },
  { kind: 'column', name: 'customer_id', view: 'usage_daily' },
  { kind: 'column', name: 'quantity', view: 'usage_daily' },
  { kind: 'macro', name: 'usage_by_window', type: 'from_local, to_local' },
];

/** The caret is at the ^. */
function offered(text: string, isAsked = false): string[] | null {
  const caret = text.indexOf('^');
  const completion = completionAt(CATALOGUE, text.replace('^', ''), caret, isAsked);
  return completion?.entries.map(({ name }) => name) ?? null;
}

test.each([
  //  query                                    first that is offered
  ['SELECT quan^', 'quantity'],
  ['SELECT * FROM usage^', 'usage_daily'],
  ['SELECT * FROM usage_b^', 'usage_by_window'],
  ['SELECT em^ FROM customers', 'email'],
  ['SELECT c^ FROM usage_daily', 'customer_id'],
  ['SELECT c.^ FROM customers c', 'customer_id'],
  ['SELECT c.em^ FROM usage_daily u JOIN customers AS c USING (customer_id)', 'email'],
  ['SELECT customers.E^ FROM customers', 'email'],
  ['sel^', 'SELECT'],
  ["SELECT 'it''s' || cust^", 'customer_id'],
])('%s', (query, first) => {
  expect(offered(query)?.[0]).toBe(first);
});

test.each([
  ["SELECT 'cust^'"],
  ['SELECT 1 -- cust^'],
  ['SELECT /* cust^'],
  ['SELECT "cust^"'],
  ['SELECT 12^'],
  ['SELECT ^'],
  ['SELECT x.^ FROM customers c'],
  ['SELECT quantity^'],
])('nothing at %s', (query) => {
  expect(offered(query)).toBe(null);
});

test('behind FROM there are views and macros; a column stands once; Ctrl+Space asks without a letter', () => {
  expect(offered('SELECT * FROM ^', true)).toEqual(['usage_daily', 'customers', 'usage_by_window']);
  const all = offered('SELECT ^ FROM usage_daily, customers', true)!;
  expect(all.filter((name) => name === 'customer_id')).toHaveLength(1);
  expect(all.slice(0, 2)).toEqual(['customer_id', 'quantity']);
  expect(completionAt(CATALOGUE, 'SELECT quan', 11, false)).toMatchObject({ from: 7, to: 11 });
  expect(insertionOf(CATALOGUE[6])).toBe('usage_by_window(');
});
