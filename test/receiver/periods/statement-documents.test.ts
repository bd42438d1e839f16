/** A statement as CSV and as a page: everything that a stranger could have written stays text. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { statementBody, statementCsv, statementPage } from '../../../receiver/periods/statement-documents.ts';
import {
  canonicalJson,
  type StatementContent,
  statementHash,
  statementId,
  type Terms,
} from '../../../storage/periods/statement-content.ts';
import type { StoredStatement } from '../../../storage/query/index.ts';

const TERMS: Terms = {
  aggregation: 'sum',
  uniqueKey: null,
  levelTtl: null,
  interval: 'day',
  usageIncrement: '10',
  rounding: 'ceiling',
};

function stored(
  changes: Partial<StatementContent> = {},
  reopened: StoredStatement['reopened'] = null,
): StoredStatement {
  const content: StatementContent = {
    version: 1,
    customerId: 'acme',
    from: '2026-03-01T00:00:00Z',
    to: '2026-04-01T00:00:00Z',
    timeZone: 'UTC',
    closedAt: '2026-04-02T00:00:00Z',
    asOfSequence: 7,
    note: null,
    previousHash: null,
    lines: [
      {
        dimensionId: 'calls',
        unit: '1',
        quantity: '12',
        billableQuantity: '20',
        unitPrice: '0.5',
        amount: '10',
        terms: TERMS,
        records: 2,
      },
    ],
    adjustments: [
      {
        statementId: 'a'.repeat(32),
        from: '2026-02-01T00:00:00Z',
        to: '2026-03-01T00:00:00Z',
        timeZone: 'UTC',
        dimensionId: 'storage',
        unit: 'GBy',
        quantity: '-1.5',
        billableQuantity: '-1.5',
        unitPrice: null,
        amount: null,
        terms: TERMS,
        reasons: [
          { reason: 'void', records: 1, quantity: '-2' },
          { reason: 'late_arrival', records: 1, quantity: '0.5' },
        ],
      },
    ],
    totals: { amount: '10', lineAmount: '10', adjustmentAmount: null, records: 2 },
    ...changes,
  };
  const text = canonicalJson(content);
  const hash = statementHash(text);
  const { customerId, from, to, timeZone, closedAt, asOfSequence, note, previousHash } = content;
  return {
    id: statementId(hash),
    customerId,
    from,
    to,
    timeZone,
    closedAt,
    asOfSequence,
    amount: content.totals.amount,
    note,
    hash,
    previousHash,
    sequence: 8,
    reopened,
    content: text,
    presentCustomerId: customerId,
  };
}

test('the hash is that of the content, by keys in order and without blanks', () => {
  const { content, hash } = stored();
  expect(content.startsWith('{"adjustments":[{"amount":null,')).toBe(true);
  expect(createHash('sha256').update(content).digest('hex')).toBe(hash);
  const { id, hash: said, reopened, ...rest } = statementBody(stored());
  expect([id, said, reopened]).toEqual([hash.slice(0, 32), hash, null]);
  expect(canonicalJson(rest)).toBe(content);
});

test.each([
  [{ b: 1, a: [true, null, 'é'] }, '{"a":[true,null,"é"],"b":1}'],
  [{ 'a"': '\n', A: {} }, '{"A":{},"a\\"":"\\n"}'],
  [[], '[]'],
])('canonical JSON of %j', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

describe('CSV', () => {
  test('has a row per line and adjustment', () => {
    const statement = stored();
    const { id } = statement;
    expect(statementCsv(statement)).toBe(
      [
        'statementId,customerId,type,from,to,timeZone,dimensionId,unit,quantity,billableQuantity,unitPrice,amount,records,aggregation,interval,usageIncrement,rounding,adjustedStatementId,reasons,reopenedAt',
        `${id},acme,line,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,UTC,calls,1,12,20,0.5,10,2,sum,day,10,ceiling,,,`,
        `${id},acme,adjustment,2026-02-01T00:00:00Z,2026-03-01T00:00:00Z,UTC,storage,GBy,-1.5,-1.5,,,,sum,day,10,ceiling,${'a'.repeat(32)},void late_arrival,`,
        '',
      ].join('\r\n'),
    );
  });

  test.each([
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', "'=1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['+1', "'+1"],
    ['-x', "'-x"],
    ['=A1,"b"', `"'=A1,""b"""`],
  ])('writes the id %j as %j', (customerId, cell) => {
    expect(statementCsv(stored({ customerId })).split('\r\n')[1].slice(33)).toMatch(`${cell},line,`);
  });
});

describe('the page', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['"><img src=x onerror=alert(1)>', '&quot;&gt;&lt;img src=x onerror=alert(1)&gt;'],
    ["' onload='x", '&#39; onload=&#39;x'],
    ['&amp;', '&amp;amp;'],
  ])('shows %s as text', (text, shown) => {
    const content = stored();
    const { lines, adjustments } = JSON.parse(content.content);
    const { html } = statementPage(
      stored(
        {
          customerId: text,
          note: text,
          timeZone: text,
          lines: [{ ...lines[0], dimensionId: text, unit: text }],
          adjustments: [{ ...adjustments[0], dimensionId: text }],
        },
        { at: '2026-05-01T00:00:00Z', note: text, sequence: 9 },
      ),
    );
    // Title, customer, note, zone, dimension and unit of the line, dimension of the adjustment, note of re-opening.
    expect(html.split(shown)).toHaveLength(9);
    expect(html.replaceAll(shown, '')).not.toContain(text);
  });

  test('has one style sheet, which its policy names, and no script', () => {
    const { html, styleHash } = statementPage(stored());
    const style = /<style>(.*?)<\/style>/s.exec(html)![1];
    expect(`sha256-${createHash('sha256').update(style).digest('base64')}`).toBe(styleHash);
    expect(html).not.toMatch(/<script| style=| on\w+=| href=| src=/);
    expect(html).toContain('@media print');
  });

  test('says that a statement was re-opened', () => {
    const { html } = statementPage(
      stored({}, { at: '2026-05-01T00:00:00Z', note: 'wrong price', sequence: 9 }),
    );
    expect(html).toContain('Re-opened');
    expect(html).toContain('wrong price');
    expect(statementPage(stored()).html).not.toContain('class="reopened"');
  });
});
