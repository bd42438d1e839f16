/** What came into the ledger since a frame: GET /api/v1/live asks it again and again. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { filterConditions, type QuarantineFilter } from './quarantine-filter.ts';
import { type QuarantinedSignal, queryQuarantineSignals } from './quarantine-signals-query.ts';
import { BoundValues, filterKeys, keyConditions, matchesNothing } from './statement.ts';
import { RECORD_COLUMNS, toUsageRecord, type UsageRecord, withNames } from './usage-record.ts';

/** Plain data: it may be posted to another thread. */
export interface LiveQuery {
  /** What frames behind this one brought. */
  afterSequence: number;
  /** Any of these; null = all. */
  customerIds: string[] | null;
  /** Any of these; null = all. */
  dimensionIds: string[] | null;
  /** Records and signals at most, each. */
  limit: number;
}

export interface LiveAnswer {
  /** Up to this frame: the next question asks for what is behind it. */
  throughSequence: number;
  /** The last ones that came, in the order in which they came, as GET /api/v1/records tells them. */
  records: UsageRecord[];
  /** Records that came before these and are left out. */
  recordsLeftOut: number;
  /** The first signals that went to quarantine, as GET /api/v1/quarantine/signals tells them. */
  quarantined: QuarantinedSignal[];
  quarantinedLeftOut: number;
}

/** Of a place in the journal, behind every signal of a frame. */
const LAST_ORDINAL = 2 ** 31 - 1;

/** Corrections and increments are records, too; what is void already is none. */
export async function queryLive(connection: DuckDBConnection, query: LiveQuery): Promise<LiveAnswer> {
  const { afterSequence, limit } = query;
  const position = await connection.runAndReadAll('SELECT sequence FROM stored.position');
  const throughSequence = Math.max(afterSequence, Number(position.getRows()[0][0]));
  // Of later frames, not everything is stored yet.
  const isNew = (column: string) => `${column} > ${afterSequence} AND ${column} <= ${throughSequence}`;
  const answer: LiveAnswer = {
    throughSequence,
    records: [],
    recordsLeftOut: 0,
    quarantined: [],
    quarantinedLeftOut: 0,
  };
  const keys = await filterKeys(connection, { ...query, metadata: [] });
  if (!matchesNothing(keys)) {
    const where = [isNew('sequence'), 'voided_by IS NULL', ...keyConditions(keys)].join(' AND ');
    const [[count]] = (
      await connection.runAndReadAll(`SELECT count(*) FROM stored.usage WHERE ${where}`)
    ).getRows();
    if (Number(count) > 0) {
      const reader = await connection.runAndReadAll(
        `WITH newest AS (FROM stored.usage WHERE ${where} ORDER BY sequence DESC, time DESC LIMIT ${limit})
        SELECT ${RECORD_COLUMNS} FROM ${withNames('newest')} ORDER BY u.sequence, u.time`,
      );
      answer.records = reader.getRows().map(toUsageRecord);
    }
    answer.recordsLeftOut = Number(count) - answer.records.length;
  }

  const filter: QuarantineFilter = {
    ...EVERYTHING,
    customerIds: query.customerIds,
    dimensionIds: query.dimensionIds,
  };
  const bound = new BoundValues();
  const conditions = [isNew('q.sequence'), `resolution = 'open'`, ...filterConditions(filter, bound)];
  const [[signals]] = (
    await connection.runAndReadAll(
      `SELECT count(*) FROM stored.quarantine q WHERE ${conditions.join(' AND ')}`,
      bound.values,
    )
  ).getRows();
  if (Number(signals) > 0) {
    const { rows } = await queryQuarantineSignals(connection, {
      ...filter,
      resolution: 'open',
      signals: null,
      limit,
      after: [String(afterSequence), String(LAST_ORDINAL), ''],
    });
    answer.quarantined = rows.filter(({ sequence }) => sequence <= throughSequence);
  }
  answer.quarantinedLeftOut = Number(signals) - answer.quarantined.length;
  return answer;
}

const EVERYTHING: QuarantineFilter = {
  customerIds: null,
  dimensionIds: null,
  meterIds: null,
  reasons: null,
  metadata: [],
  from: null,
  to: null,
  timeFrom: null,
  timeTo: null,
};
