/**
 * Cursors: where the next page begins, as opaque text. (Pure.)
 *
 * A cursor names the last row of its page by what that row is ordered by, not by a count, so rows that arrive
 * between two pages neither repeat nor hide others. It carries a fingerprint of the question, and is refused
 * with another one; and a check of its own, so that one that was cut or altered on its way is refused, too. Whoever
 * means to can make both: positions are checked besides, for what no column can hold would be an error of the statement.
 */
import { createHash } from 'node:crypto';
import { QueryError } from './query-error.ts';

/** What a row is ordered by. */
export type CursorPosition = (string | null)[];

/** Longer than any position: a few ids and names. */
const MAX_LENGTH = 64 * 1024;

/** A short, stable name of a question; `limit` and `cursor` are not part of it. */
export function fingerprint(question: unknown): string {
  const text = JSON.stringify(question, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

export function cursorText(questionFingerprint: string, position: CursorPosition): string {
  const parts = [questionFingerprint, ...position];
  return Buffer.from(JSON.stringify([...parts, fingerprint(parts)])).toString('base64url');
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
  const parts = partsOf(text);
  const position = parts?.slice(1, -1) ?? [];
  // Only what would be made of the parts is taken: what decodes alike is not the same.
  const isWhole = parts !== null && cursorText(questionFingerprint, position) === text;
  if (isWhole && isPosition(position)) return position;
  throw cursorFault();
}

export function cursorFault(): QueryError {
  return new QueryError(
    'INVALID_PARAMETER',
    'cursor',
    'cursor must be the nextCursor of an answer to the same question: all parameters but limit stay as they were',
  );
}

/** Whether a text is the Unix nanoseconds of an instant: the ends of 64 bits are DuckDB's infinities, and beyond. */
export function isInstant(text: string | null | undefined): text is string {
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text)) return false;
  const unixNano = BigInt(text);
  return unixNano > -INFINITE && unixNano < INFINITE;
}

const INFINITE = 2n ** 63n - 1n;

/** Whether a text is the number of a frame, or of something in one. */
export function isOrdinal(text: string | null | undefined): text is string {
  return typeof text === 'string' && /^\d{1,15}$/.test(text);
}

/** Whether a text is a number that a DECIMAL(38, 12) holds. */
export function isDecimal(text: string): boolean {
  return /^-?\d{1,26}(\.\d{1,12})?$/.test(text);
}

/** Texts and nulls, or null where it is anything else. */
function partsOf(text: string): CursorPosition | null {
  if (text.length > MAX_LENGTH) return null;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parsed) && parsed.every(isPart) ? parsed : null;
  } catch {
    return null;
  }
}

function isPart(part: unknown): part is string | null {
  return part === null || (typeof part === 'string' && part.isWellFormed());
}
