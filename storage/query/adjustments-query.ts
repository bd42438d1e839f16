/** Adjustments that no statement has taken up yet: GET /api/v1/adjustments. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { changedCustomers } from '../periods/changed-periods.ts';
import { type CustomerKey, customerPeriods } from '../periods/closed-periods.ts';
import { inFrozenLedger } from '../periods/frozen-ledger.ts';
import { pendingAdjustments } from '../periods/pending-adjustments.ts';
import type { StatementAdjustment } from '../periods/statement-content.ts';
import { cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { QueryParameters } from './parameters.ts';
import { BoundValues } from './statement.ts';

/** Customers that are looked at together. */
const PAGE_CUSTOMERS = 1_000;
/** Customers that are looked at for one page. */
const MOST_CUSTOMERS = 5_000;

/** A question that {@link parseAdjustmentsQuery} found well-formed. Plain data. */
export interface AdjustmentsQuery {
  /** Any of these; null = all. */
  customerIds: string[] | null;
  /** A page ends with the customer whose adjustments reach this many. */
  limit: number;
  /** The customer at which the page before ended. */
  after: string | null;
}

export interface PendingAdjustment extends StatementAdjustment {
  /** By the id of today. */
  customerId: string;
  /** The statement that closed the period. */
  statementId: string;
}

export interface AdjustmentsAnswer {
  /** By customer, period and dimension. */
  rows: PendingAdjustment[];
  nextCursor: string | null;
}

const PARAMETERS = ['customerId', 'limit', 'cursor'] as const;

/** @throws QueryError naming the parameter at fault */
export function parseAdjustmentsQuery(params: Iterable<[string, string]>): AdjustmentsQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const query: AdjustmentsQuery = {
    customerIds: parameters.filter().customerIds,
    limit: parameters.limit(),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) {
    const isPosition = (position: unknown[]) => position.length === 1 && typeof position[0] === 'string';
    [query.after] = cursorPosition(cursor, adjustmentsFingerprint(query), isPosition);
  }
  return query;
}

function adjustmentsFingerprint({ customerIds }: AdjustmentsQuery): string {
  return fingerprint(['adjustments', customerIds]);
}

/**
 * Answers from one snapshot of the ledger, at its position. Only customers are looked at to whose closed periods something
 * happened since; of very many, some a page, so a page may have fewer rows than the limit and not be the last.
 */
export function queryAdjustments(
  connection: DuckDBConnection,
  query: AdjustmentsQuery,
): Promise<AdjustmentsAnswer> {
  return inFrozenLedger(connection, async (frozen) => {
    const bound = new BoundValues();
    const conditions = [`customer IN (${await changedCustomers(frozen)})`];
    if (query.customerIds !== null)
      conditions.push(`id IN (SELECT unnest(${bound.texts(query.customerIds)}))`);
    if (query.after !== null) conditions.push(`id > ${bound.text(query.after)}`);
    const found = await frozen.rows(
      `SELECT customer, id FROM stored.customers WHERE ${conditions.join(' AND ')} ORDER BY id
      LIMIT ${MOST_CUSTOMERS + 1}`,
      bound.values,
    );
    const changed = found.map(([customer, id]): CustomerKey => {
      return { customer: Number(customer), id: id as string };
    });
    const rows: PendingAdjustment[] = [];
    for (let first = 0; first < Math.min(changed.length, MOST_CUSTOMERS); first += PAGE_CUSTOMERS) {
      const customers = changed.slice(first, Math.min(first + PAGE_CUSTOMERS, MOST_CUSTOMERS));
      const pending = await pendingAdjustments(frozen, await customerPeriods(frozen, customers));
      for (const [n, { id }] of customers.entries()) {
        for (const adjustment of pending.get(id) ?? [])
          rows.push({ ...adjustment, customerId: id, statementId: adjustment.statementId! });
        const looked = first + n + 1;
        if (looked < changed.length && (rows.length >= query.limit || looked === MOST_CUSTOMERS))
          return { rows, nextCursor: cursorText(adjustmentsFingerprint(query), [id]) };
      }
    }
    return { rows, nextCursor: null };
  });
}
