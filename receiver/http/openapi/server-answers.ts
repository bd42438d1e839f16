/** Answers about the receiver itself, of OTLP, and of SQL. */
import { z } from 'zod';
import { Settings } from '../../../storage/changes.ts';
import { Instant, Sequence } from './common.ts';

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
