/**
 * What a statement says: the usage of one customer in a closed period, as it was known at one position of the journal,
 * with the adjustments of earlier periods that it takes up. It never changes, and its hash covers every byte of it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AGGREGATIONS } from '../resources.ts';

/** Why a closed period is not any more as it was stated. */
export const ADJUSTMENT_REASONS = [
  /** Usage that came after the statement. */
  'late_arrival',
  /** A running total was read late: what a later reading added is split otherwise. */
  'late_reading',
  'void',
  'amendment',
  /** Counted by a replay of what was quarantined. */
  'replay',
  /** Counted as a person said, out of quarantine. */
  'correction',
  /** Another customer became this one. */
  'customer_merged',
  /** A statement that had stated a part of it was re-opened. */
  'statement_reopened',
  /** Of the closed period itself, which is closed anew: what later statements stated of it already. */
  'already_stated',
] as const;
export type AdjustmentReason = (typeof ADJUSTMENT_REASONS)[number];

/** An exact decimal of any length. */
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/);
const instant = z.string();

/** How records become a billed quantity. */
export const Terms = z.strictObject({
  aggregation: z.enum(AGGREGATIONS),
  uniqueKey: z.string().nullable(),
  levelTtl: z.int().nullable(),
  interval: z.enum(['none', 'hour', 'day', 'month']),
  usageIncrement: decimal.nullable(),
  rounding: z.enum(['floor', 'ceiling', 'round']).nullable(),
});
export type Terms = z.infer<typeof Terms>;

const stated = {
  dimensionId: z.string(),
  /** UCUM. */
  unit: z.string(),
  quantity: decimal,
  /** The quantity, rounded to the usage increment. */
  billableQuantity: decimal,
  unitPrice: decimal.nullable(),
  /** billableQuantity × unitPrice; null where there is no price. */
  amount: decimal.nullable(),
  terms: Terms,
};

/** The usage of one dimension in the statement's own period. */
export const StatementLine = z.strictObject({ ...stated, records: z.int().min(0) });
export type StatementLine = z.infer<typeof StatementLine>;

/** What made an adjustment: records that were added, or taken away, since the period was stated. */
export const ReasonCount = z.strictObject({
  reason: z.enum(ADJUSTMENT_REASONS),
  /** null where no single records are behind it. */
  records: z.int().min(0).nullable(),
  /** Sum of the values of these records, those taken away negative; null where it is not known by itself. */
  quantity: decimal.nullable(),
});
export type ReasonCount = z.infer<typeof ReasonCount>;

/**
 * What the usage of one dimension in an earlier period differs by from all that was stated of it. The numbers are
 * differences: a billable quantity here is none that was rounded by itself.
 */
export const StatementAdjustment = z.strictObject({
  ...stated,
  /** The statement that closed the period; null: the one that holds this adjustment, which closes it anew. */
  statementId: z.string().nullable(),
  from: instant,
  to: instant,
  timeZone: z.string(),
  reasons: z.array(ReasonCount),
});
export type StatementAdjustment = z.infer<typeof StatementAdjustment>;

export const StatementContent = z.strictObject({
  version: z.literal(1),
  customerId: z.string(),
  /** Half-open period, RFC 3339 in UTC. */
  from: instant,
  to: instant,
  /** IANA zone, whose hours, days and months are the intervals of dimensions that have one. */
  timeZone: z.string(),
  closedAt: instant,
  /** Journal sequence up to which everything is in it, and nothing else is. */
  asOfSequence: z.int().min(0),
  note: z.string().nullable(),
  /** Hash of the customer's statement before this one; null: it is the first. */
  previousHash: z.string().nullable(),
  /** By dimensionId. */
  lines: z.array(StatementLine),
  /** By period, then dimensionId. */
  adjustments: z.array(StatementAdjustment),
  totals: z.strictObject({
    /** Sum of the amounts of all lines and adjustments; null where none has a price. */
    amount: decimal.nullable(),
    lineAmount: decimal.nullable(),
    adjustmentAmount: decimal.nullable(),
    /** Records of the lines. */
    records: z.int().min(0),
  }),
});
export type StatementContent = z.infer<typeof StatementContent>;

/**
 * JSON with sorted keys and no blanks, as RFC 8785 has it for texts, integers and null: the same bytes for the same
 * content, whoever writes it.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(fields[name])}`).join(',')}}`;
}

/** SHA-256 over the canonical JSON of a content, 64 hex digits. */
export function statementHash(canonical: string): string {
  return createHash('sha256').update(canonical).digest('hex');
}

/** The id of a statement: the first half of its hash, as 32 hex digits. */
export function statementId(hash: string): string {
  return hash.slice(0, 32);
}
