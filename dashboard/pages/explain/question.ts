/** The cell that an address names, as the API takes it. (Pure.) */
import type { RequestOptions } from '../../api/client.ts';
import { type UsageQuestion, usageQuery } from '../customer/usage-search.ts';
import type { ExplainSearch } from './route.ts';

/** Records of a page. */
export const PAGE_SIZE = 50;

export function explainQuery(
  { at, group, missing }: ExplainSearch,
  question: UsageQuestion,
): RequestOptions<'GET /api/v1/usage/explain'>['query'] {
  const { groupKey } = question;
  const query = usageQuery(question);
  const windowStart = at === undefined ? {} : { windowStart: at };
  if (groupKey === null) return { ...query, ...windowStart };
  // The row's own value stands in the place of what the question was filtered by.
  const others = Object.entries(query.metadata ?? {}).filter(([key]) => key !== groupKey);
  if (missing !== undefined)
    return { ...query, ...windowStart, metadata: Object.fromEntries(others), missing: groupKey };
  return {
    ...query,
    ...windowStart,
    metadata: Object.fromEntries([...others, [groupKey, [group ?? '']]]),
  };
}
