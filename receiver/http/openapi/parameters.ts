/**
 * The query parameters of each question. The parsers in storage/query read them from texts; a test holds both
 * together: it asks each route what it takes, and tries the values that stand here.
 */
import { z } from 'zod';
import { QUARANTINE_CODES } from '../../../storage/quarantine-codes.ts';
import {
  AUDIT_KINDS,
  LIST_ORDERS,
  MAX_ACTIVITY_DAYS,
  STATEMENT_ORDERS,
} from '../../../storage/query/index.ts';
import { MAX_LIMIT } from '../../../storage/query/parameters.ts';
import { RESOLUTIONS } from '../../../storage/query/quarantine-signals-query.ts';
import { WINDOW_SIZES } from '../../../storage/query/windows.ts';
import { MAX_TOP } from '../overview-routes.ts';

const TIME = 'RFC 3339 with an offset, or a date, which is midnight in `timeZone`.';

const many = (description: string) => z.array(z.string().min(1)).optional().describe(description);
const flag = (description: string) => z.boolean().optional().describe(description);

const customerId = many('Of these customers only. May come several times.');
const dimensionId = many('Of these dimensions only. May come several times.');
const metadata = z
  .record(z.string(), z.union([z.string(), z.array(z.string())]))
  .optional()
  .meta({
    description:
      'A parameter `metadata.KEY` for each key, as `{"metadata.region": "eu"}`: it has one of the values. OR within a ' +
      'key, AND across keys.',
    // The reference page tries out what stands in an example.
    param: { style: 'form', explode: true, example: {} },
  });
const timeZone = z
  .string()
  .optional()
  .meta({
    description: 'An IANA time zone, of bare dates and of windows. Default: UTC.',
    examples: ['Europe/Berlin'],
  });
const asOf = z.string().optional().describe(`What was known then: a journal sequence, or ${TIME}`);
const freshness = z
  .enum(['complete', 'available'])
  .optional()
  .describe(
    '`complete` (the default) waits for everything that was acknowledged before, up to 10 s; `available` answers at once.',
  );

const range = {
  from: z.string().meta({ description: `Begin of the range. ${TIME}`, examples: ['2026-03-01'] }),
  to: z
    .string()
    .meta({ description: `End of the range, which is not in it. ${TIME}`, examples: ['2026-04-01'] }),
};
const optionalRange = {
  from: range.from.optional(),
  to: range.to.optional(),
};
const paging = {
  limit: z
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .describe(`Rows of one page at most. Default: ${MAX_LIMIT}.`),
  cursor: z.string().optional().describe('`nextCursor` of the page before.'),
};

/** Of events, which come when they come. */
export const LiveParameters = z.object({ customerId, dimensionId });

export const OverviewParameters = z.object({
  from: z
    .string()
    .optional()
    .describe(`Begin of the range of \`topCustomers\`. Default: a day before now. ${TIME}`),
  to: z.string().optional().describe(`Its end, which is not in it. ${TIME}`),
  timeZone: z
    .string()
    .optional()
    .meta({
      description: 'An IANA time zone, of today and of bare dates. Default: UTC.',
      examples: ['Europe/Berlin'],
    }),
  top: z.int().min(1).max(MAX_TOP).optional().describe('Customers at most. Default: 10.'),
  freshness,
});

/** Of single things, and of status. */
export const WaitingParameters = z.object({ freshness });

const usage = {
  ...range,
  customerId,
  dimensionId,
  metadata,
  window: z
    .enum(WINDOW_SIZES)
    .optional()
    .describe(
      'What the range is cut into. Default: total. `week` begins on Monday; `period` needs `anchor`.',
    ),
  anchor: z.int().min(1).max(31).optional().describe('Day of month on which a `period` begins.'),
  timeZone,
  groupBy: z
    .array(z.string())
    .optional()
    .meta({
      description:
        'What rows are told apart by: customerId, dimensionId, metadata.KEY. Default: customerId,dimensionId.',
      param: { style: 'form', explode: false },
      examples: [['customerId', 'dimensionId', 'metadata.region']],
    }),
  fill: flag('Whether windows without a record have a row. Default: true.'),
  asOf,
};

export const UsageParameters = z.object({ ...usage, ...paging, freshness });

export const ExplainParameters = z.object({
  ...usage,
  windowStart: z.string().optional().describe('The window of the cell, as its row says it.'),
  missing: many('Keys of `groupBy` that are null in the row, as metadata.KEY.'),
  signals: flag('Whether each record comes with its signals; a page then has at most 100. Default: false.'),
  ...paging,
  freshness,
});

export const RecordsParameters = z.object({
  ...range,
  customerId,
  dimensionId,
  metadata,
  meterId: many('Counted by these meters only. May come several times.'),
  order: z
    .enum(['asc', 'desc'])
    .optional()
    .describe('`asc` (the default): by timestamp, then as they came. `desc`: the other way.'),
  timeZone,
  asOf,
  ...paging,
  freshness,
});

const quarantineFilter = {
  reason: z.array(z.enum(QUARANTINE_CODES)).optional().describe('For these reasons only.'),
  customerId,
  dimensionId,
  missing: z
    .array(z.enum(['customerId', 'dimensionId']))
    .optional()
    .describe('Also signals that name no customer, or no dimension.'),
  meterId: many('Claimed by these meters only. May come several times.'),
  metadata,
  ...optionalRange,
  timeFrom: z
    .string()
    .optional()
    .describe('Whose own time is from here on, as `from`; and those whose time is at fault.'),
  timeTo: z.string().optional().describe('Whose own time is before, likewise.'),
  timeZone,
};

export const QuarantineTotalsParameters = z.object({ ...quarantineFilter, freshness });

export const QuarantineParameters = z.object({ ...quarantineFilter, ...paging, freshness });

export const QuarantineSignalsParameters = z.object({
  ...quarantineFilter,
  signal: many('Of these ids only.'),
  resolution: z.enum(RESOLUTIONS).optional().describe('What became of them. Default: open.'),
  ...paging,
  freshness,
});

const list = {
  q: z.string().optional().describe('What the id, the name and the like begin with, in any case.'),
  managedBy: z.enum(['api', 'file']).optional().describe('Who declared them.'),
  ...paging,
  freshness,
};

const usedList = {
  search: z.string().optional().describe('What the id, the name and the like have in them, in any case.'),
  discovered: flag('Only those that nobody declared, or only the declared ones.'),
  sort: z
    .enum(LIST_ORDERS)
    .optional()
    .describe('Default: id. Names in any case. Those without a name or a record come last.'),
  order: z.enum(['asc', 'desc']).optional().describe('Default: asc, of `lastSeen` desc.'),
  activity: z
    .int()
    .min(1)
    .max(MAX_ACTIVITY_DAYS)
    .optional()
    .describe('So many days, today the last: each row says how many records each of them has.'),
  timeZone: z
    .string()
    .optional()
    .meta({ description: 'An IANA time zone, of these days. Default: UTC.', examples: ['Europe/Berlin'] }),
  ...list,
};

export const CustomersParameters = z.object(usedList);

export const DimensionsParameters = z.object({
  customerId: z
    .string()
    .min(1)
    .optional()
    .describe('Only what this customer used; records, lastSeen and activity are then of this customer.'),
  ...usedList,
});

/** What meters counted is told where these are given. */
const meterActivity = {
  activity: usedList.activity.describe('So many days, today the last: what each meter counted is told, too.'),
  timeZone: usedList.timeZone,
};

export const MetersParameters = z.object({
  deleted: flag('Whether deleted ones are listed too. Default: false.'),
  ...meterActivity,
  ...list,
});

export const MeterParameters = z.object({
  versions: z.enum(['all', 'latest']).optional().describe('`all`: with every rule that the meter had.'),
  ...meterActivity,
  freshness,
});

export const StatementsParameters = z.object({
  customerId,
  from: z.string().optional().describe(`Periods that end behind this. ${TIME}`),
  to: z.string().optional().describe(`Periods that begin before this. ${TIME}`),
  timeZone,
  state: z.enum(['valid', 'reopened', 'all']).optional().describe('Default: all.'),
  sort: z.enum(STATEMENT_ORDERS).optional().describe('Default: closedAt. Without an amount, last.'),
  order: z.enum(['asc', 'desc']).optional().describe('Default: desc, of `customerId` asc.'),
  ...paging,
  freshness,
});

export const StatementParameters = z.object({
  format: z
    .enum(['json', 'csv', 'html'])
    .optional()
    .describe('Default: the first of these that `Accept` names, else json.'),
  freshness,
});

export const AdjustmentsParameters = z.object({ customerId, ...paging, freshness });

export const AuditParameters = z.object({
  kind: z.array(z.enum(AUDIT_KINDS)).optional().describe('What was done. May come several times.'),
  subject: many('Ids of what was changed. May come several times.'),
  actor: many('Who did it. May come several times.'),
  ...optionalRange,
  timeZone,
  ...paging,
  freshness,
});
