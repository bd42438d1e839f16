/**
 * Every route, with what it takes and what it answers: the OpenAPI document and the types of the client come of it.
 * Bodies are read by the very schemas that stand here.
 */
import { z } from 'zod';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { MeterRule } from '../../metering/rules/index.ts';
import { MetersCheck } from '../meters-check.ts';
import { MetersTest } from '../meters-test.ts';
import { ClosePeriod } from '../period-routes.ts';
import { Dismissal, Replay } from '../quarantine-routes.ts';
import { SqlQuestion } from '../sql-route.ts';
import { ReopenStatement } from '../statement-routes.ts';
import { Reason, RecordId, UsageRecordBody } from '../usage-body.ts';
import { AnyObject } from './common.ts';
import * as parameters from './parameters.ts';
import * as periods from './period-answers.ts';
import * as quarantine from './quarantine-answers.ts';
import * as resources from './resource-answers.ts';
import * as server from './server-answers.ts';
import * as usage from './usage-answers.ts';

export const TAGS = {
  Usage: 'What was used: quantities, the records behind them, and records by hand.',
  Customers: 'Who is billed.',
  Dimensions: 'What is billed.',
  Meters: 'The rules that turn signals into usage.',
  Quarantine: 'What a meter claims but cannot count, until somebody fixes and replays it.',
  Periods: 'Closed billing periods: statements, adjustments, and who changed what.',
  SQL: 'Questions of analysts.',
  Receiver: 'The receiver itself.',
  OTLP: 'OpenTelemetry’s own protocol.',
} as const;

export interface Answer {
  description: string;
  /** Of application/json, or of `type`. */
  body?: z.ZodType;
  example?: unknown;
  /** Other media types in which the same can be had; each is a text or bytes. */
  types?: readonly string[];
  headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  tag: keyof typeof TAGS;
  summary: string;
  description?: string;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  /** By media type. */
  body?: Readonly<Record<string, z.ZodType>>;
  example?: unknown;
  answers: Readonly<Record<number, Answer>>;
  /** Statuses that are problems, beside those that any route of the API may have. */
  refusals?: readonly number[];
  /** Whether it is answered without an API key. */
  isOpen?: boolean;
}

/** What changes an id's fields may leave the id out, and must not say another. */
const withoutId = <Shape extends { id: z.ZodType }>(schema: z.ZodObject<Shape>) =>
  z.strictObject({ ...schema.shape, id: schema.shape.id.optional() });

// Their names in the description.
const NewCustomer = CustomerDeclaration.meta({ id: 'NewCustomer' });
const NewDimension = DimensionDeclaration.meta({ id: 'NewDimension' });
const NewMeter = MeterRule.meta({ id: 'NewMeter' });
const NewRecord = UsageRecordBody.meta({ id: 'NewRecord' });

const CustomerBody = withoutId(CustomerDeclaration);
const DimensionBody = withoutId(DimensionDeclaration);
const MeterBody = withoutId(MeterRule);

/** Fields that are left out stay as they are. */
const { id: _id, ...amendable } = UsageRecordBody.shape;
const Amendment = z.strictObject({ ...Reason.shape, ...z.strictObject(amendable).partial().shape });

const UsageHeaders = z.object({
  'Idempotency-Key': RecordId.optional().describe('Stands for the ids of records that have none.'),
  Prefer: z
    .string()
    .optional()
    .meta({ description: '`return=minimal`: only how many were stored.', examples: ['return=minimal'] }),
});

const CREATED = { Location: 'Where it is found.' };
const RECORD = {
  customerId: 'acme',
  dimensionId: 'gpu.hours',
  recordValue: '12.5',
  timestamp: '2026-03-01T08:00:00Z',
  metadata: { region: 'eu' },
};
const RULE = {
  id: 'orders',
  signals: ['logs'],
  match: { all: [{ path: 'body', eq: 'order placed' }] },
  customer: 'attributes["account"]',
  dimension: 'orders',
};
const OTLP = {
  tag: 'OTLP',
  description:
    'Nothing is rejected: what a meter claims but cannot count is answered with 200 and quarantined.',
  body: { 'application/x-protobuf': z.file(), 'application/json': AnyObject },
  answers: {
    200: {
      description: 'It is on disk.',
      body: server.ExportResponse,
      types: ['application/x-protobuf'],
    },
  },
} as const;

export const OPERATIONS = {
  'GET /api/v1/usage': {
    tag: 'Usage',
    summary: 'Quantities by window',
    query: parameters.UsageParameters,
    answers: { 200: { description: 'A row per customer, dimension and window.', body: usage.UsageAnswer } },
  },
  'POST /api/v1/usage': {
    tag: 'Usage',
    summary: 'Store usage records by hand',
    description:
      'All of them are stored, or none. A record with an `id` counts once, however often it comes.',
    headers: UsageHeaders,
    body: {
      'application/json': z.union([NewRecord, z.array(NewRecord)]),
      'application/x-ndjson': z.string(),
    },
    example: { id: 'invoice-run-7/line-1', ...RECORD },
    answers: {
      200: {
        description: 'All of them were stored before.',
        body: z.union([usage.WrittenRecords, usage.WrittenCounts]),
      },
      201: {
        description: 'They are on disk.',
        body: z.union([usage.WrittenRecords, usage.WrittenCounts]),
        example: { stored: 2, duplicates: 0 },
      },
    },
    refusals: [409],
  },
  'GET /api/v1/usage/explain': {
    tag: 'Usage',
    summary: 'Why a cell of an answer is what it is',
    description:
      'The parameters of GET /api/v1/usage, of which each key of `groupBy` has one value. The contributions of the ' +
      'records add up to the cell.',
    query: parameters.ExplainParameters,
    answers: { 200: { description: 'The cell, and what it is made of.', body: usage.ExplainAnswer } },
  },
  'GET /api/v1/records': {
    tag: 'Usage',
    summary: 'Usage records as stored',
    query: parameters.RecordsParameters,
    answers: { 200: { description: 'By timestamp, as `order` says.', body: usage.RecordsAnswer } },
  },
  'GET /api/v1/records/{recordId}': {
    tag: 'Usage',
    summary: 'One record, voided or not',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'The record.', body: usage.StoredRecord } },
    refusals: [404],
  },
  'GET /api/v1/records/{recordId}/signal': {
    tag: 'Usage',
    summary: 'What a record was made of, as it was received',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'The signal, out of the journal.', body: usage.SignalAnswer } },
    refusals: [404, 410],
  },
  'POST /api/v1/records/{recordId}/void': {
    tag: 'Usage',
    summary: 'Let a record count no more',
    description: 'It stays, and says why.',
    body: { 'application/json': Reason },
    example: { reason: 'sent twice by us' },
    answers: { 200: { description: 'It counts no more.', body: usage.Correction } },
    refusals: [404, 409],
  },
  'POST /api/v1/records/{recordId}/amend': {
    tag: 'Usage',
    summary: 'Let another record take its place',
    body: { 'application/json': Amendment },
    example: { reason: 'the customer was right', recordValue: '7.5' },
    answers: { 200: { description: 'The record, and what counts in its place.', body: usage.Correction } },
    refusals: [404, 409],
  },
  'GET /api/v1/customers': {
    tag: 'Customers',
    summary: 'List customers',
    query: parameters.CustomersParameters,
    answers: { 200: { description: 'By id, or as `sort` says.', body: resources.CustomersAnswer } },
  },
  'POST /api/v1/customers': {
    tag: 'Customers',
    summary: 'Declare a customer',
    body: { 'application/json': NewCustomer },
    example: { id: 'acme', name: 'Acme GmbH', timeZone: 'Europe/Berlin', aliases: ['acme-eu'] },
    answers: { 201: { description: 'It is declared.', body: resources.Customer, headers: CREATED } },
    refusals: [409],
  },
  'GET /api/v1/customers/{id}': {
    tag: 'Customers',
    summary: 'One customer',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'The customer.', body: resources.Customer } },
    refusals: [404],
  },
  'PUT /api/v1/customers/{id}': {
    tag: 'Customers',
    summary: 'Declare or replace a customer',
    body: { 'application/json': CustomerBody },
    example: { name: 'Acme GmbH', aliases: ['acme-eu', 'acme-us'] },
    answers: {
      200: { description: 'It is replaced.', body: resources.Customer },
      201: { description: 'It is declared.', body: resources.Customer, headers: CREATED },
    },
    refusals: [409],
  },
  'DELETE /api/v1/customers/{id}': {
    tag: 'Customers',
    summary: 'Delete a customer without usage',
    answers: { 204: { description: 'It is deleted.' } },
    refusals: [404, 409],
  },
  'GET /api/v1/dimensions': {
    tag: 'Dimensions',
    summary: 'List dimensions',
    query: parameters.DimensionsParameters,
    answers: { 200: { description: 'By id, or as `sort` says.', body: resources.DimensionsAnswer } },
  },
  'POST /api/v1/dimensions': {
    tag: 'Dimensions',
    summary: 'Declare a dimension',
    body: { 'application/json': NewDimension },
    example: { id: 'gpu.hours', unit: 'h', usageIncrement: '0.25', rounding: 'ceiling', unitPrice: '2.40' },
    answers: { 201: { description: 'It is declared.', body: resources.Dimension, headers: CREATED } },
    refusals: [409],
  },
  'GET /api/v1/dimensions/{id}': {
    tag: 'Dimensions',
    summary: 'One dimension',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'The dimension.', body: resources.Dimension } },
    refusals: [404],
  },
  'PUT /api/v1/dimensions/{id}': {
    tag: 'Dimensions',
    summary: 'Declare or replace a dimension',
    body: { 'application/json': DimensionBody },
    example: { unit: 'h', unitPrice: '2.60' },
    answers: {
      200: { description: 'It is replaced.', body: resources.Dimension },
      201: { description: 'It is declared.', body: resources.Dimension, headers: CREATED },
    },
    refusals: [409],
  },
  'DELETE /api/v1/dimensions/{id}': {
    tag: 'Dimensions',
    summary: 'Delete a dimension without usage',
    answers: { 204: { description: 'It is deleted.' } },
    refusals: [404, 409],
  },
  'GET /api/v1/meters': {
    tag: 'Meters',
    summary: 'List meters',
    query: parameters.MetersParameters,
    answers: { 200: { description: 'By id, the built-in one among them.', body: resources.MetersAnswer } },
  },
  'POST /api/v1/meters': {
    tag: 'Meters',
    summary: 'Declare a meter',
    body: { 'application/json': NewMeter },
    example: RULE,
    answers: { 201: { description: 'It is declared.', body: resources.Meter, headers: CREATED } },
    refusals: [409],
  },
  'POST /api/v1/meters/test': {
    tag: 'Meters',
    summary: 'What a rule would have counted in the last hours',
    description: 'Nothing is changed. One rule at a time, for 60 s at most.',
    body: { 'application/json': MetersTest },
    example: { rule: RULE, lastHours: 24 },
    answers: { 200: { description: 'The report.', body: resources.DryRunReport } },
    refusals: [429],
  },
  'POST /api/v1/meters/check': {
    tag: 'Meters',
    summary: 'What is wrong with a rule as it is written',
    description: 'Each fault at its line. Nothing is changed.',
    body: { 'application/json': MetersCheck },
    example: { text: 'id: orders\nsignals: [log]\n' },
    answers: { 200: { description: 'The rule, or what is wrong with it.', body: resources.CheckedRule } },
  },
  'GET /api/v1/meters/{id}': {
    tag: 'Meters',
    summary: 'One meter, with its latest rule or all of them',
    query: parameters.MeterParameters,
    answers: { 200: { description: 'The meter.', body: resources.Meter } },
    refusals: [404],
  },
  'PUT /api/v1/meters/{id}': {
    tag: 'Meters',
    summary: 'Declare a meter, or give it another rule',
    description: 'Holds for what comes from now on. The same rule again makes no version.',
    body: { 'application/json': MeterBody },
    example: { ...RULE, id: undefined, value: { path: 'attributes["amount"]' } },
    answers: {
      200: { description: 'It has this rule.', body: resources.Meter },
      201: { description: 'It is declared.', body: resources.Meter, headers: CREATED },
    },
    refusals: [409],
  },
  'DELETE /api/v1/meters/{id}': {
    tag: 'Meters',
    summary: 'Delete a meter',
    description: 'It claims nothing any more; usage that it counted stays.',
    answers: { 204: { description: 'It is deleted.' } },
    refusals: [404, 409],
  },
  'GET /api/v1/quarantine': {
    tag: 'Quarantine',
    summary: 'What is in quarantine, by reason',
    query: parameters.QuarantineParameters,
    answers: {
      200: {
        description: 'A row per reason, dimension, customer and meter.',
        body: quarantine.QuarantineAnswer,
      },
    },
  },
  'GET /api/v1/quarantine/reasons': {
    tag: 'Quarantine',
    summary: 'What each reason means, and what helps',
    description: 'Texts for people, which may change; codes do not.',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'All reasons there are.', body: quarantine.QuarantineReasonsAnswer } },
  },
  'GET /api/v1/quarantine/totals': {
    tag: 'Quarantine',
    summary: 'What is at stake, by reason, dimension and unit',
    query: parameters.QuarantineTotalsParameters,
    answers: {
      200: { description: 'A row per reason, as they apply.', body: quarantine.QuarantineTotalsAnswer },
    },
  },
  'GET /api/v1/quarantine/signals': {
    tag: 'Quarantine',
    summary: 'Single signals of quarantine, as they came',
    description: 'A page has at most 100.',
    query: parameters.QuarantineSignalsParameters,
    answers: {
      200: { description: 'In the order of the journal.', body: quarantine.QuarantineSignalsAnswer },
    },
  },
  'GET /api/v1/quarantine/resolved': {
    tag: 'Quarantine',
    summary: 'How many signals were settled',
    query: parameters.QuarantineParameters,
    answers: { 200: { description: 'By what became of them.', body: quarantine.ResolvedAnswer } },
  },
  'POST /api/v1/quarantine/replay': {
    tag: 'Quarantine',
    summary: 'Judge signals anew, or count them as you say',
    description: 'A correction needs a selection, by ids or by what they have in common.',
    body: { 'application/json': Replay },
    example: { reason: 'missing_customer', correction: { customerId: 'acme' }, note: 'ticket 4711' },
    answers: { 200: { description: 'What became of them.', body: quarantine.ReplayAnswer } },
  },
  'POST /api/v1/quarantine/dismiss': {
    tag: 'Quarantine',
    summary: 'Settle signals that are not to be counted',
    body: { 'application/json': Dismissal },
    example: { reason: 'time_in_future', note: 'a test machine with a wrong clock' },
    answers: { 200: { description: 'How many.', body: quarantine.DismissalAnswer } },
  },
  'POST /api/v1/periods/close': {
    tag: 'Periods',
    summary: 'Close a period, for one customer or all',
    body: { 'application/json': ClosePeriod },
    example: { customerId: 'acme', from: '2026-03-01', to: '2026-04-01' },
    answers: {
      200: {
        description: 'All customers, a dry run, or the statement that was made before.',
        body: periods.CloseAnswer,
      },
      201: { description: 'The customer’s statement.', body: periods.Statement, headers: CREATED },
    },
    refusals: [404, 409, 422],
  },
  'GET /api/v1/adjustments': {
    tag: 'Periods',
    summary: 'What came late for closed periods, and no statement has taken up yet',
    query: parameters.AdjustmentsParameters,
    answers: { 200: { description: 'By customer, period and dimension.', body: periods.AdjustmentsAnswer } },
  },
  'GET /api/v1/statements': {
    tag: 'Periods',
    summary: 'List statements',
    query: parameters.StatementsParameters,
    answers: { 200: { description: 'Newest first, or as `sort` says.', body: periods.StatementsAnswer } },
  },
  'GET /api/v1/statements/{id}': {
    tag: 'Periods',
    summary: 'One statement, as JSON, CSV or a page to print',
    query: parameters.StatementParameters,
    answers: {
      200: {
        description: 'The statement.',
        body: periods.Statement,
        types: ['text/csv', 'text/html'],
        headers: { ETag: 'For If-None-Match.' },
      },
      304: { description: 'It is as If-None-Match says.' },
    },
    refusals: [404],
  },
  'POST /api/v1/statements/{id}/reopen': {
    tag: 'Periods',
    summary: 'Re-open a statement',
    description: 'It states nothing any more, and stays.',
    body: { 'application/json': ReopenStatement },
    example: { note: 'the price was wrong' },
    answers: { 200: { description: 'The statement, re-opened.', body: periods.Statement } },
    refusals: [404, 409],
  },
  'GET /api/v1/audit': {
    tag: 'Periods',
    summary: 'Who changed what',
    query: parameters.AuditParameters,
    answers: { 200: { description: 'Newest first.', body: periods.AuditAnswer } },
  },
  'POST /api/v1/sql': {
    tag: 'SQL',
    summary: 'One SELECT over the lake',
    body: { 'application/json': SqlQuestion },
    example: { query: 'SELECT customer_id, sum(record_value) FROM usage_records GROUP BY ALL' },
    answers: {
      200: {
        description: 'Its rows, as they come.',
        body: server.SqlAnswer,
        types: ['text/csv', 'application/vnd.apache.parquet', 'application/vnd.apache.arrow.stream'],
        headers: { 'Usage-As-Of': 'When the lake that was asked was published.' },
      },
    },
  },
  'GET /api/v1/status': {
    tag: 'Receiver',
    summary: 'What the receiver is doing, how far it is, and what came in',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'The status.', body: server.Status } },
  },
  'GET /api/v1/overview': {
    tag: 'Receiver',
    summary: 'How it goes, at a glance',
    query: parameters.OverviewParameters,
    answers: { 200: { description: 'The overview.', body: server.Overview } },
  },
  'GET /api/v1/first-run': {
    tag: 'Receiver',
    summary: 'Whether anything has arrived, and what was refused',
    query: parameters.WaitingParameters,
    answers: { 200: { description: 'What is known.', body: server.FirstRun } },
  },
  'GET /api/v1/live': {
    tag: 'Receiver',
    summary: 'What comes in, as it comes',
    description:
      'Server-sent events: `listening`, `records` and `quarantined` (rows as GET /api/v1/records and ' +
      'GET /api/v1/quarantine/signals tell them, at most 20 a second, and `leftOut`), `heartbeat` (after ten seconds ' +
      'without them), `end`. 20 can listen at a time; who does not read is dropped.',
    query: parameters.LiveParameters,
    answers: { 200: { description: 'Events, without end.', types: ['text/event-stream'] } },
  },
  'GET /api/v1/openapi.json': {
    tag: 'Receiver',
    summary: 'This description',
    answers: { 200: { description: 'OpenAPI 3.1.', body: AnyObject } },
    isOpen: true,
  },
  'GET /healthz': {
    tag: 'Receiver',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'It does.', body: server.Health } },
    isOpen: true,
  },
  'GET /readyz': {
    tag: 'Receiver',
    summary: 'Whether usage is taken',
    answers: {
      200: { description: 'It is.', body: server.Ready },
      503: {
        description: 'It is not, just now.',
        body: server.NotReady,
        headers: { 'Retry-After': 'Seconds.' },
      },
    },
    isOpen: true,
  },
  'POST /v1/metrics': { ...OTLP, summary: 'Take metrics' },
  'POST /v1/logs': { ...OTLP, summary: 'Take log records' },
  'POST /v1/traces': { ...OTLP, summary: 'Take spans' },
} as const satisfies Readonly<Record<string, Operation>>;

/** Of the client: types alone. */
export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
