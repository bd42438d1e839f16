/** Answers about what people declare: customers, dimensions, meters, and what a meter would do. */
import { z } from 'zod';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { AnyObject, Decimal, Instant, Metadata, page } from './common.ts';
import { UsageRecord } from './usage-answers.ts';

const known = {
  discovered: z.boolean().describe('Nobody declared it: usage that came created it.'),
  managedBy: z
    .enum(['api', 'file'])
    .nullable()
    .describe('Who declared it: people over the API, or usage-meter.yaml, which alone changes its own.'),
};

/** What stands beside each of a list. */
const used = {
  records: z.int().describe('Usage records that count.'),
  lastSeen: Instant.nullable().describe('Timestamp of the newest of them.'),
  activity: z.array(z.int()).exactOptional().describe('With `activity`: records of each day, oldest first.'),
};

/** A page of a list, with how many rows there are. */
function countedPage<Row extends z.ZodType>(id: string, row: Row) {
  return page(id, row)
    .extend({ total: z.int().describe('Rows of all pages together.') })
    .meta({ id });
}

export const Customer = z.object({ ...CustomerDeclaration.shape, ...known }).meta({
  id: 'Customer',
  examples: [
    {
      id: 'acme',
      name: 'Acme GmbH',
      email: null,
      timeZone: 'Europe/Berlin',
      aliases: [],
      metadata: {},
      discovered: false,
      managedBy: 'api',
    },
  ],
});
export const CustomersAnswer = countedPage(
  'CustomersAnswer',
  z.object({ ...Customer.shape, ...used }).meta({ id: 'UsedCustomer' }),
);

export const Dimension = z.object({ ...DimensionDeclaration.shape, ...known }).meta({ id: 'Dimension' });
export const DimensionsAnswer = countedPage(
  'DimensionsAnswer',
  z.object({ ...Dimension.shape, ...used }).meta({ id: 'UsedDimension' }),
);

/** What was made of a rule stands beside the rule's own fields. */
export const Meter = z
  .looseObject({
    id: z.string(),
    version: z.int().describe('0 of the built-in meter.'),
    managedBy: z.enum(['api', 'file', 'builtin']),
    createdAt: Instant.nullable().describe('When this version came.'),
    deleted: z.boolean(),
    records: z.int().exactOptional().describe('With `activity`: usage records of these days that count.'),
    lastSeen: Instant.nullable()
      .exactOptional()
      .describe('With `activity`: timestamp of the newest of them.'),
    activity: used.activity,
    quarantined: z
      .array(z.object({ reason: z.string(), signals: z.int() }))
      .exactOptional()
      .describe('With `activity`: signals that nobody settled yet.'),
    versions: z
      .array(
        z.object({
          version: z.int(),
          rule: AnyObject,
          managedBy: z.enum(['api', 'file']),
          createdAt: Instant,
          since: Instant,
          deleted: z.boolean(),
        }),
      )
      .exactOptional()
      .describe('With `versions=all`: the latest first.'),
  })
  .meta({ id: 'Meter', description: 'A rule, with its version.' });
export const CheckedRule = z
  .object({
    written: AnyObject.nullable().describe(
      'What is written, as JSON; null where it is no map that can be read.',
    ),
    rule: AnyObject.nullable().describe('The rule with its defaults; null where something is wrong.'),
    problems: z.array(
      z.object({
        line: z.int().describe('From 1.'),
        column: z.int().describe('From 1.'),
        path: z.string().describe('`match.all[1].regex`; empty where it is the text as a whole.'),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: 'CheckedRule' });

export const MetersAnswer = page('MetersAnswer', Meter);

const Quantity = Decimal.nullable();

const UsageDifference = z
  .object({
    customerId: z.string().nullable(),
    dimensionId: z.string(),
    unit: z.string(),
    aggregation: z.string(),
    quantity: Quantity,
    records: z.int(),
    inForceQuantity: Quantity,
    inForceRecords: z.int(),
    difference: Quantity,
  })
  .meta({ id: 'UsageDifference' });

export const DryRunReport = z
  .object({
    meterId: z.string(),
    inForceVersion: z.int().nullable(),
    requests: z.int(),
    signals: z.int(),
    matched: z.int(),
    matchedInForce: z.int(),
    ignored: z.int(),
    duplicates: z.int(),
    stoppedBy: z.enum(['max_signals', 'time_limit']).nullable(),
    receivedFrom: Instant.nullable(),
    receivedUntil: Instant.nullable(),
    totals: z.array(UsageDifference),
    customers: z.array(UsageDifference),
    hasMoreCustomers: z.boolean(),
    quarantined: z.array(
      z.object({
        reason: z.string(),
        signals: z.int(),
        signalsInForce: z.int(),
        dimensions: z.array(
          z.object({ dimensionId: z.string().nullable(), signals: z.int(), quantity: Quantity }),
        ),
        samples: z.array(
          z.object({
            customerId: z.string().nullable(),
            dimensionId: z.string().nullable(),
            value: z.string(),
            unit: z.string(),
            timestamp: Instant.nullable(),
            startTime: Instant.nullable(),
            metadata: Metadata,
            metricName: z.string(),
            kind: z.string(),
            origin: z.string().nullable(),
            signal: z.unknown(),
          }),
        ),
      }),
    ),
    replaced: z.array(
      z.object({
        meterId: z.string(),
        dimensionId: z.string(),
        unit: z.string(),
        before: Quantity,
        after: Quantity,
        recordsBefore: z.int(),
        recordsAfter: z.int(),
        difference: Quantity,
      }),
    ),
    discovered: z.object({
      customers: z.array(z.string()),
      customerCount: z.int(),
      dimensions: z.array(z.object({ id: z.string(), unit: z.string() })),
    }),
    records: z.array(UsageRecord),
    unreadable: z.object({
      requests: z.int(),
      samples: z.array(z.object({ origin: z.string(), message: z.string() })),
    }),
  })
  .meta({ id: 'DryRunReport', description: 'What a rule would count, beside what the one in force counts.' });
