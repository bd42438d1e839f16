/** POST /api/v1/meters/test: what a rule would do to what came in the last hours. */
import { Router } from 'express';
import { z } from 'zod';
import { journalDryRun } from '../dry-run/journal-dry-run.ts';
import { MeterRule } from '../metering/rules/index.ts';
import { type ApiAccess, type ApiHandler, caughtUp, jsonBody, route, unavailable } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { ProblemError } from './problem.ts';

const PATH = '/meters/test';
/** Shorter than clients and proxies wait for an answer. */
const TIME_LIMIT_MS = 60_000;
const MAX_SIGNALS = 5_000_000;
const MAX_HOURS = 168;
const MAX_CUSTOMERS = 1_000;
const HOUR_NANO = 3_600_000_000_000n;

export interface MetersTestOptions {
  journalDirectory: string;
  /** Aborted when the receiver stops. */
  stopping: AbortSignal;
}

/** The body of POST /api/v1/meters/test. */
export const MetersTest = z.strictObject({
  rule: MeterRule,
  lastHours: z.number().positive().max(MAX_HOURS).default(24),
  maxSignals: z.int().min(1).max(MAX_SIGNALS).default(MAX_SIGNALS),
});

/** Comes before the routes of meters: under any other method, `test` is the id of one. */
export function metersTestRoutes(access: ApiAccess, options: MetersTestOptions): Router {
  const tests = new MeterTests(options);
  const router = Router({ caseSensitive: true });
  router.use((request, response, next) => {
    if (request.method !== 'POST' || request.path !== PATH) return next();
    // Whoever has gone does not want the report any more, and the next one must not wait for it.
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const once = Router();
    route(once, access, PATH, { POST: (asked) => tests.answer(asked, gone.signal) });
    once(request, response, next);
  });
  return router;
}

class MeterTests {
  readonly #options: MetersTestOptions;
  /** One at a time: it takes a core, and memory beside the receiver's own. */
  #isUnderWay = false;

  constructor(options: MetersTestOptions) {
    this.#options = options;
  }

  async answer(request: Parameters<ApiHandler>[0], gone: AbortSignal): ReturnType<ApiHandler> {
    const { rule, lastHours, maxSignals } = parseBody(MetersTest, jsonBody(request));
    if (this.#isUnderWay)
      throw new ProblemError(
        429,
        'DRY_RUN_UNDER_WAY',
        'another rule is being tested: one at a time, ask again in a moment',
      );
    this.#isUnderWay = true;
    const { journalDirectory, stopping } = this.#options;
    try {
      const { ingest } = request;
      await caughtUp(ingest);
      const registry = await ingest.ledger.registry();
      const nowUnixNano = BigInt(Date.now()) * 1_000_000n;
      const report = await journalDryRun(
        {
          rule,
          registry,
          journal: {
            directory: journalDirectory,
            fromUnixNano: nowUnixNano - (BigInt(Math.round(lastHours * 1000)) * HOUR_NANO) / 1000n,
            throughSequence: ingest.journal.durableSequence,
          },
          maxSignals,
          timeLimitMs: TIME_LIMIT_MS,
          maxCustomers: MAX_CUSTOMERS,
        },
        AbortSignal.any([stopping, gone]),
      );
      return { status: 200, body: report };
    } catch (error) {
      if (stopping.aborted) throw unavailable('the receiver is stopping');
      throw error;
    } finally {
      this.#isUnderWay = false;
    }
  }
}
