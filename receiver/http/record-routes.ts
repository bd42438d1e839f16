/**
 * /api/v1/records: usage records as stored, and corrections of them.
 *
 * Nothing that was stored is changed: a voided record stays, says why it does not count, and names nothing else than
 * what took its place.
 */
import type { Router } from 'express';
import type { RecordInput } from '../../storage/changes.ts';
import { parseRecordsQuery, type StoredUsageRecord } from '../../storage/query/index.ts';
import { instantFromText, textFromInstant } from '../../storage/query/instant.ts';
import { type Ingest, RecordsRefused } from '../ingest.ts';
import { replacementKey } from '../metering/event-metering.ts';
import {
  type ApiAccess,
  type ApiAnswer,
  type ApiRequest,
  caughtUp,
  mediaType,
  route,
  utf8Body,
} from './api-routes.ts';
import { invalidFields, ProblemError } from './problem.ts';
import { question, waited } from './questions.ts';
import { refusalErrors } from './record-refusal.ts';
import { notFound } from './resource-rules.ts';
import type { Turns } from './turns.ts';
import { type Amendment, readAmendment, readReason } from './usage-body.ts';
import { newRecord, shownRecord } from './usage-writes.ts';

export function recordRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  route(router, access, '/records', {
    GET: question((params) => ({ type: 'records', query: parseRecordsQuery(params) })),
  });
  route(router, access, '/records/:recordId', {
    GET: async (request) => {
      await waited(request);
      return { status: 200, body: shownRecord(await find(request.ingest, request.path.recordId)) };
    },
  });
  route(router, access, '/records/:recordId/void', {
    POST: async (request) => {
      const reason = readReason(jsonText(request));
      return await writes.take(() => correct(request.ingest, request.path.recordId, { reason }, true));
    },
  });
  route(router, access, '/records/:recordId/amend', {
    POST: async (request) => {
      const amendment = readAmendment(jsonText(request));
      return await writes.take(() => correct(request.ingest, request.path.recordId, amendment, false));
    },
  });
}

/** @throws ProblemError 415 */
function jsonText({ headers, body }: ApiRequest): string {
  if (mediaType(headers['content-type']) === 'application/json') return utf8Body(body);
  const detail = `Content-Type must be application/json (got "${headers['content-type'] ?? ''}")`;
  throw new ProblemError(415, 'UNSUPPORTED_MEDIA_TYPE', detail);
}

/** @throws ProblemError 404 */
async function find(ingest: Ingest, recordId: string): Promise<StoredUsageRecord> {
  const record = await ingest.ledger.query({ type: 'record', query: recordId });
  if (record === null) throw notFound('record', recordId);
  return record;
}

async function correct(
  ingest: Ingest,
  recordId: string,
  amendment: Amendment,
  isVoid: boolean,
): Promise<ApiAnswer> {
  await caughtUp(ingest);
  const record = await find(ingest, recordId);
  refuseCorrected(record);
  const { reason } = amendment;
  const replacement = isVoid ? null : amended(record, amendment);
  const timeUnixNano = String(instantFromText(record.timestamp, 'UTC'));
  const { registry } = ingest;
  // As interpretation sees it, which begins in this turn of the event loop.
  const unit = replacement === null ? '' : (registry.unitOf(replacement.dimensionId) ?? '1');
  const { sequence, receivedAtUnixNano } = await written(ingest, replacement, () =>
    ingest.change({ changes: [{ type: 'record_corrected', recordId, timeUnixNano, reason, replacement }] }),
  );
  const voided = {
    reason,
    replaced: replacement !== null,
    at: textFromInstant(receivedAtUnixNano),
    sequence,
  };
  return {
    status: 200,
    body: {
      record: shownRecord({ ...record, voided }),
      replacement:
        replacement === null
          ? null
          : newRecord(replacement, unit, replacementKey(recordId, sequence), registry),
    },
  };
}

/** @throws ProblemError 409 */
function refuseCorrected({ recordId, kind, voided }: StoredUsageRecord): void {
  if (voided !== null) {
    const how = voided.replaced ? 'amended' : 'voided';
    const why = JSON.stringify(voided.reason);
    const detail = `record ${recordId} was ${how} at ${voided.at} (journal frame ${voided.sequence}), because: ${why}`;
    throw new ProblemError(409, 'ALREADY_CORRECTED', detail);
  }
  if (kind !== 'record')
    throw new ProblemError(
      409,
      'RUNNING_TOTAL',
      `record ${recordId} is what a reading added to a running total, which the next reading would add again: record a ` +
        'credit instead, a negative recordValue in a dimension with creditsAllowed',
    );
}

function amended(record: StoredUsageRecord, amendment: Amendment): RecordInput {
  const { customerId, dimensionId, recordValue, timestamp, startTime, metadata } = record;
  const nano = (text: string | undefined) =>
    text === undefined ? 0n : (instantFromText(text, 'UTC') as bigint);
  return {
    customerId: amendment.customerId ?? customerId,
    dimensionId: amendment.dimensionId ?? dimensionId,
    recordValue: amendment.recordValue ?? recordValue,
    timeUnixNano: String(amendment.timeUnixNano ?? nano(timestamp)),
    startUnixNano: String(amendment.startUnixNano ?? nano(startTime)),
    metadata: amendment.metadata ?? metadata,
    id: null,
  };
}

/** @throws ProblemError 400 where the replacement cannot be counted */
async function written<T>(
  ingest: Ingest,
  replacement: RecordInput | null,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof RecordsRefused) || replacement === null) throw error;
    throw invalidFields(refusalErrors(error.faults[0].reason, replacement, '', ingest.registry));
  }
}
