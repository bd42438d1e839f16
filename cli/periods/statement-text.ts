/** A statement in words for people. (Pure.) */
import { z } from 'zod';
import { localTime, wholeSeconds } from '../local-time.ts';
import { decimal, number, printable, textTable } from '../text-table.ts';

const stated = {
  dimensionId: z.string(),
  unit: z.string(),
  quantity: z.string(),
  billableQuantity: z.string(),
  unitPrice: z.string().nullable(),
  amount: z.string().nullable(),
};
export const Adjustment = z.looseObject({
  ...stated,
  from: z.string(),
  to: z.string(),
  timeZone: z.string(),
  reasons: z.array(z.looseObject({ reason: z.string() })),
});
export type Adjustment = z.infer<typeof Adjustment>;

/** What would be stated. */
export const StatementContent = z.looseObject({
  customerId: z.string(),
  from: z.string(),
  to: z.string(),
  timeZone: z.string(),
  closedAt: z.string(),
  note: z.string().nullable(),
  lines: z.array(z.looseObject({ ...stated, records: z.int() })),
  adjustments: z.array(Adjustment),
  totals: z.looseObject({ amount: z.string().nullable() }),
});
type StatementContent = z.infer<typeof StatementContent>;

/** As far as people are told; the rest is kept. */
export const Statement = StatementContent.extend({
  id: z.string(),
  reopened: z.looseObject({ at: z.string(), note: z.string() }).nullable(),
});
export type Statement = z.infer<typeof Statement>;

/** @param title what it is called at the top */
export function statementText(statement: StatementContent, title: string, width: number): string {
  const { customerId, from, to, timeZone, closedAt, note, lines, adjustments, totals } = statement;
  const text = [
    title,
    `Customer  ${printable(customerId)}`,
    `Period    ${localTime(from, timeZone)} to ${localTime(to, timeZone)} (${timeZone})`,
    `Closed    ${wholeSeconds(closedAt)}`,
  ];
  if (note !== null) text.push(`Note      ${printable(note)}`);
  text.push('');
  if (lines.length === 0) text.push('No usage.');
  else {
    const rows = lines.map((line) => [printable(line.dimensionId), ...cells(line), number(line.records)]);
    text.push(...textTable(['dimension', ...CELLS, 'records'], rows, width));
  }
  if (adjustments.length > 0)
    text.push('', 'Adjustments of earlier periods', ...adjustmentLines(adjustments, width));
  if (totals.amount !== null) text.push('', `Amount    ${decimal(totals.amount)}`);
  return text.join('\n');
}

/** A table of what periods differ by from what was stated. */
export function adjustmentLines(adjustments: readonly Adjustment[], width: number): string[] {
  const hasCustomer = adjustments.some(({ customerId }) => typeof customerId === 'string');
  return textTable(
    [...(hasCustomer ? ['customer'] : []), 'from', 'to', 'dimension', ...CELLS, 'reasons'],
    adjustments.map((one) => [
      ...(hasCustomer ? [printable(String(one.customerId))] : []),
      localTime(one.from, one.timeZone),
      localTime(one.to, one.timeZone),
      printable(one.dimensionId),
      ...cells(one),
      one.reasons.map(({ reason }) => reason).join(' '),
    ]),
    width,
  );
}

const CELLS = ['unit', 'quantity', 'billable', 'unit price', 'amount'];

function cells({
  unit,
  quantity,
  billableQuantity,
  unitPrice,
  amount,
}: z.infer<z.ZodObject<typeof stated>>): string[] {
  return [
    printable(unit),
    decimal(quantity),
    decimal(billableQuantity),
    unitPrice === null ? '' : decimal(unitPrice),
    amount === null ? '' : decimal(amount),
  ];
}
