/** Answers about usage: its rows, the records behind them, and the signals behind these. */
import { z } from 'zod';
import { RECORD_FLAGS } from '../../../storage/query/explain-origins.ts';
import { AGGREGATIONS } from '../../../storage/resources.ts';
import {
  AnyObject,
  CompleteUntil,
  Decimal,
  Instant,
  Metadata,
  NextCursor,
  page,
  Sequence,
} from './common.ts';

export const UsageRow = z
  .object({
    customerId: z.string().exactOptional().describe('Where grouped by.'),
    dimensionId: z.string().exactOptional().describe('Where grouped by.'),
    metadata: z
      .record(z.string(), z.string().nullable())
      .exactOptional()
      .describe('Where grouped by: the value of each key, null where the records have none.'),
    unit: z.string().describe('The dimension’s, UCUM.'),
    windowStart: Instant,
    windowEnd: Instant,
    quantity: Decimal.describe('Exact; of averages and levels to 12 places half-even.'),
    billableQuantity: Decimal.describe(
      'The exact quantity, rounded once to the dimension’s usage increment.',
    ),
    amount: Decimal.exactOptional().describe('Billable quantity × unit price, where there is one.'),
    records: z.int().min(0).describe('How many usage records are in it.'),
  })
  .meta({
    id: 'UsageRow',
    examples: [
      {
        customerId: 'acme',
        dimensionId: 'gpu.hours',
        unit: '1',
        windowStart: '2026-03-01T00:00:00Z',
        windowEnd: '2026-04-01T00:00:00Z',
        quantity: '12.5',
        billableQuantity: '13',
        records: 3,
      },
    ],
  });

export const UsageAnswer = page('UsageAnswer', UsageRow);

const record = {
  recordId: z.string(),
  customerId: z.string(),
  dimensionId: z.string(),
  recordValue: Decimal.describe('In the dimension’s unit.'),
  unit: z.string(),
  timestamp: Instant.describe('When it was used, or the end of its period.'),
  startTime: Instant.exactOptional().describe('Begin of its period, where it is known.'),
  metadata: Metadata,
  meterId: z.string().describe('`builtin`, a configured meter, or `api` for records by hand.'),
  meterVersion: z.int().describe('Version of the meter’s rule; 0 for meters that have none.'),
  kind: z
    .enum(['record', 'increment', 'correction'])
    .describe(
      '`record`: as it came. `increment`: the growth of a running total. `correction`: of an increment, by a late reading.',
    ),
};

export const UsageRecord = z.object(record).meta({ id: 'UsageRecord' });

export const RecordsAnswer = page('RecordsAnswer', UsageRecord);

const Voided = z.object({
  reason: z.string(),
  replaced: z.boolean().describe('Whether another record took its place.'),
  at: Instant,
});

export const StoredRecord = z
  .object({ ...record, voided: Voided.exactOptional().describe('Absent: the record counts.') })
  .meta({ id: 'StoredRecord' });

export const WrittenRecords = z
  .object({
    records: z.array(
      z.object({
        id: z.string().exactOptional().describe('Where the record has one of its own.'),
        ...StoredRecord.shape,
        status: z.enum(['stored', 'duplicate']),
      }),
    ),
  })
  .meta({ id: 'WrittenRecords' });

/** With Prefer: return=minimal. */
export const WrittenCounts = z.object({ stored: z.int(), duplicates: z.int() }).meta({ id: 'WrittenCounts' });

export const Correction = z
  .object({ record: StoredRecord, replacement: UsageRecord.nullable() })
  .meta({ id: 'Correction' });

const VoidedBy = z.object({ ...Voided.shape, sequence: Sequence });

const readingOrigin = { value: Decimal, timestamp: Instant, sequence: Sequence };
const ReadingOrigin = z.object(readingOrigin);

const origin = {
  ...record,
  seriesHash: z.string().describe('One of the answer’s series.'),
  eventKey: z.string().nullable().describe('What makes an event the same when it comes again.'),
  flags: z.array(z.enum(RECORD_FLAGS)).describe('What is odd about a record that is counted all the same.'),
  sequence: Sequence,
  receivedAt: Instant.nullable(),
  reading: z
    .object({ ...readingOrigin, previous: ReadingOrigin.nullable() })
    .exactOptional()
    .describe('Of a running total: the reading that the record is the growth to.'),
  lateReadings: z
    .array(ReadingOrigin)
    .exactOptional()
    .describe('Of a correction: readings that came late, ten at most.'),
  voided: VoidedBy.nullable(),
  replaces: z.string().nullable().describe('The record in whose place this one stands.'),
  corrects: z
    .object({ id: z.string(), reason: z.string(), note: z.string().nullable() })
    .nullable()
    .describe('The quarantined signal that a person corrected into this record.'),
};

const ReceivedSignal = z.object({
  sequence: Sequence,
  ordinal: z.int().describe('Its place among the signals of the frame, from 0.'),
  receivedAt: Instant,
  kind: z.enum(['metric', 'log', 'span', 'record']),
  contentType: z.string(),
  contentEncoding: z.enum(['identity', 'gzip', 'deflate']),
  signal: AnyObject.describe('OTLP JSON with its resource and scope; a record by hand as it was taken.'),
  bytes: z
    .object({
      of: z.enum(['message', 'body']),
      offset: z.int(),
      length: z.int(),
      base64: z.string().exactOptional().describe('Absent beyond 1 MiB, on a page of records beyond 16 KiB.'),
    })
    .describe('Where it stands in the request’s body, inflated.'),
  counted: z
    .object({
      change: z.enum(['quarantine_replayed', 'record_corrected']),
      sequence: Sequence,
      receivedAt: Instant,
      correction: AnyObject.nullable().exactOptional(),
      note: z.string().nullable().exactOptional(),
      recordId: z.string().exactOptional(),
      reason: z.string().exactOptional(),
    })
    .exactOptional()
    .describe('The change by which it counts, where it did not with its own frame.'),
});

const LostSignal = z.object({
  sequence: Sequence,
  gone: z.enum(['released', 'lost']).describe('`released`: the journal’s retention is over.'),
  detail: z.string(),
});

const RecordSignal = z.union([ReceivedSignal, LostSignal]).meta({ id: 'RecordSignal' });

const signals = {
  signal: RecordSignal,
  previous: RecordSignal.nullable().exactOptional().describe('The reading that a running total counts from.'),
  late: z.array(RecordSignal).exactOptional().describe('Of a correction: the readings that came late.'),
};

const LevelSpan = { from: Instant, to: Instant, seconds: Decimal };

const RecordOrigin = z.object(origin).meta({ id: 'RecordOrigin' });

const ExplainedRecord = z
  .object({
    ...origin,
    part: Instant.describe('Begin of the interval that it stands in.'),
    contribution: Decimal.describe('What it adds to the sum: its value; 1 or 0; a level × seconds.'),
    holds: z.object(LevelSpan).exactOptional().describe('Of levels: for how long in the cell.'),
    uniqueValue: z.string().nullable().exactOptional(),
    signal: signals.signal.exactOptional().describe('With `signals=true`.'),
    previous: signals.previous,
    late: signals.late,
  })
  .meta({ id: 'ExplainedRecord' });

const OriginSeries = z
  .object({
    seriesHash: z.string(),
    role: z.enum(['delta', 'cumulative', 'level', 'event']),
    resource: AnyObject,
    scopeName: z.string(),
    scopeVersion: z.string(),
    metricName: z.string(),
    unit: z.string(),
    kind: z.string(),
    temporality: z.string(),
    monotonic: z.boolean(),
    metadata: Metadata,
  })
  .meta({ id: 'OriginSeries' });

const MeterInForce = z
  .object({ id: z.string(), version: z.int(), rule: AnyObject, since: Instant, sequence: Sequence })
  .meta({ id: 'MeterInForce' });

export const ExplainAnswer = z
  .object({
    cell: UsageRow.nullable().describe('As GET /api/v1/usage has it; null: nothing was used.'),
    dimension: z
      .object({
        id: z.string(),
        unit: z.string(),
        aggregation: z.enum(AGGREGATIONS),
        uniqueKey: z.string().nullable(),
        levelTtl: z.number().nullable(),
        interval: z.enum(['none', 'hour', 'day', 'month']),
        usageIncrement: Decimal.nullable(),
        rounding: z.enum(['floor', 'ceiling', 'round']).nullable(),
        unitPrice: Decimal.nullable(),
      })
      .nullable(),
    steps: z
      .array(z.object({ text: z.string(), value: Decimal }))
      .describe('From the records to what is billed.'),
    parts: z
      .array(
        z.object({
          begin: Instant,
          end: Instant,
          sum: Decimal,
          divisor: Decimal,
          quantity: Decimal,
          records: z.int(),
          decidedBy: z.string().exactOptional().describe('The record that decides a max, min or last.'),
        }),
      )
      .describe('Intervals with a record or a level; one where the dimension has no interval.'),
    carriedIn: z
      .object({ ...LevelSpan, level: Decimal, contribution: Decimal, record: RecordOrigin })
      .nullable(),
    records: z.array(ExplainedRecord),
    series: z.array(OriginSeries),
    meters: z.array(MeterInForce),
    nextCursor: NextCursor,
    completeUntil: CompleteUntil,
  })
  .meta({ id: 'ExplainAnswer' });

export const SignalAnswer = z
  .object({
    record: RecordOrigin,
    ...signals,
    series: OriginSeries,
    meters: z.array(MeterInForce),
  })
  .meta({ id: 'SignalAnswer' });
