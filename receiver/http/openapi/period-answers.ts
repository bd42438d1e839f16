/** Answers about closed periods, and who changed what. */
import { z } from 'zod';
import {
  ReasonCount,
  StatementAdjustment,
  StatementContent,
  StatementLine,
} from '../../../storage/periods/statement-content.ts';
import { AUDIT_KINDS } from '../../../storage/query/index.ts';
import { Decimal, Instant, page, Sequence } from './common.ts';

const Reopening = z
  .object({ at: Instant, note: z.string(), sequence: Sequence })
  .nullable()
  .describe('null: the statement is valid.');

export const StatementRow = z
  .object({
    id: z.string(),
    customerId: z.string(),
    from: Instant,
    to: Instant,
    timeZone: z.string(),
    closedAt: Instant,
    asOfSequence: Sequence,
    amount: Decimal.nullable(),
    note: z.string().nullable(),
    hash: z.string(),
    previousHash: z.string().nullable(),
    sequence: Sequence,
    reopened: Reopening,
  })
  .meta({ id: 'StatementRow' });
export const StatementsAnswer = page('StatementsAnswer', StatementRow);

const Reasons = z.array(z.object(ReasonCount.shape));
const Adjustment = z.object({ ...StatementAdjustment.shape, reasons: Reasons });

const content = {
  ...StatementContent.shape,
  lines: z.array(StatementLine),
  adjustments: z.array(Adjustment),
};

export const Statement = z
  .object({
    id: z.string(),
    hash: z.string().describe('SHA-256 over the canonical JSON of the content.'),
    ...content,
    reopened: Reopening,
  })
  .meta({ id: 'Statement', description: 'The frozen usage of a closed period.' });

export const PendingAdjustment = z
  .object({ ...Adjustment.shape, customerId: z.string(), statementId: z.string() })
  .meta({ id: 'PendingAdjustment' });
export const AdjustmentsAnswer = page('AdjustmentsAnswer', PendingAdjustment);

/** Of one customer, looked at and not made. */
const StatementDraft = z.object({ dryRun: z.literal(true), statement: z.object(content) });

const ClosedAll = z.object({
  dryRun: z.boolean(),
  closed: z.int(),
  alreadyClosed: z.int(),
  conflicting: z.int(),
  conflicts: z.array(
    z.object({
      customerId: z.string(),
      statementId: z.string(),
      from: Instant,
      to: Instant,
      isAdjustment: z.boolean(),
    }),
  ),
  statements: z
    .array(
      z.object({
        customerId: z.string(),
        lines: z.int(),
        adjustments: z.int(),
        records: z.int(),
        amount: z.string().nullable(),
      }),
    )
    .describe('What the first hundred of the statements come to.'),
  unpriced: z
    .array(z.string())
    .describe('Dimensions that they state without an amount, because they have no price.'),
  periods: z.array(z.object({ timeZone: z.string(), from: Instant, to: Instant })),
});

export const CloseAnswer = z.union([Statement, StatementDraft, ClosedAll]).meta({ id: 'CloseAnswer' });

export const AuditEntry = z
  .object({
    sequence: Sequence,
    ordinal: z.int(),
    time: Instant,
    actor: z.string().nullable().describe('`key:` and the begin of a hash, `file` or `local`.'),
    kind: z.enum(AUDIT_KINDS),
    subject: z.string().nullable(),
    note: z.string().nullable(),
    change: z.unknown().describe('The change itself.'),
  })
  .meta({ id: 'AuditEntry' });
export const AuditAnswer = page('AuditAnswer', AuditEntry);
