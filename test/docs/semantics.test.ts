/** The examples of docs/semantics.md, run as they stand. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseUsageQuery, QueryError, runQuery, type UsageRow } from '../../storage/query/index.ts';
import {
  type StoredDimension,
  type StoredRecord,
  StoredUsage,
  unixNano,
} from '../storage/query/stored-usage.ts';

const page = readFileSync(new URL('../../docs/semantics.md', import.meta.url), 'utf8');
const examples = page
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/^```example\n(.*?)^```$/gms)].map(([, text], i): [string, string[]] => [
      `${section.slice(0, section.indexOf('\n'))} ${i + 1}`,
      text.trimEnd().split('\n'),
    ]),
  );

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
});
afterEach(() => stored.close());

test('the page has examples in every part about questions', () => {
  expect(examples.length).toBeGreaterThanOrEqual(20);
});

describe('docs/semantics.md', () => {
  test.each(examples)('%s', async (_, lines) => {
    const given = lines.findIndex((line) => /^(GET|SQL) /.test(line));
    const completeUntil = await store(lines.slice(0, given));
    for (let at = given; at < lines.length; ) {
      const next = lines.findIndex((line, i) => i > at && /^(GET|SQL) /.test(line));
      const end = next === -1 ? lines.length : next;
      const [question, ...expected] = lines.slice(at, end);
      const answered = question.startsWith('SQL ')
        ? await sqlRows(question.slice('SQL '.length))
        : await usageRows(question.slice('GET '.length), expected[0], completeUntil);
      expect(answered, question).toEqual(expected);
      at = end;
    }
  });
});

/** @returns up to when usage is complete; null if the example does not say */
async function store(lines: readonly string[]): Promise<bigint | null> {
  const dimensions: string[] = [];
  const records: StoredRecord[] = [];
  let completeUntil: bigint | null = null;
  for (const line of lines) {
    const [what, ...words] = line.split(' ');
    const pairs = Object.fromEntries(
      words.filter((word) => word.includes('=')).map((word) => word.split('=')),
    );
    if (what === 'dimension') {
      const [id, aggregation] = words;
      const { levelTtl, ...terms } = pairs;
      const ttl = levelTtl === undefined ? {} : { levelTtl: Number(levelTtl) };
      await stored.dimension(id, { aggregation, ...terms, ...ttl } as StoredDimension);
      dimensions.push(id);
    } else if (what === 'record') {
      const [customerId, dimension, time, quantity] = words;
      const { kind = 'record', sequence = '1', voidedBy, ...metadata } = pairs;
      // Whoever stands for all dimensions is a record of each.
      for (const dimensionId of dimension === '*' ? dimensions : [dimension]) {
        records.push({
          customerId,
          dimensionId,
          time,
          quantity,
          metadata,
          kind: ['record', 'increment', 'correction'].indexOf(kind),
          sequence: Number(sequence),
          ...(voidedBy === undefined ? {} : { voidedBy: Number(voidedBy) }),
        });
      }
    } else if (what === 'complete') {
      completeUntil = unixNano(words[1]);
    } else if (what === 'position') {
      await stored.arrivals(Number(words[0]), []);
    } else {
      throw new Error(`an example says what is not understood: ${line}`);
    }
  }
  await stored.add(records);
  return completeUntil;
}

/** The answer as an example has it: the columns, then the rows; or the status and the parameter at fault. */
async function usageRows(url: string, columns: string, completeUntil: bigint | null): Promise<string[]> {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  expect(pathname).toBe('/api/v1/usage');
  try {
    const query = parseUsageQuery(searchParams);
    query.completeUntil = completeUntil;
    const { rows } = await runQuery(stored.connection, { type: 'usage', query });
    return [
      columns,
      ...rows.map((row) =>
        columns
          .split(' ')
          .map((column) => cell(row, column))
          .join(' '),
      ),
    ];
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return [`400 ${error.parameter}`];
  }
}

function cell(row: UsageRow, column: string): string {
  if (column.startsWith('metadata.')) {
    const value = row.metadata![column.slice('metadata.'.length)];
    return value === '' ? '""' : String(value);
  }
  expect([
    'customerId',
    'dimensionId',
    'windowStart',
    'windowEnd',
    'quantity',
    'billableQuantity',
    'amount',
    'records',
  ]).toContain(column);
  return String(row[column as keyof UsageRow] ?? '-');
}

async function sqlRows(sql: string): Promise<string[]> {
  const reader = await stored.connection.runAndReadAll(sql);
  return reader.getRows().map((row) => row.map(String).join('|'));
}
