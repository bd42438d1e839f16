/**
 * What the ledger knew at an earlier time. Rows of usage are only added and voided, each by a journal frame, so that
 * any earlier state is told by a sequence.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { textFromInstant } from './instant.ts';
import type { QueryParameters } from './parameters.ts';
import { QueryError } from './query-error.ts';

/** After this journal frame, or before everything that came from this instant (Unix nanoseconds) on. */
export type AsOf = { sequence: bigint } | { unixNano: bigint };

const SECOND_NANO = 1_000_000_000n;

/**
 * The parameter `asOf`: a journal sequence, RFC 3339, or a date, which is midnight in the zone.
 * @throws QueryError
 */
export function asOfParameter(parameters: QueryParameters, timeZone: string): AsOf | null {
  const text = parameters.one('asOf', z.string());
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return { sequence: BigInt(text) };
  return { unixNano: parameters.instant('asOf', timeZone)! };
}

/** What a question may see. */
export interface KnownState {
  /** Condition on stored.usage. */
  visible: string;
  /** The first journal frame that was not known; null = now. */
  holdUntil: bigint | null;
}

/**
 * Resolves an as-of.
 * @throws QueryError naming `asOf` where it lies behind what is known
 */
export async function knownAsOf(
  connection: DuckDBConnection,
  { asOf, completeUntil }: { asOf: AsOf | null; completeUntil: bigint | null },
): Promise<KnownState> {
  if (asOf === null) return { visible: 'voided_by IS NULL', holdUntil: null };
  const { sequence, holdUntil } =
    'sequence' in asOf
      ? await ofSequence(connection, asOf.sequence)
      : await ofInstant(connection, asOf.unixNano, completeUntil);
  return {
    visible: `sequence <= ${sequence} AND (voided_by IS NULL OR voided_by > ${sequence})`,
    holdUntil,
  };
}

/** A state lasts until the next frame comes: until then its levels hold. */
async function ofSequence(
  connection: DuckDBConnection,
  sequence: bigint,
): Promise<{ sequence: bigint; holdUntil: bigint | null }> {
  const position = await storedPosition(connection);
  if (sequence > position) {
    throw new QueryError(
      'INVALID_PARAMETER',
      'asOf',
      `asOf must not be beyond the journal sequence ${position}, up to which the ledger knows (got ${sequence})`,
    );
  }
  const reader = await connection.runAndReadAll(
    `SELECT min(epoch_ns(received_at)) FROM stored.arrivals WHERE sequence > ${sequence}`,
  );
  return { sequence, holdUntil: reader.getRows()[0][0] as bigint | null };
}

/** Arrivals are known to the second, so an instant is cut to one. */
async function ofInstant(
  connection: DuckDBConnection,
  unixNano: bigint,
  completeUntil: bigint | null,
): Promise<{ sequence: bigint; holdUntil: bigint | null }> {
  if (completeUntil !== null && unixNano > completeUntil) {
    throw new QueryError(
      'INVALID_PARAMETER',
      'asOf',
      `asOf must not be after ${textFromInstant(completeUntil)}, up to which the ledger is complete ` +
        `(got "${textFromInstant(unixNano)}")`,
    );
  }
  const second = unixNano - (unixNano % SECOND_NANO);
  const reader = await connection.runAndReadAll(
    `SELECT min(sequence) FROM stored.arrivals WHERE received_at >= make_timestamp_ns(${second})`,
  );
  const next = reader.getRows()[0][0] as bigint | null;
  const sequence = next === null ? await storedPosition(connection) : next - 1n;
  return { sequence, holdUntil: second };
}

async function storedPosition(connection: DuckDBConnection): Promise<bigint> {
  const reader = await connection.runAndReadAll('SELECT sequence FROM stored.position');
  return reader.getRows()[0][0] as bigint;
}
