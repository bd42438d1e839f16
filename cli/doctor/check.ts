/** What a check of `usage-meter doctor` finds. */

export interface Check {
  /** What was looked at, a word or two. */
  name: string;
  /** warn: it works, and somebody should look at it; fail: it does not, or will not for long. */
  state: 'ok' | 'warn' | 'fail';
  /** What was found. */
  detail: string;
  /** What to do; null where all is well. */
  advice: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, advice: null };
}

export function warn(name: string, detail: string, advice: string): Check {
  return { name, state: 'warn', detail, advice };
}

export function fail(name: string, detail: string, advice: string): Check {
  return { name, state: 'fail', detail, advice };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
}
