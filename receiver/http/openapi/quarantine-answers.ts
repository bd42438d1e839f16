/** Answers about what could not be counted, and what people did about it. */
import { z } from 'zod';
import { QUARANTINE_CODES } from '../../../storage/quarantine-codes.ts';
import { RESOLUTIONS } from '../../../storage/query/quarantine-signals-query.ts';
import { AnyObject, CompleteUntil, Decimal, Instant, Metadata, page, Sequence } from './common.ts';

const Reason = z
  .enum(QUARANTINE_CODES)
  .meta({ id: 'QuarantineReason', description: 'Why a signal is not counted.' });

const named = {
  reason: Reason,
  meterId: z.string(),
  dimensionId: z.string().nullable().describe('null where none is named.'),
  customerId: z.string().nullable().describe('null where none is named.'),
  firstSeen: Instant,
  lastSeen: Instant,
};

export const QuarantineReasonsAnswer = z
  .object({
    rows: z
      .array(
        z
          .object({
            reason: Reason,
            title: z.string().describe('What people read in the place of the code.'),
            meaning: z.string(),
            writer: z.string().describe('What helps what comes from now on; empty where nothing does.'),
            listed: z.string().describe('What helps what is listed already.'),
          })
          .meta({ id: 'QuarantineReasonText' }),
      )
      .describe('In the order in which they apply.'),
  })
  .meta({ id: 'QuarantineReasonsAnswer' });

export const QuarantineRow = z
  .object({
    ...named,
    signals: z.int().describe('How many; each counts once however often it came.'),
    quantity: Decimal.nullable().describe('What they would have counted.'),
  })
  .meta({ id: 'QuarantineRow' });
export const QuarantineAnswer = page('QuarantineAnswer', QuarantineRow);

export const QuarantineTotals = z
  .array(
    z
      .object({
        reason: Reason,
        signals: z.int(),
        firstSeen: Instant,
        lastSeen: Instant,
        atStake: z
          .array(
            z.object({
              dimensionId: named.dimensionId,
              unit: z.string().describe('As the signals say it.'),
              signals: z.int(),
              quantity: Decimal.nullable().describe('What they would have counted.'),
            }),
          )
          .describe('By dimension and unit, the most signals first; of very many, the first 20.'),
      })
      .meta({ id: 'QuarantineTotal' }),
  )
  .describe('In the order in which the reasons apply.');

export const QuarantineTotalsAnswer = z
  .object({ rows: QuarantineTotals, completeUntil: CompleteUntil })
  .meta({ id: 'QuarantineTotalsAnswer' });

export const QuarantinedSignal = z
  .object({
    ...named,
    id: z.string(),
    sequence: Sequence,
    ordinal: z.int(),
    value: z.string().describe('As text, whatever it is.'),
    quantity: Decimal.nullable(),
    unit: z.string(),
    timestamp: Instant.nullable(),
    startTime: Instant.nullable(),
    metadata: Metadata,
    metricName: z.string(),
    kind: z.string(),
    resolution: z.enum(RESOLUTIONS),
    resolvedBy: Sequence.nullable(),
    resolvedAt: Instant.nullable(),
    actor: z.string().nullable().describe('Who settled it, as the audit log says it.'),
    note: z.string().nullable(),
  })
  .meta({ id: 'QuarantinedSignal' });

export const QuarantineSignalsAnswer = page(
  'QuarantineSignalsAnswer',
  z.object({
    ...QuarantinedSignal.shape,
    signal: AnyObject.nullable().describe('As it was received; null where the journal has it no more.'),
  }),
);

export const ResolvedAnswer = z
  .object({
    open: z.int(),
    corrected: z.int(),
    dismissed: z.int(),
    completeUntil: CompleteUntil,
  })
  .meta({ id: 'ResolvedAnswer' });

const DryRun = z.object({ dryRun: z.literal(true), signals: z.int() });

export const ReplayAnswer = z
  .union([
    z.object({
      signals: z.int().describe('How many were looked at.'),
      counted: z.int().describe('How many of them left quarantine.'),
      quarantined: z.array(z.object({ reason: z.string(), signals: z.int() })),
      untouched: z.int().describe('How many could not be looked at.'),
    }),
    DryRun,
  ])
  .meta({ id: 'ReplayAnswer' });

export const DismissalAnswer = z
  .union([z.object({ dismissed: z.int() }), DryRun])
  .meta({ id: 'DismissalAnswer' });
