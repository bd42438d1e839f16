/** What keeps usage from the receiver, in words that name its address. Pure. */

const CONNECTION: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: nothing listens there',
  ECONNRESET: 'closed the connection without an answer',
  EPIPE: 'closed the connection without an answer',
  ETIMEDOUT: 'cannot be reached',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ENOTFOUND: 'has a host name that cannot be found',
  EAI_AGAIN: 'has a host name that cannot be looked up now',
};

/** What somebody can do about it. */
const ANSWERS: Readonly<Record<number, string>> = {
  401: 'it wants an API key that it knows, in OTEL_EXPORTER_OTLP_HEADERS: authorization=Bearer%20KEY',
  403: 'it wants an API key that it knows, in OTEL_EXPORTER_OTLP_HEADERS: authorization=Bearer%20KEY',
  404: 'no receiver at this address, or not at this path',
};

/** The address without what may be secret in it: user, password, query. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * @param address as {@link shownUrl} gives it
 * @param code as Node spells it, like ECONNREFUSED
 */
export function connectionTrouble(address: string, code: string | undefined, message: string): string {
  const words = code === undefined ? undefined : CONNECTION[code];
  if (words !== undefined) return `${address} ${words} (${code})`;
  // Several addresses of one name failed: the error that has them all has no message.
  return `${address} cannot be asked: ${message || code || 'unknown error'}`;
}

/** @param said what came with the status: its text, the body */
export function answerTrouble(address: string, status: number, said = ''): string {
  const hint = ANSWERS[status];
  const answer = `${address} answered ${status} ${said}`.trim();
  return hint === undefined ? answer : `${answer} (${hint})`;
}
