/** A statement as JSON, CSV and a page to print. All of it comes from the immutable content. (Pure.) */
import { createHash } from 'node:crypto';
import {
  type StatementAdjustment,
  StatementContent,
  type StatementLine,
  type Terms,
} from '../../storage/periods/statement-content.ts';
import type { Reopening, StoredStatement } from '../../storage/query/index.ts';

export type StatementFormat = 'json' | 'csv' | 'html';

/** What the API says of a statement: its content, what names it, and whether it still states anything. */
export type StatementBody = { id: string; hash: string } & StatementContent & {
    /** null: it is valid. */
    reopened: Reopening | null;
  };

export function statementBody({ id, hash, content, reopened }: StoredStatement): StatementBody {
  return { id, hash, ...contentOf(content), reopened };
}

function contentOf(text: string): StatementContent {
  return StatementContent.parse(JSON.parse(text));
}

const CSV_COLUMNS = [
  'statementId',
  'customerId',
  'type',
  'from',
  'to',
  'timeZone',
  'dimensionId',
  'unit',
  'quantity',
  'billableQuantity',
  'unitPrice',
  'amount',
  'records',
  'aggregation',
  'interval',
  'usageIncrement',
  'rounding',
  'adjustedStatementId',
  'reasons',
  'reopenedAt',
] as const;

/** One row per line and adjustment (RFC 4180, CRLF), the same columns for both. */
export function statementCsv(statement: StoredStatement): string {
  const { id, content, reopened } = statement;
  const { customerId, from, to, timeZone, lines, adjustments } = contentOf(content);
  const row = (
    type: 'line' | 'adjustment',
    period: { from: string; to: string; timeZone: string },
    stated: StatementLine | StatementAdjustment,
    own: { records: number | null; adjusted: string | null; reasons: string | null },
  ): string => {
    const { dimensionId, unit, quantity, billableQuantity, unitPrice, amount, terms } = stated;
    return [
      id,
      asText(customerId),
      type,
      period.from,
      period.to,
      period.timeZone,
      asText(dimensionId),
      asText(unit),
      quantity,
      billableQuantity,
      unitPrice,
      amount,
      own.records,
      terms.aggregation,
      terms.interval,
      terms.usageIncrement,
      terms.rounding,
      own.adjusted,
      own.reasons,
      reopened?.at ?? null,
    ]
      .map(csvCell)
      .join(',');
  };
  return [
    CSV_COLUMNS.join(','),
    ...lines.map((line) =>
      row('line', { from, to, timeZone }, line, { records: line.records, adjusted: null, reasons: null }),
    ),
    ...adjustments.map((adjustment) =>
      row('adjustment', adjustment, adjustment, {
        records: null,
        adjusted: adjustment.statementId ?? id,
        reasons: adjustment.reasons.map(({ reason }) => reason).join(' '),
      }),
    ),
    '',
  ].join('\r\n');
}

/**
 * A text that a spreadsheet would run as a formula gets an apostrophe before it: ids are whatever a signal said. Numbers
 * are ours, and stay.
 */
function asText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function csvCell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const STYLE = `
body { font: 11pt/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
dt { color: #57606a; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid #d0d7de; vertical-align: top; overflow-wrap: anywhere; }
th { color: #57606a; font-weight: 600; }
.number { text-align: right; }
tfoot td { font-weight: 600; border-bottom: 0; }
.reopened { border: 2px solid #b35900; padding: .5rem .75rem; margin: 1rem 0; }
.small { color: #57606a; font-size: .85em; }
@media print { body { margin: 0; max-width: none; font-size: 9.5pt; } tr { break-inside: avoid; } thead { display: table-header-group; } }
@page { margin: 18mm; }
`;
const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;

/**
 * A page without a script, whose one style sheet is named by its hash.
 * @returns the page, and the source that a content security policy has to allow for its style
 */
export function statementPage(statement: StoredStatement): { html: string; styleHash: string } {
  const { id, hash, content, reopened } = statement;
  const it = contentOf(content);
  const facts: [string, string | null][] = [
    ['Customer', it.customerId],
    ['Period', `${it.from} to ${it.to} (end not included)`],
    ['Time zone', it.timeZone],
    ['Closed', it.closedAt],
    ['Note', it.note],
    ['Statement', id],
    ['Content hash (SHA-256)', hash],
    ['Hash of the statement before', it.previousHash ?? 'none: this is the first'],
    ['Journal position', String(it.asOfSequence)],
  ];
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(`Statement: ${it.customerId}, ${it.from} to ${it.to}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Statement of usage</h1>
${reopened === null ? '' : `<p class="reopened"><strong>Re-opened</strong> at ${escaped(reopened.at)}: it states nothing any more. ${escaped(reopened.note)}</p>`}
<dl>${facts.map(([name, value]) => (value === null ? '' : `<dt>${name}</dt><dd>${escaped(value)}</dd>`)).join('\n')}</dl>
<h2>Usage</h2>
${it.lines.length === 0 ? '<p>No usage in this period.</p>' : linesTable(it.lines, it.totals.lineAmount)}
${it.adjustments.length === 0 ? '' : `<h2>Adjustments of earlier periods</h2>\n${adjustmentsTable(it.adjustments, it.totals.adjustmentAmount)}`}
<h2>Total</h2>
<p>${it.totals.amount === null ? 'No prices are set: quantities only.' : `<strong>${escaped(it.totals.amount)}</strong>`}</p>
</body>
</html>
`;
  return { html, styleHash: STYLE_HASH };
}

const NUMBER_HEADS = ['Quantity', 'Billable', 'Unit price', 'Amount'];

function linesTable(lines: readonly StatementLine[], total: string | null): string {
  const rows = lines.map(
    (line) =>
      `<tr><td>${escaped(line.dimensionId)}<br><span class="small">${escaped(termsText(line.terms))}, ${line.records} records</span></td>${numbers(line)}</tr>`,
  );
  return table(['Dimension'], rows, total, 1);
}

function adjustmentsTable(adjustments: readonly StatementAdjustment[], total: string | null): string {
  const rows = adjustments.map((one) => {
    const reasons = one.reasons.map(
      ({ reason, records }) =>
        `${reason.replaceAll('_', ' ')}${records === null ? '' : ` (${records} records)`}`,
    );
    return `<tr><td>${escaped(one.from)} to ${escaped(one.to)}<br><span class="small">${escaped(
      one.statementId === null ? 'this statement' : `statement ${one.statementId}`,
    )}</span></td><td>${escaped(one.dimensionId)}<br><span class="small">${escaped(reasons.join(', '))}</span></td>${numbers(one)}</tr>`;
  });
  return table(['Period', 'Dimension'], rows, total, 2);
}

function table(heads: string[], rows: readonly string[], total: string | null, firstColumns: number): string {
  const foot =
    total === null
      ? ''
      : `<tfoot><tr><td colspan="${firstColumns + 3}">Sum</td><td class="number">${escaped(total)}</td></tr></tfoot>`;
  const head = [
    ...heads.map((text) => `<th>${text}</th>`),
    ...NUMBER_HEADS.map((text) => `<th class="number">${text}</th>`),
  ].join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody>${foot}</table>`;
}

function numbers({
  quantity,
  billableQuantity,
  unitPrice,
  amount,
  unit,
}: StatementLine | StatementAdjustment): string {
  const cell = (text: string | null) => `<td class="number">${escaped(text ?? '')}</td>`;
  return [
    cell(unit === '1' || unit === '' ? quantity : `${quantity} ${unit}`),
    cell(billableQuantity),
    cell(unitPrice),
    cell(amount),
  ].join('');
}

function termsText({ aggregation, interval, usageIncrement, rounding }: Terms): string {
  const parts = [aggregation.replaceAll('_', ' ')];
  if (interval !== 'none') parts.push(`per ${interval}`);
  if (usageIncrement !== null) parts.push(`in steps of ${usageIncrement}, ${rounding ?? 'round'}`);
  return parts.join(', ');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
