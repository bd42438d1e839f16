/** /api/v1/usage/explain and /api/v1/records/ID/signal: why usage is what it is, down to the bytes that came. */
import type { Router } from 'express';
import {
  type ExplainQuery,
  parseExplainQuery,
  type RecordOrigin,
  signalReference,
} from '../../storage/query/index.ts';
import { invalid } from '../../storage/query/parameters.ts';
import { type RecordSignals, recordSignals } from '../explain/record-signals.ts';
import { correctionKey, replacementKey } from '../metering/event-metering.ts';
import { type ApiAccess, type ApiAnswer, type ApiRequest, route } from './api-routes.ts';
import { ProblemError } from './problem.ts';
import { millisecondText, type Params, settledUntil, takeFreshness, waited } from './questions.ts';
import { notFound } from './resource-rules.ts';

/** Records of one page that are shown with their signals: each may stand in a frame of its own. */
const MAX_SHOWN = 100;
/** Bytes that are shown of a signal: of one that is asked for, and of each on a page. */
const MAX_BYTES = 1 << 20;
const MAX_BYTES_ON_PAGE = 1 << 14;

export function explainRoutes(router: Router, access: ApiAccess): void {
  route(router, access, '/usage/explain', { GET: explain });
  route(router, access, '/records/:recordId/signal', { GET: signal });
}

async function explain({ params, ingest }: ApiRequest): Promise<ApiAnswer> {
  const { rest, fresh } = takeFreshness(params);
  const { withSignals, others } = takeSignals(rest);
  const query: ExplainQuery = parseExplainQuery(others);
  if (withSignals) query.limit = Math.min(query.limit, MAX_SHOWN);
  const settled = await settledUntil(ingest, fresh);
  // Levels hold until then; all pages are of the state of the first.
  query.usage.completeUntil = query.after?.completeUntil ?? settled;
  const answer = await ingest.ledger.query({ type: 'explain', query });
  const signals = withSignals
    ? await recordSignals(ingest, answer.records, answer.meters, MAX_BYTES_ON_PAGE)
    : null;
  const { carriedIn } = answer;
  return {
    status: 200,
    body: {
      ...answer,
      carriedIn: carriedIn === null ? null : { ...carriedIn, record: linked(carriedIn.record) },
      records: answer.records.map((record, i) => ({ ...linked(record), ...signals?.[i] })),
      completeUntil: millisecondText(query.usage.completeUntil),
    },
  };
}

async function signal(request: ApiRequest): Promise<ApiAnswer> {
  await waited(request);
  const { ingest, path } = request;
  const { recordId } = path;
  const origins = await ingest.ledger.query({ type: 'recordOrigin', query: recordId });
  if (origins === null) throw notFound('record', recordId);
  const [found] = await recordSignals(ingest, origins.records, origins.meters, MAX_BYTES);
  refuseGone(recordId, found);
  const { records, series, meters } = origins;
  return { status: 200, body: { record: linked(records[0]), ...found, series: series[0], meters } };
}

/** @throws ProblemError 410 */
function refuseGone(recordId: string, { signal }: RecordSignals): void {
  if (!('gone' in signal)) return;
  const code = signal.gone === 'released' ? 'SIGNAL_RELEASED' : 'SIGNAL_LOST';
  throw new ProblemError(410, code, `record ${recordId} still counts, but ${signal.detail}`);
}

/** The record with what exactly it stands for: of all that its frame has settled or taken back, its own. */
function linked({ replaces, corrects, ...record }: RecordOrigin) {
  const { eventKey, sequence } = record;
  return {
    ...record,
    replaces: replaces.find((recordId) => replacementKey(recordId, sequence) === eventKey) ?? null,
    corrects:
      corrects.find(({ id }) => {
        const { sequence: origin, ordinal, meterId } = signalReference(id)!;
        return correctionKey(origin, ordinal, meterId) === eventKey;
      }) ?? null,
  };
}

function takeSignals(params: Params): { withSignals: boolean; others: Params } {
  const others: Params = [];
  let withSignals = false;
  for (const [name, value] of params) {
    if (name !== 'signals') others.push([name, value]);
    else if (value === 'true' || value === 'false') withSignals = value === 'true';
    else throw invalid('signals', 'signals must be true or false', value);
  }
  return { withSignals, others };
}
