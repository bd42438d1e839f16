/** Questions that differ have answers of their own, whatever is in them. */
import { expect, test } from 'vitest';
import { answer, createQueryClient } from '../../dashboard/api/query.ts';
import { usageQuery, usageQuestion } from '../../dashboard/pages/customer/usage-search.ts';

test.each([
  ['region=eu', 'region=us'],
  ['__proto__=a', '__proto__=b'],
  ['__proto__=a', undefined],
  ['constructor=a', 'constructor=b'],
])('a filter by %s, and by %s', (one, other) => {
  const client = createQueryClient();
  const hash = (filter: string | undefined): string => {
    const search = filter === undefined ? {} : { filter: [filter] };
    const ids = { customerId: 'acme', dimensionId: 'api', timeZone: 'UTC' };
    const query = usageQuery(usageQuestion(search, ids, 0));
    return client.defaultQueryOptions(answer('GET /api/v1/usage', { query })).queryHash;
  };
  expect(hash(one)).not.toBe(hash(other));
  expect(hash(one)).toBe(hash(one));
});
