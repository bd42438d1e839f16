/** The questions that the ledger answers, and the one place that runs them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import {
  customerZones,
  draftStatements,
  type StatementDraftsAnswer,
  type StatementDraftsQuery,
} from '../periods/statement-drafts.ts';
import type { Customer, Dimension } from '../resources.ts';
import { type AdjustmentsAnswer, type AdjustmentsQuery, queryAdjustments } from './adjustments-query.ts';
import { type AuditAnswer, type AuditQuery, queryAudit } from './audit-query.ts';
import { type LedgerCounts, queryCounts } from './counts-query.ts';
import {
  type CustomersAnswer,
  type CustomersQuery,
  queryCustomer,
  queryCustomers,
} from './customers-query.ts';
import {
  type DimensionsAnswer,
  type DimensionsQuery,
  queryDimension,
  queryDimensions,
} from './dimensions-query.ts';
import type { Origins } from './explain-origins.ts';
import { type ExplainAnswer, type ExplainQuery, queryExplain } from './explain-query.ts';
import { queryRecordOrigin } from './explain-records.ts';
import { type LiveAnswer, type LiveQuery, queryLive } from './live-query.ts';
import { type MeterTotalsAnswer, type MeterTotalsQuery, queryMeterTotals } from './meter-totals-query.ts';
import { type MeterUse, type MeterUseQuery, queryMeterUse } from './meter-use-query.ts';
import {
  type MetersAnswer,
  type MetersQuery,
  queryMeter,
  queryMeters,
  type StoredMeterWithVersions,
} from './meters-query.ts';
import {
  type FirstRunAnswer,
  type OverviewAnswer,
  type OverviewQuery,
  queryFirstRun,
  queryOverview,
} from './overview-query.ts';
import type { QuarantineFilter } from './quarantine-filter.ts';
import { type QuarantineAnswer, type QuarantineQuery, queryQuarantine } from './quarantine-query.ts';
import {
  type QuarantineReferencesAnswer,
  type QuarantineResolutions,
  type QuarantineSignalsAnswer,
  type QuarantineSignalsQuery,
  queryQuarantineReferences,
  queryQuarantineResolutions,
  queryQuarantineSignals,
} from './quarantine-signals-query.ts';
import { type QuarantineTotalsAnswer, queryQuarantineTotals } from './quarantine-totals-query.ts';
import {
  type EventKeysAnswer,
  type EventKeysQuery,
  queryEventKeys,
  queryRecord,
  type StoredUsageRecord,
} from './record-query.ts';
import { queryRecords, type RecordsAnswer, type RecordsQuery } from './records-query.ts';
import {
  queryStatement,
  queryStatements,
  type StatementsAnswer,
  type StatementsQuery,
  type StoredStatement,
} from './statements-query.ts';
import {
  queryUsagePresence,
  type UsagePresenceAnswer,
  type UsagePresenceQuery,
} from './usage-presence-query.ts';
import { queryUsage, type UsageAnswer, type UsageQuery } from './usage-query.ts';

/** Each question by its type: what it asks, and what it is answered with. All of it is plain data. */
interface Questions {
  usage: { query: UsageQuery; answer: UsageAnswer };
  explain: { query: ExplainQuery; answer: ExplainAnswer };
  records: { query: RecordsQuery; answer: RecordsAnswer };
  /** By record id; null where there is none. */
  record: { query: string; answer: StoredUsageRecord | null };
  /** By record id: one record, with what it refers to; null where there is none. */
  recordOrigin: { query: string; answer: Origins | null };
  eventKeys: { query: EventKeysQuery; answer: EventKeysAnswer };
  hasUsage: { query: UsagePresenceQuery; answer: UsagePresenceAnswer };
  quarantine: { query: QuarantineQuery; answer: QuarantineAnswer };
  quarantineTotals: { query: QuarantineFilter; answer: QuarantineTotalsAnswer };
  quarantineSignals: { query: QuarantineSignalsQuery; answer: QuarantineSignalsAnswer };
  quarantineReferences: { query: QuarantineSignalsQuery; answer: QuarantineReferencesAnswer };
  quarantineResolutions: { query: QuarantineFilter; answer: QuarantineResolutions };
  customers: { query: CustomersQuery; answer: CustomersAnswer };
  /** By id; null where there is none. */
  customer: { query: string; answer: Customer | null };
  dimensions: { query: DimensionsQuery; answer: DimensionsAnswer };
  /** By id; null where there is none. */
  dimension: { query: string; answer: Dimension | null };
  meters: { query: MetersQuery; answer: MetersAnswer };
  /** By id; null where there is none. */
  meter: { query: string; answer: StoredMeterWithVersions | null };
  meterTotals: { query: MeterTotalsQuery; answer: MeterTotalsAnswer };
  meterUse: { query: MeterUseQuery; answer: MeterUse[] };
  counts: { query?: undefined; answer: LedgerCounts };
  statementDrafts: { query: StatementDraftsQuery; answer: StatementDraftsAnswer };
  customerZones: { query?: undefined; answer: string[] };
  statements: { query: StatementsQuery; answer: StatementsAnswer };
  /** By id; null where there is none. */
  statement: { query: string; answer: StoredStatement | null };
  adjustments: { query: AdjustmentsQuery; answer: AdjustmentsAnswer };
  audit: { query: AuditQuery; answer: AuditAnswer };
  live: { query: LiveQuery; answer: LiveAnswer };
  overview: { query: OverviewQuery; answer: OverviewAnswer };
  firstRun: { query?: undefined; answer: FirstRunAnswer };
}

/**
 * Plain data, for the way to the ledger thread. Up to when an answer is complete is known to whoever asked and
 * waited: they put `completeUntil` beside it.
 */
export type QueryRequest = {
  [Type in keyof Questions]: { type: Type } & Pick<Questions[Type], 'query'>;
}[keyof Questions];

/** What a request is answered with. */
export type QueryAnswer<Request extends QueryRequest> = Questions[Request['type']]['answer'];

/**
 * Answers a request from one snapshot of the ledger. Several may run on one connection at a time.
 * @throws Error of DuckDB: a request that was parsed has nothing left to refuse
 */
export async function runQuery<Request extends QueryRequest>(
  connection: DuckDBConnection,
  request: Request,
): Promise<QueryAnswer<Request>> {
  const answer = async (one: QueryRequest): Promise<Questions[keyof Questions]['answer']> => {
    switch (one.type) {
      case 'usage':
        return await queryUsage(connection, one.query);
      case 'explain':
        return await queryExplain(connection, one.query);
      case 'records':
        return await queryRecords(connection, one.query);
      case 'record':
        return await queryRecord(connection, one.query);
      case 'recordOrigin':
        return await queryRecordOrigin(connection, one.query);
      case 'eventKeys':
        return await queryEventKeys(connection, one.query);
      case 'hasUsage':
        return await queryUsagePresence(connection, one.query);
      case 'quarantine':
        return await queryQuarantine(connection, one.query);
      case 'quarantineTotals':
        return await queryQuarantineTotals(connection, one.query);
      case 'quarantineSignals':
        return await queryQuarantineSignals(connection, one.query);
      case 'quarantineReferences':
        return await queryQuarantineReferences(connection, one.query);
      case 'quarantineResolutions':
        return await queryQuarantineResolutions(connection, one.query);
      case 'customers':
        return await queryCustomers(connection, one.query);
      case 'customer':
        return await queryCustomer(connection, one.query);
      case 'dimensions':
        return await queryDimensions(connection, one.query);
      case 'dimension':
        return await queryDimension(connection, one.query);
      case 'meters':
        return await queryMeters(connection, one.query);
      case 'meter':
        return await queryMeter(connection, one.query);
      case 'meterTotals':
        return await queryMeterTotals(connection, one.query);
      case 'meterUse':
        return await queryMeterUse(connection, one.query);
      case 'counts':
        return await queryCounts(connection);
      case 'statementDrafts':
        return await draftStatements(connection, one.query);
      case 'customerZones':
        return await customerZones(connection);
      case 'statements':
        return await queryStatements(connection, one.query);
      case 'statement':
        return await queryStatement(connection, one.query);
      case 'adjustments':
        return await queryAdjustments(connection, one.query);
      case 'audit':
        return await queryAudit(connection, one.query);
      case 'live':
        return await queryLive(connection, one.query);
      case 'overview':
        return await queryOverview(connection, one.query);
      case 'firstRun':
        return await queryFirstRun(connection);
    }
  };
  return (await answer(request)) as QueryAnswer<Request>;
}

export type {
  PeriodConflict,
  StatementDraft,
  StatementDraftsAnswer,
  StatementDraftsQuery,
} from '../periods/statement-drafts.ts';
export {
  type AdjustmentsAnswer,
  type AdjustmentsQuery,
  type PendingAdjustment,
  parseAdjustmentsQuery,
} from './adjustments-query.ts';
export {
  AUDIT_KINDS,
  type AuditAnswer,
  type AuditEntry,
  type AuditQuery,
  parseAuditQuery,
} from './audit-query.ts';
export type { LedgerCounts } from './counts-query.ts';
export { type CustomersAnswer, type CustomersQuery, parseCustomersQuery } from './customers-query.ts';
export { type DimensionsAnswer, type DimensionsQuery, parseDimensionsQuery } from './dimensions-query.ts';
export type {
  CorrectedSignal,
  CumulativeReading,
  MeterInForce,
  OriginSeries,
  Origins,
  ReadingOrigin,
  RecordFlag,
  RecordOrigin,
} from './explain-origins.ts';
export type { ExplainPart } from './explain-parts.ts';
export { type ExplainAnswer, type ExplainQuery, parseExplainQuery } from './explain-query.ts';
export type { CarriedLevel, ExplainedRecord } from './explain-records.ts';
export type { ExplainStep } from './explain-steps.ts';
export type { LiveAnswer, LiveQuery } from './live-query.ts';
export type {
  MeterQuarantine,
  MeterTotal,
  MeterTotalsAnswer,
  MeterTotalsQuery,
} from './meter-totals-query.ts';
export type { MeterUse, MeterUseQuery } from './meter-use-query.ts';
export {
  type MetersAnswer,
  type MetersQuery,
  type MeterVersion,
  parseMetersQuery,
  type StoredMeter,
  type StoredMeterWithVersions,
} from './meters-query.ts';
export type {
  FirstRunAnswer,
  InstantRange,
  OverviewAnswer,
  OverviewQuery,
} from './overview-query.ts';
export { type QuarantineFilter, signalId, signalReference } from './quarantine-filter.ts';
export {
  parseQuarantineQuery,
  type QuarantineAnswer,
  type QuarantineQuery,
  type QuarantineRow,
} from './quarantine-query.ts';
export {
  parseQuarantineSignalsQuery,
  type QuarantinedSignal,
  type QuarantineReferencesAnswer,
  type QuarantineResolutions,
  type QuarantineSignalsAnswer,
  type QuarantineSignalsQuery,
  type Resolution,
} from './quarantine-signals-query.ts';
export {
  parseQuarantineTotalsQuery,
  type QuarantineTotal,
  type QuarantineTotalsAnswer,
} from './quarantine-totals-query.ts';
export { QueryError, type QueryErrorCode } from './query-error.ts';
export {
  type EventKeysAnswer,
  type EventKeysQuery,
  MAX_EVENT_KEYS,
  type StoredUsageRecord,
  type VoidedRecord,
} from './record-query.ts';
export { parseRecordsQuery, type RecordsAnswer, type RecordsQuery } from './records-query.ts';
export type { ResourceList, ResourceListQuery } from './resource-list.ts';
export {
  parseStatementsQuery,
  type Reopening,
  STATEMENT_ORDERS,
  type StatementRow,
  type StatementsAnswer,
  type StatementsQuery,
  type StoredStatement,
} from './statements-query.ts';
export type { UsagePresenceAnswer, UsagePresenceQuery } from './usage-presence-query.ts';
export { parseUsageQuery, type UsageAnswer, type UsageQuery, type UsageRow } from './usage-query.ts';
export type { UsageRecord } from './usage-record.ts';
export {
  LIST_ORDERS,
  MAX_ACTIVITY_DAYS,
  takeActivity,
  type Used,
  type UsedList,
  type UsedListQuery,
} from './used-resources.ts';
