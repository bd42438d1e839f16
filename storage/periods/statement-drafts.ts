/**
 * Statements in the making: what closing a period would state of each customer, from one snapshot of the ledger.
 *
 * The ledger answers with whole statements, and changes nothing: they are made when they are in the journal.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { textFromInstant } from '../query/instant.ts';
import { BoundValues } from '../query/statement.ts';
import {
  type ClosedPeriod,
  type CustomerKey,
  type CustomerPeriods,
  customerPeriods,
  isSameRange,
} from './closed-periods.ts';
import { type FrozenLedger, inFrozenLedger } from './frozen-ledger.ts';
import { type ClosingPeriod, pendingAdjustments } from './pending-adjustments.ts';
import { periodUsage } from './period-usage.ts';
import { addAmounts, amountFromScaled, measureOf, measureTexts, overlaps, type Range } from './stated.ts';
import {
  canonicalJson,
  type StatementAdjustment,
  type StatementContent,
  type StatementLine,
  statementHash,
} from './statement-content.ts';

/** Whose period, which period, and who says so. Plain data. */
export interface StatementDraftsQuery extends Range {
  /** One customer, who has a statement even if it says nothing; null: a page of all. */
  customerId: string | null;
  /** Of a page: only customers of this IANA zone, UTC for those that have none; null: any. */
  customerZone: string | null;
  /** Of a page: those behind this id. */
  after: string | null;
  /** Customers of a page. */
  limit: number;
  /** IANA zone of the statements. */
  timeZone: string;
  closedAtUnixNano: bigint;
  note: string | null;
}

export interface StatementDraft {
  content: StatementContent;
  hash: string;
  /** Length of its canonical JSON. */
  length: number;
}

/** Why a customer's period cannot be closed. */
export interface PeriodConflict {
  customerId: string;
  /** The valid statement that stands in the way. */
  statementId: string;
  /** Its period; or the one, open now, of which it states an adjustment. */
  from: string;
  to: string;
  isAdjustment: boolean;
}

export interface StatementDraftsAnswer {
  /** Whether the one customer that was asked for is known. */
  isKnown: boolean;
  /** Customers with neither usage nor pending adjustments have none. */
  drafts: StatementDraft[];
  /** Valid statements of the very period. */
  existing: { customerId: string; statementId: string }[];
  conflicts: PeriodConflict[];
  /** Where the next page begins; null: there is none. */
  next: string | null;
}

/** Drafts of one page of customers. */
export function draftStatements(
  connection: DuckDBConnection,
  query: StatementDraftsQuery,
): Promise<StatementDraftsAnswer> {
  return inFrozenLedger(connection, async (frozen) => {
    const keys = await customersOf(frozen, query);
    const customers = await customerPeriods(frozen, keys);
    const { existing, conflicts, open } = await sorted(frozen, customers, query);
    return {
      isKnown: keys.length > 0,
      drafts: await drafts(frozen, open, query),
      existing,
      conflicts,
      next: query.customerId === null && keys.length === query.limit ? keys[keys.length - 1].id : null,
    };
  });
}

/** The time zones of customers, UTC among them where one has none. */
export async function customerZones(connection: DuckDBConnection): Promise<string[]> {
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT coalesce(time_zone, 'UTC') FROM stored.customers ORDER BY 1`,
  );
  return reader.getRows().map(([zone]) => String(zone));
}

async function customersOf(frozen: FrozenLedger, query: StatementDraftsQuery): Promise<CustomerKey[]> {
  const bound = new BoundValues();
  const conditions = ['true'];
  if (query.customerId !== null) conditions.push(`id = ${bound.text(query.customerId)}`);
  if (query.customerZone !== null)
    conditions.push(`coalesce(time_zone, 'UTC') = ${bound.text(query.customerZone)}`);
  if (query.after !== null) conditions.push(`id > ${bound.text(query.after)}`);
  const rows = await frozen.rows(
    `SELECT customer, id FROM stored.customers WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ${query.limit}`,
    bound.values,
  );
  return rows.map(([customer, id]) => ({ customer: Number(customer), id: id as string }));
}

/** Who has the statement already, who cannot have it, and who gets it. */
async function sorted(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
  query: StatementDraftsQuery,
): Promise<Pick<StatementDraftsAnswer, 'existing' | 'conflicts'> & { open: CustomerPeriods[] }> {
  const existing: StatementDraftsAnswer['existing'] = [];
  const conflicts: PeriodConflict[] = [];
  const open: CustomerPeriods[] = [];
  const adjusted = await adjustedPeriods(frozen, customers, query);
  for (const customer of customers) {
    const same = customer.periods.find((period) => isSameRange(period, query));
    const other = customer.periods.find((period) => overlaps(period, query));
    const adjustment = adjusted.get(customer.customer);
    if (same !== undefined) existing.push({ customerId: customer.id, statementId: same.statementId! });
    else if (other !== undefined) conflicts.push(conflict(customer, other, false));
    else if (adjustment !== undefined) conflicts.push(conflict(customer, adjustment, true));
    else open.push(customer);
  }
  return { existing, conflicts, open };
}

function conflict(
  { id }: CustomerPeriods,
  { statementId, from, to }: Range & Pick<ClosedPeriod, 'statementId'>,
  isAdjustment: boolean,
): PeriodConflict {
  return {
    customerId: id,
    statementId: statementId!,
    from: textFromInstant(from),
    to: textFromInstant(to),
    isAdjustment,
  };
}

/**
 * Periods that overlap the one to be closed without being it, and of which a valid statement states an adjustment. If
 * they are open now, what was stated could not be told apart by other periods.
 */
async function adjustedPeriods(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
  { from, to }: Range,
): Promise<Map<number, Range & { statementId: string }>> {
  const found = new Map<number, Range & { statementId: string }>();
  if (customers.length === 0) return found;
  const rows = await frozen.rows(
    `SELECT t.customer, t.id, epoch_ns(s.period_start), epoch_ns(s.period_end)
    FROM stored.statements t JOIN stored.stated s ON s.statement_id = t.id AND s.is_adjustment
    WHERE t.customer IN (${customers.map(({ customer }) => customer).join(', ')}) AND t.reopened_by IS NULL
      AND s.period_start < make_timestamp_ns(${to}) AND s.period_end > make_timestamp_ns(${from})
      AND NOT (s.period_start = make_timestamp_ns(${from}) AND s.period_end = make_timestamp_ns(${to}))
    ORDER BY t.sequence DESC, t.ordinal DESC, s.place DESC`,
  );
  for (const [customer, statementId, start, end] of rows)
    found.set(Number(customer), {
      statementId: statementId as string,
      from: start as bigint,
      to: end as bigint,
    });
  return found;
}

async function drafts(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
  query: StatementDraftsQuery,
): Promise<StatementDraft[]> {
  const { from, to, timeZone } = query;
  const today = await frozen.terms();
  const usage = await periodUsage(
    frozen,
    query,
    timeZone,
    customers.map(({ id }) => id),
  );
  const lines: ClosingPeriod['lines'] = new Map(
    [...usage].map(([customerId, dimensions]) => [
      customerId,
      new Map(
        [...dimensions].map(([dimensionId, each]) => [
          dimensionId,
          { usage: each, terms: today.get(dimensionId)! },
        ]),
      ),
    ]),
  );
  const closing: ClosingPeriod = { from, to, timeZone, statementId: null, lines };
  const adjustments = await pendingAdjustments(frozen, customers, closing);
  return customers.flatMap((customer): StatementDraft[] => {
    const own = statementLines(lines.get(customer.id));
    const others = adjustments.get(customer.id) ?? [];
    if (own.length + others.length === 0 && query.customerId === null) return [];
    const content: StatementContent = {
      version: 1,
      customerId: customer.id,
      from: textFromInstant(from),
      to: textFromInstant(to),
      timeZone,
      closedAt: textFromInstant(query.closedAtUnixNano),
      asOfSequence: Number(frozen.sequence),
      note: query.note,
      previousHash: customer.latestHash,
      lines: own,
      adjustments: others,
      totals: totalsOf(own, others),
    };
    const canonical = canonicalJson(content);
    return [{ content, hash: statementHash(canonical), length: canonical.length }];
  });
}

type Lines = ClosingPeriod['lines'] extends ReadonlyMap<string, infer Dimensions> ? Dimensions : never;

function statementLines(dimensions: Lines | undefined): StatementLine[] {
  return [...(dimensions ?? [])]
    .map(([dimensionId, { usage, terms }]): StatementLine => {
      const { unit, unitPrice } = terms;
      return {
        dimensionId,
        unit,
        ...measureTexts(usage),
        unitPrice,
        records: usage.records,
        terms: terms.terms,
      };
    })
    .sort((a, b) => (a.dimensionId < b.dimensionId ? -1 : 1));
}

function totalsOf(
  lines: readonly StatementLine[],
  adjustments: readonly StatementAdjustment[],
): StatementContent['totals'] {
  const sum = (rows: readonly (StatementLine | StatementAdjustment)[]) =>
    rows.reduce<bigint | null>((total, row) => addAmounts(total, measureOf(row).amount), null);
  const text = (amount: bigint | null) => (amount === null ? null : amountFromScaled(amount));
  const lineAmount = sum(lines);
  const adjustmentAmount = sum(adjustments);
  return {
    amount: text(addAmounts(lineAmount, adjustmentAmount)),
    lineAmount: text(lineAmount),
    adjustmentAmount: text(adjustmentAmount),
    records: lines.reduce((total, { records }) => total + records, 0),
  };
}
