/**
 * Cursors: where the next page begins, as opaque text. (Pure.)
 *
 * A cursor names the last row of its page by what that row is ordered by, not by a count, so rows that arrive
 * between two pages neither repeat nor hide others. It carries a fingerprint of the question, and is refused
 * with another one.
 */
import { createHash } from 'node:crypto';
import { QueryError } from './query-error.ts';

/** What a row is ordered by. */
export type CursorPosition = (string | null)[];

/** A short, stable name of a question; `limit` and `cursor` are not part of it. */
export function fingerprint(question: unknown): string {
  const text = JSON.stringify(question, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

export function cursorText(questionFingerprint: string, position: CursorPosition): string {
  return Buffer.from(JSON.stringify([questionFingerprint, ...position])).toString('base64url');
}

/**
 * The position in a cursor of this question.
 * @throws QueryError INVALID_PARAMETER naming `cursor`
 */
export function cursorPosition(
  text: string,
  questionFingerprint: string,
  isPosition: (position: CursorPosition) => boolean,
): CursorPosition {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    parsed = null;
  }
  const [cursorFingerprint, ...position] = Array.isArray(parsed) ? (parsed as CursorPosition) : [];
  if (cursorFingerprint === questionFingerprint && isPosition(position)) return position;
  throw new QueryError(
    'INVALID_PARAMETER',
    'cursor',
    'cursor must be the nextCursor of an answer to the same question: all parameters but limit stay as they were',
  );
}
