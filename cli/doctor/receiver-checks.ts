/** How a running receiver is, by what it says over HTTP. */
import { z } from 'zod';
import { ReceiverClient, ReceiverError } from '../http-client.ts';
import { counted, number } from '../text-table.ts';
import { type Check, fail, messageOf, ok, warn } from './check.ts';

const PROBE_TIMEOUT_MS = 5_000;
const CLOCK_WARN_MS = 5_000;

const Status = z.looseObject({
  state: z.string(),
  diskIsFull: z.boolean(),
  journal: z.looseObject({ durableSequence: z.int() }),
  ledger: z.looseObject({ sequence: z.int(), completeUntil: z.string() }),
  counts: z.looseObject({ records: z.int(), quarantined: z.int() }),
  settings: z.looseObject({ maxFutureSeconds: z.int() }),
});
export type Status = z.infer<typeof Status>;

/** @param apiKey undefined: none */
export async function receiverChecks(url: string, apiKey: string | undefined): Promise<Check[]> {
  let health: Response;
  try {
    health = await fetch(`${url}/healthz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      redirect: 'error',
    });
    await health.arrayBuffer();
  } catch (error) {
    const detail = `${url} does not answer: ${messageOf((error as Error).cause ?? error)}`;
    return [fail('receiver', detail, 'start it with usage-meter serve, or say where it is with --url')];
  }
  if (!health.ok) {
    const detail = `${url} answers ${health.status}: this is no receiver`;
    return [fail('receiver', detail, 'say where it is with --url; a Collector may have its port')];
  }
  const skewMs = Date.parse(health.headers.get('Date') ?? '') - Date.now();
  const client = new ReceiverClient({ url, apiKey, patienceMs: 0 });
  try {
    const { status, body } = await client.request({
      method: 'GET',
      path: '/api/v1/status',
      isRepeatable: true,
    });
    if (status !== 200) {
      const detail = `${url} answers ${status} to /api/v1/status`;
      return [fail('receiver', detail, 'use the usage-meter of the release that runs there')];
    }
    const known = Status.parse(body);
    return [...statusChecks(url, known), skewCheck(skewMs, known.settings.maxFutureSeconds)];
  } catch (error) {
    if (error instanceof ReceiverError && error.code === 'UNAUTHORIZED')
      return [
        fail('receiver', messageOf(error), 'set USAGE_METER_API_KEY to one of its USAGE_METER_API_KEYS'),
      ];
    if (error instanceof ReceiverError)
      return [
        fail('receiver', messageOf(error), 'it recovers or stops: ask again in a moment, or read its log'),
      ];
    return [
      fail(
        'receiver',
        `${url} answers otherwise than this release expects`,
        'use the usage-meter of its release',
      ),
    ];
  }
}

/** What it says of itself. (Pure.) */
export function statusChecks(url: string, { state, diskIsFull, journal, ledger, counts }: Status): Check[] {
  const checks: Check[] = [];
  if (diskIsFull) {
    const detail = `${url} refuses usage: its disk is full`;
    checks.push(fail('receiver', detail, 'free some disk; clients send again what was refused'));
  } else if (state !== 'ready') {
    checks.push(fail('receiver', `${url} is ${state}`, 'wait; its log says how far it is'));
  } else checks.push(ok('receiver', `${url} is ready, ${counted(counts.records, 'record')}`));
  const behind = journal.durableSequence - ledger.sequence;
  checks.push(
    behind <= 1_000
      ? ok('ledger', `${number(behind)} requests behind the journal, complete until ${ledger.completeUntil}`)
      : warn(
          'ledger',
          `${number(behind)} requests behind the journal, complete until ${ledger.completeUntil}`,
          'nothing is lost; if it grows, usage comes faster than this machine loads it',
        ),
  );
  checks.push(
    counts.quarantined === 0
      ? ok('quarantine', 'empty')
      : warn(
          'quarantine',
          `${counted(counts.quarantined, 'signal')} claimed as usage and not counted`,
          'usage-meter quarantine list says why',
        ),
  );
  return checks;
}

/** @param skewMs by how much its clock is ahead; HTTP tells whole seconds (Pure.) */
export function skewCheck(skewMs: number, maxFutureSeconds: number): Check {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Number.isNaN(skewMs) || Math.abs(skewMs) < CLOCK_WARN_MS)
    return ok('clock', 'that of the receiver and that of this machine agree');
  const detail = `the receiver's is ${counted(seconds, 'second')} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  const advice = 'set both by NTP';
  return seconds < maxFutureSeconds
    ? warn('clock', detail, advice)
    : fail('clock', detail, `${advice}: signals further than ${maxFutureSeconds} s ahead are not counted`);
}
