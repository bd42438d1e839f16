/**
 * Closes billing periods: drafts from the ledger become statements by standing in the journal.
 *
 * Customers are taken in pages, so that a close of a hundred thousand needs the memory of one page. Each statement is
 * whole in one frame: a close that a crash interrupts has closed some customers and not the others, and closing again
 * goes on with those.
 */
import type { Change } from '../../storage/changes.ts';
import { statementId } from '../../storage/periods/statement-content.ts';
import type {
  PeriodConflict,
  StatementDraft,
  StatementDraftsAnswer,
  StatementDraftsQuery,
} from '../../storage/query/index.ts';
import { instantFromText, textFromInstant } from '../../storage/query/instant.ts';
import type { Turns } from '../http/turns.ts';
import type { Ingest } from '../ingest.ts';

/** Customers whose statements are made at a time. */
const PAGE_CUSTOMERS = 1_000;
/** Characters of statements that one journal frame holds, beyond which the next begins; a statement is never divided. */
const FRAME_LENGTH = 1024 * 1024;
/** Conflicts, statements and dimensions that an answer names. */
const MAX_NAMED = 100;

export interface CloseRequest {
  /** null: all. */
  customerId: string | null;
  /** RFC 3339 with an offset, or a date in the time zone. Half-open. */
  from: string;
  to: string;
  /** null: that of each customer, UTC where there is none. */
  timeZone: string | null;
  note: string | null;
  /** Only looks: nothing is closed. */
  dryRun: boolean;
}

/** A period that cannot be closed, whoever's it is. */
export class PeriodError extends Error {
  readonly code: 'INVALID_PERIOD' | 'PERIOD_NOT_OVER';
  readonly retryable = false;
  /** The field at fault. */
  readonly field: 'from' | 'to';
  constructor(code: PeriodError['code'], field: PeriodError['field'], message: string) {
    super(message);
    this.name = 'PeriodError';
    this.code = code;
    this.field = field;
  }
}

/** What closing the period of one customer came to. */
export type ClosedCustomer =
  | { outcome: 'unknown' }
  /** Closed now, or in a dry run: would be. */
  | { outcome: 'closed'; draft: StatementDraft; id: string }
  /** The very period was closed before. */
  | { outcome: 'existing'; id: string }
  | { outcome: 'conflict'; conflict: PeriodConflict };

/** @throws PeriodError; what Ingest.change throws */
export async function closeCustomer(
  ingest: Ingest,
  turns: Turns,
  request: CloseRequest & { customerId: string },
): Promise<ClosedCustomer> {
  const customerId = ingest.registry.customerOf(request.customerId);
  await ingest.caughtUp();
  const known = await ingest.ledger.query({ type: 'customer', query: customerId });
  const timeZone = request.timeZone ?? known?.timeZone ?? 'UTC';
  const closedAtUnixNano = now();
  const query: StatementDraftsQuery = {
    ...periodOf(request, timeZone, closedAtUnixNano),
    customerId,
    customerZone: null,
    after: null,
    limit: 1,
    timeZone,
    closedAtUnixNano,
    note: request.note,
  };
  const { isKnown, drafts, existing, conflicts } = await closePage(ingest, turns, query, request.dryRun);
  if (!isKnown) return { outcome: 'unknown' };
  if (existing.length > 0) return { outcome: 'existing', id: existing[0].statementId };
  if (conflicts.length > 0) return { outcome: 'conflict', conflict: conflicts[0] };
  return { outcome: 'closed', draft: drafts[0], id: statementId(drafts[0].hash) };
}

/** What one statement of many comes to. */
export interface ClosedSummary {
  customerId: string;
  /** How many lines it has, and adjustments of earlier periods. */
  lines: number;
  adjustments: number;
  /** Of the lines. */
  records: number;
  /** Exact decimal; null where nothing has a price. */
  amount: string | null;
}

/** What closing the period of all customers came to. */
export interface ClosedAll {
  /** Statements that were made; in a dry run: that would be. */
  closed: number;
  /** Customers that had a valid statement of the very period before. */
  alreadyClosed: number;
  /** Customers that were left as they are, because of a period that overlaps. */
  conflicting: number;
  /** The first of these. */
  conflicts: PeriodConflict[];
  /** What the first of these statements come to. */
  statements: ClosedSummary[];
  /** The first dimensions that they state without an amount, because they have no price. */
  unpriced: string[];
  /** Per time zone, what the period is. */
  periods: { timeZone: string; from: string; to: string }[];
}

/** @throws PeriodError before anything was closed; what Ingest.change throws: then some may be closed */
export async function closeAll(ingest: Ingest, turns: Turns, request: CloseRequest): Promise<ClosedAll> {
  await ingest.caughtUp();
  const closedAtUnixNano = now();
  const zones =
    request.timeZone === null ? await ingest.ledger.query({ type: 'customerZones' }) : [request.timeZone];
  const periods = zones.map((timeZone) => ({ timeZone, ...periodOf(request, timeZone, closedAtUnixNano) }));
  const all: ClosedAll = {
    closed: 0,
    alreadyClosed: 0,
    conflicting: 0,
    conflicts: [],
    statements: [],
    unpriced: [],
    periods: periods.map(({ timeZone, from, to }) => ({
      timeZone,
      from: textFromInstant(from),
      to: textFromInstant(to),
    })),
  };
  const unpriced = new Set<string>();
  for (const period of periods) {
    const query: StatementDraftsQuery = {
      ...period,
      customerId: null,
      customerZone: request.timeZone === null ? period.timeZone : null,
      after: null,
      limit: PAGE_CUSTOMERS,
      closedAtUnixNano,
      note: request.note,
    };
    do {
      const page = await closePage(ingest, turns, query, request.dryRun);
      all.closed += page.drafts.length;
      all.alreadyClosed += page.existing.length;
      all.conflicting += page.conflicts.length;
      all.conflicts.push(...page.conflicts.slice(0, MAX_NAMED - all.conflicts.length));
      all.statements.push(...page.drafts.slice(0, MAX_NAMED - all.statements.length).map(summary));
      for (const { content } of page.drafts)
        for (const { dimensionId, amount } of content.lines) if (amount === null) unpriced.add(dimensionId);
      query.after = page.next;
    } while (query.after !== null);
  }
  all.unpriced = [...unpriced].sort().slice(0, MAX_NAMED);
  return all;
}

function summary({ content }: StatementDraft): ClosedSummary {
  const { customerId, lines, adjustments, totals } = content;
  return {
    customerId,
    lines: lines.length,
    adjustments: adjustments.length,
    records: totals.records,
    amount: totals.amount,
  };
}

/** Nobody else changes the registry between the drafts and their frames. Answers when they are in the ledger. */
function closePage(
  ingest: Ingest,
  turns: Turns,
  query: StatementDraftsQuery,
  dryRun: boolean,
): Promise<StatementDraftsAnswer> {
  return turns.take(async () => {
    await ingest.caughtUp();
    const answer = await ingest.ledger.query({ type: 'statementDrafts', query });
    if (dryRun) return answer;
    for (const drafts of frames(answer.drafts)) {
      const changes = drafts.map(({ content, hash }): Change => {
        return { type: 'period_closed', statement: content, hash };
      });
      await ingest.change({ changes });
    }
    await ingest.caughtUp();
    return answer;
  });
}

/** Statements as frames take them. */
function frames(drafts: readonly StatementDraft[]): StatementDraft[][] {
  const all: StatementDraft[][] = [];
  let length = FRAME_LENGTH;
  for (const draft of drafts) {
    if (length >= FRAME_LENGTH) {
      all.push([]);
      length = 0;
    }
    all[all.length - 1].push(draft);
    length += draft.length;
  }
  return all;
}

/** @throws PeriodError */
function periodOf(
  request: CloseRequest,
  timeZone: string,
  presentUnixNano: bigint,
): { from: bigint; to: bigint } {
  const instant = (field: 'from' | 'to'): bigint => {
    const found = instantFromText(request[field], timeZone);
    if (typeof found === 'bigint') return found;
    throw new PeriodError('INVALID_PERIOD', field, `must be ${found.fault}`);
  };
  const from = instant('from');
  const to = instant('to');
  if (to <= from) throw new PeriodError('INVALID_PERIOD', 'to', 'must be after from');
  if (to > presentUnixNano) {
    const message = `must be in the past: a period that is not over cannot be frozen (${textFromInstant(to)} is to come)`;
    throw new PeriodError('PERIOD_NOT_OVER', 'to', message);
  }
  return { from, to };
}

/** Unix nanoseconds, whole milliseconds. */
function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
