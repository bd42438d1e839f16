/** From the records of a cell to what is billed, in words and numbers. (Pure.) */
import { textFromScaled } from '../decimal.ts';
import type { ExplainPart } from './explain-parts.ts';
import type { UsageRow } from './usage-query.ts';
import { type DimensionTerms, dependsOnInterval, isOfLevels } from './usage-terms.ts';

export interface ExplainStep {
  /** What was done, for people. */
  text: string;
  /** What it came to: an exact decimal. */
  value: string;
}

/** @param cell as the usage answer has it */
export function stepsOf(
  terms: DimensionTerms,
  cell: UsageRow,
  parts: readonly ExplainPart[],
  isCarried: boolean,
): ExplainStep[] {
  const steps: ExplainStep[] = [];
  const records = `${cell.records} ${cell.records === 1 ? 'record' : 'records'}`;
  const interval = dependsOnInterval(terms) ? terms.interval : null;
  const carried = isCarried ? ', with the level that is carried in' : '';
  let text = `${AGGREGATIONS[terms.aggregation](terms)}: ${records}${carried}`;
  const [part] = parts;
  const isQuotient = terms.aggregation === 'average' || isOfLevels(terms);
  if (interval !== null)
    text += `, in each ${interval}; ${parts.length} ${parts.length === 1 ? 'part' : 'parts'} added up`;
  else if (isQuotient && part !== undefined) text += `: ${part.sum} ÷ ${part.divisor}`;
  steps.push({ text, value: cell.quantity });
  if (terms.usageIncrement !== null) {
    const increment = textFromScaled(terms.usageIncrement);
    const exactly = isQuotient ? ' (the exact quotient, not its 12 places)' : '';
    const how = ROUNDINGS[terms.rounding ?? 'round'];
    steps.push({
      text: `rounded ${how} to a multiple of the usage increment ${increment}${exactly}`,
      value: cell.billableQuantity,
    });
  }
  if (cell.amount !== undefined && terms.unitPrice !== null) {
    const price = textFromScaled(terms.unitPrice);
    steps.push({ text: `${cell.billableQuantity} × the unit price ${price}`, value: cell.amount });
  }
  return steps;
}

const AGGREGATIONS: Readonly<Record<DimensionTerms['aggregation'], (terms: DimensionTerms) => string>> = {
  sum: () => 'the sum of the values',
  count: () => 'how many records there are',
  max: () => 'the greatest value',
  min: () => 'the least value',
  last: () => 'the last value',
  average: () => 'the sum of the values ÷ how many there are',
  unique: ({ uniqueKey }) => `how many values of metadata.${uniqueKey} there are`,
  time_weighted: () => 'the mean level: the sum of level × seconds ÷ seconds',
  time_integral: () => 'the sum of level × seconds ÷ 3600 seconds of an hour',
};

const ROUNDINGS = { floor: 'down', ceiling: 'up', round: 'to the nearest, half away from zero,' } as const;
