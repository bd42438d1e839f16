/** Answers about the receiver itself, of OTLP, and of SQL. */
import { z } from 'zod';
import { Settings } from '../../../storage/changes.ts';
import { OVERVIEW_PROBLEMS } from '../overview-routes.ts';
import { Instant, Sequence } from './common.ts';
import { QuarantineTotals } from './quarantine-answers.ts';

const SignalCounts = z.object({
  requests: z.int(),
  requestsWithoutUsage: z.int(),
  claimed: z.int(),
  quarantined: z.int(),
  ignored: z.int(),
  markers: z.int(),
});

export const Status = z
  .object({
    state: z.enum(['recovering', 'ready', 'draining', 'stopped']),
    diskIsFull: z.boolean(),
    journal: z.object({ lastSequence: Sequence, durableSequence: Sequence }),
    ledger: z.object({ sequence: Sequence, unloadedRows: z.int(), completeUntil: Instant }),
    counts: z.object({
      customers: z.int(),
      dimensions: z.int(),
      series: z.int(),
      meters: z.int(),
      records: z.int(),
      events: z.int(),
      quarantined: z.int(),
    }),
    received: z.object({ metrics: SignalCounts, logs: SignalCounts, spans: SignalCounts }),
    settings: z.object(Settings.shape),
  })
  .meta({ id: 'Status' });

const Counts = Status.shape.counts;
const received = Status.shape.received;

export const Overview = z
  .object({
    health: z.object({
      state: Status.shape.state,
      problems: z.array(z.enum(OVERVIEW_PROBLEMS)).describe('Empty: all is well.'),
    }),
    ingest: z.object({
      perSecond: z.number().describe('Signals and records that were acknowledged, the mean of a minute.'),
      series: z
        .array(z.int())
        .describe('Of each of the last 600 seconds, oldest first, since storage was opened the last time.'),
      seriesUntil: Instant,
    }),
    freshness: z.object({
      completeUntil: Instant,
      behindSeconds: z.number(),
      unloadedRows: z.int(),
      unloadedBytes: z.int().describe('Of the journal.'),
    }),
    counts: Counts,
    recordsToday: z.int().describe('With a timestamp of today.'),
    topCustomers: z
      .array(z.object({ customerId: z.string(), name: z.string().nullable(), records: z.int() }))
      .describe('Those with most records in the range.'),
    quarantine: QuarantineTotals,
    disk: z.object({ freeBytes: z.int().nullable(), journalBytes: z.int() }),
    lake: z
      .object({
        completeUntil: Instant.nullable().describe('When it had everything; null: never since the start.'),
        behindSeconds: z.number().describe('0 while it has everything.'),
      })
      .nullable(),
  })
  .meta({ id: 'Overview' });

export const FirstRun = z
  .object({
    hasRecords: z.boolean().describe('Whether there is a usage record that counts.'),
    received,
    refused: z
      .array(
        z.object({
          time: Instant,
          method: z.string(),
          path: z.string().describe('Without its query.'),
          status: z.int(),
          code: z.string(),
          contentType: z.string().nullable(),
          userAgent: z.string().nullable(),
          apiKey: z.enum(['valid', 'wrong', 'missing', 'not_needed']),
          remote: z.enum(['loopback', 'private', 'public']),
        }),
      )
      .describe('The last 50 requests that were to bring usage and were refused, the newest first.'),
    quarantine: QuarantineTotals,
    apiKeyRequired: z.boolean(),
  })
  .meta({ id: 'FirstRun' });

export const Health = z.object({ status: z.literal('ok') });
export const Ready = z.object({ status: z.literal('ready') });
export const NotReady = z.object({ status: z.literal('unavailable'), reason: z.string() });

export const SqlAnswer = z
  .object({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    asOf: Instant.describe('When the lake that was asked was published.'),
    rows: z
      .array(z.array(z.unknown()))
      .describe('Decimals, and integers beyond 32 bits, are texts: no digit is lost.'),
    rowCount: z.int(),
  })
  .meta({ id: 'SqlAnswer' });

/** Nothing is ever rejected: what is not counted is in quarantine. */
export const ExportResponse = z
  .object({
    partialSuccess: z
      .object({ errorMessage: z.string() })
      .exactOptional()
      .describe('What was quarantined, and why.'),
  })
  .meta({ id: 'ExportResponse' });

export const RpcStatus = z
  .object({ code: z.int(), message: z.string() })
  .meta({ id: 'RpcStatus', description: 'A google.rpc.Status.' });
