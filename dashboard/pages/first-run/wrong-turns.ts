/** Why nothing has arrived: what was refused or not counted, and what to change. (Pure.) */
import type { AnswerOf } from '../../api/client.ts';

export type FirstRun = AnswerOf<'GET /api/v1/first-run'>;
export type Refused = FirstRun['refused'][number];

/** Where usage arrives already, refusals of long ago are somebody else's. */
export const RECENT_MS = 3600_000;

export interface WrongTurn {
  key: string;
  /** What happened. May hold texts of whoever sent it. */
  title: string;
  /** What to change; ours, with code between backticks. */
  advice: string;
  /** The last time, RFC 3339; null where it is not known. */
  seen: string | null;
  times: number;
  /** The page where more is said: meters, or the quarantine of a reason. */
  more?: 'meters' | { reason: string };
}

/**
 * The newest first, each once; before them what has no time because it holds all along.
 * @param origin of the receiver: http://127.0.0.1:4318
 * @param sinceMs what is older is left out
 * @param titleOf what a reason for quarantine is called
 */
export function wrongTurns(
  { refused, quarantine, received }: FirstRun,
  origin: string,
  sinceMs: number,
  titleOf: (reason: string) => string,
): WrongTurn[] {
  const turns = new Map<string, WrongTurn>();
  for (const request of refused) {
    if (Date.parse(request.time) < sinceMs) continue;
    const key = [request.method, request.path, request.status, request.apiKey, request.contentType].join(' ');
    const known = turns.get(key);
    if (known === undefined)
      turns.set(key, { key, ...refusedText(request, origin), seen: request.time, times: 1 });
    else known.times += 1;
  }
  for (const { reason, signals, lastSeen, atStake } of quarantine) {
    if (Date.parse(lastSeen) < sinceMs) continue;
    const of = atStake[0]?.dimensionId;
    const where = of === null || of === undefined ? '' : ` of ${of}`;
    turns.set(reason, {
      key: reason,
      title: `${titleOf(reason)}: ${plural(signals, 'signal')}${where}`,
      advice:
        reason === 'missing_customer'
          ? 'It arrived and is kept, but does not say who is billed. Set the attribute `usage.customer.id` on the point, or on its resource. What came already can be given a customer in Data quality, and then counts.'
          : 'It arrived and is kept, but cannot be counted as it is. Data quality says why, and how to repair it.',
      seen: lastSeen,
      times: 1,
      more: { reason },
    });
  }
  const all = [received.metrics, received.logs, received.spans];
  const sum = (name: 'claimed' | 'ignored'): number => all.reduce((total, each) => total + each[name], 0);
  if (sum('ignored') > 0)
    turns.set('ignored', {
      key: 'ignored',
      title: `Signals arrive, but ${sum('claimed') === 0 ? 'none is' : 'some are not'} usage: ${plural(sum('ignored'), 'signal')}`,
      advice:
        'They were acknowledged and not kept. Give them the attributes `usage.customer.id` and `usage.dimension.id`, call the metric or log event `usage.<dimension>`, or let a meter say which of them are usage.',
      seen: null,
      times: 1,
      more: 'meters',
    });
  // Digits come before letters.
  return [...turns.values()].sort((a, b) => (b.seen ?? 'z').localeCompare(a.seen ?? 'z'));
}

/** What was wrong with one request, and what to change. */
export function refusedText(request: Refused, origin: string): Pick<WrongTurn, 'title' | 'advice'> {
  const { method, path, status, apiKey, contentType } = request;
  const what = `${method} ${path}`;
  switch (status) {
    case 404:
      return {
        title: `Wrong path: ${what}`,
        advice: /\/v1\/\w+\/v1\//.test(path)
          ? `The path stands there twice. In \`OTEL_EXPORTER_OTLP_ENDPOINT\` give \`${origin}\` alone: exporters add /v1/metrics themselves.`
          : `Nothing is taken there. OTLP goes to \`${origin}/v1/metrics\`, \`/v1/logs\` and \`/v1/traces\`. In \`OTEL_EXPORTER_OTLP_ENDPOINT\` give \`${origin}\` alone, since exporters add the rest; an exporter's \`url\` in code, and \`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\`, need the whole path.`,
      };
    case 401:
      return apiKey === 'missing'
        ? {
            title: `No API key: ${what}`,
            advice:
              'This receiver answers only with one of its keys. Send the header `Authorization: Bearer KEY`; for exporters `OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20KEY`.',
          }
        : {
            title: `Wrong API key: ${what}`,
            advice:
              'A key came that this receiver does not know. Take one of those it was started with (`USAGE_METER_API_KEYS`), after the word Bearer: `Authorization: Bearer KEY`.',
          };
    case 415:
      return {
        title: `Wrong content type: ${contentType ?? 'none'}, ${what}`,
        advice: path.startsWith('/api/')
          ? 'Send `Content-Type: application/json`, or `application/x-ndjson` for a record a line.'
          : 'Send `Content-Type: application/json` or `application/x-protobuf`, and no compression but gzip or deflate. An exporter that speaks gRPC is switched by `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`.',
      };
    case 405:
      return { title: `Wrong method: ${what}`, advice: 'Usage is sent by POST.' };
    case 400:
      return {
        title: `Unreadable body: ${what}`,
        advice:
          'The body is not what its content type says, or a field of it is wrong. What the receiver answered names the place: look at what the sender logs, or send it by curl to see it.',
      };
    case 413:
      return {
        title: `Too large: ${what}`,
        advice: 'A request has at most 64 MiB, before and after inflation. Send smaller batches.',
      };
    case 503:
      return {
        title: `Busy for a moment: ${what}`,
        advice: 'The receiver asked the sender to come again, which exporters do by themselves.',
      };
    default:
      return {
        title: `Refused with ${status}: ${what}`,
        advice: 'Look at what the sender logs: the answer says why.',
      };
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
