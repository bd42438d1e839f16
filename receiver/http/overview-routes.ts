/** /api/v1/overview and /api/v1/first-run: how it goes at a glance, and why nothing has arrived yet. */
import type { Router } from 'express';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import type { InstantRange } from '../../storage/query/index.ts';
import type { Ingest } from '../ingest.ts';
import { type ApiAccess, type ApiRequest, route } from './api-routes.ts';
import { millisecondText, nowUnixNano, waited } from './questions.ts';

/** Customers of an overview at most. */
export const MAX_TOP = 100;
const DEFAULT_TOP = 10;
const DAY_NANO = 86_400_000_000_000n;
/** Behind by more, answers are late enough for people to notice. */
const LATE_SECONDS = 10;
const LATE_LAKE_SECONDS = 60;

export const OVERVIEW_PROBLEMS = ['not_ready', 'disk_full', 'ledger_behind', 'lake_behind'] as const;
type OverviewProblem = (typeof OVERVIEW_PROBLEMS)[number];

const top = z
  .string()
  .regex(/^\d{1,3}$/, { error: `top must be a whole number from 1 to ${MAX_TOP}` })
  .transform(Number)
  .refine((value) => value >= 1 && value <= MAX_TOP, {
    error: `top must be a whole number from 1 to ${MAX_TOP}`,
  });

export function overviewRoutes(router: Router, access: ApiAccess): void {
  route(router, access, '/overview', {
    GET: async (request) => ({ status: 200, body: await overview(request, access) }),
  });
  route(router, access, '/first-run', {
    GET: async (request) => {
      await atOnce(request);
      const { hasRecords, quarantine } = await request.ingest.ledger.query({ type: 'firstRun' });
      const { metrics, logs, spans } = access.counters;
      return {
        status: 200,
        body: {
          hasRecords,
          received: { metrics, logs, spans },
          refused: access.refused.list(),
          quarantine,
          apiKeyRequired: access.apiKeyRequired,
        },
      };
    },
  });
}

/** Unless asked otherwise, what is there is shown at once. */
async function atOnce(request: ApiRequest, names: readonly string[] = []) {
  return await waited({ ...request, params: [['freshness', 'available'], ...request.params] }, names);
}

async function overview(request: ApiRequest, access: ApiAccess) {
  const { ingest } = request;
  const parameters = await atOnce(request, ['from', 'to', 'timeZone', 'top']);
  const timeZone = parameters.timeZone();
  const now = nowUnixNano();
  const hasRange = parameters.has('from') || parameters.has('to');
  const range = hasRange ? parameters.range(timeZone) : { from: now - DAY_NANO, to: now };
  const query = {
    today: dayOf(now, timeZone),
    range,
    top: parameters.one('top', top) ?? DEFAULT_TOP,
  };
  const [answer, counts] = await Promise.all([
    ingest.ledger.query({ type: 'overview', query }),
    ingest.ledger.query({ type: 'counts' }),
  ]);
  const { recordsToday, topCustomers, quarantine } = answer;
  const { state, diskIsFull } = access.state();
  const freshness = freshnessOf(ingest, now);
  const lake = lakeOf(access, now);
  const problems: OverviewProblem[] = [];
  if (state !== 'ready') problems.push('not_ready');
  if (diskIsFull) problems.push('disk_full');
  if (freshness.behindSeconds > LATE_SECONDS) problems.push('ledger_behind');
  if (lake !== null && lake.behindSeconds > LATE_LAKE_SECONDS) problems.push('lake_behind');
  return {
    health: { state, problems },
    ingest: rateOf(ingest, now),
    freshness,
    counts,
    recordsToday,
    topCustomers,
    quarantine,
    disk: { freeBytes: access.freeDiskBytes(), journalBytes: ingest.journal.bytesOnDisk },
    lake,
  };
}

function rateOf(ingest: Ingest, now: bigint) {
  const second = Number(now / 1_000_000_000n);
  const perSecond = ingest.taken.before(second);
  const lastMinute = perSecond.slice(-60).reduce((sum, count) => sum + count, 0);
  return {
    perSecond: lastMinute / 60,
    series: perSecond,
    seriesUntil: new Date(second * 1000).toISOString(),
  };
}

function freshnessOf(ingest: Ingest, now: bigint) {
  const completeUntil = ingest.completeUntil();
  return {
    completeUntil: millisecondText(completeUntil),
    behindSeconds: secondsBetween(completeUntil, now),
    unloadedRows: ingest.unloadedRows,
    unloadedBytes: ingest.journal.bytesAfter(ingest.ledger.position),
  };
}

/** The lake is behind since it had everything the last time; not while it has everything. */
function lakeOf(access: ApiAccess, now: bigint) {
  const lake = access.lake();
  if (lake === null) return null;
  const { completeAt, isComplete } = lake;
  return {
    completeUntil: completeAt === null ? null : completeAt.toISOString(),
    behindSeconds:
      isComplete || completeAt === null ? 0 : secondsBetween(BigInt(completeAt.getTime()) * 1_000_000n, now),
  };
}

function secondsBetween(from: bigint, to: bigint): number {
  return Math.max(0, Number((to - from) / 1_000_000n) / 1000);
}

function dayOf(now: bigint, timeZone: string): InstantRange {
  const day = Temporal.Instant.fromEpochNanoseconds(now).toZonedDateTimeISO(timeZone).toPlainDate();
  const startOf = (date: Temporal.PlainDate) => date.toZonedDateTime(timeZone).epochNanoseconds;
  return { from: startOf(day), to: startOf(day.add({ days: 1 })) };
}
