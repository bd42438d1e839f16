/** A batch of usage records to the receiver: what is wrong with single ones is taken out, the rest is stored. */
import { z } from 'zod';
import { detailOf, type ReceiverClient } from '../http-client.ts';
import { ImportError } from './import-error.ts';

export interface RefusedRecord {
  /** Its place in the batch. */
  index: number;
  /** As the API names it: `recordValue`, `metadata.region`; empty for the record as a whole. */
  field: string;
  problem: string;
}

export interface BatchOutcome {
  stored: number;
  duplicates: number;
  /** One for each field that is refused. */
  refused: RefusedRecord[];
}

const Accepted = z.object({ stored: z.int().min(0), duplicates: z.int().min(0) });
const Problem = z.object({ errors: z.array(z.object({ path: z.string(), message: z.string() })).min(1) });
const RECORD_PATH = /^\[(\d+)\]\.?(.*)$/s;

/**
 * Stores all records of a batch that the receiver takes. All have ids, so what is sent again counts once.
 * @param records JSON texts
 * @throws ReceiverError; ImportError "REFUSED" where the receiver refuses without naming records
 */
export async function sendBatch(client: ReceiverClient, records: readonly string[]): Promise<BatchOutcome> {
  const outcome: BatchOutcome = { stored: 0, duplicates: 0, refused: [] };
  const parts: number[][] = [records.map((_, index) => index)];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (part.length === 0) continue;
    const { status, body } = await client.request({
      method: 'POST',
      path: '/api/v1/usage',
      body: `[${part.map((index) => records[index]).join(',')}]`,
      headers: { Prefer: 'return=minimal' },
      isRepeatable: true,
    });
    if (status === 200 || status === 201) {
      const accepted = Accepted.safeParse(body);
      if (!accepted.success) throw notTheApi(client, status);
      outcome.stored += accepted.data.stored;
      outcome.duplicates += accepted.data.duplicates;
    } else if (status === 413 && part.length > 1) {
      const half = part.length >> 1;
      parts.push(part.slice(half), part.slice(0, half));
    } else if (status === 413) {
      outcome.refused.push({
        index: part[0],
        field: '',
        problem: `is too large for the receiver${detailOf(body)}`,
      });
    } else {
      const refused = refusedRecords(part, body);
      if (refused === null) throw refusal(client, status, body);
      outcome.refused.push(...refused);
      const isRefused = new Set(refused.map(({ index }) => index));
      parts.push(part.filter((index) => !isRefused.has(index)));
    }
  }
  return outcome;
}

/** null where the answer names no record of the request. */
function refusedRecords(part: readonly number[], body: unknown): RefusedRecord[] | null {
  const problem = Problem.safeParse(body);
  if (!problem.success) return null;
  const refused = problem.data.errors.flatMap(({ path, message }): RefusedRecord[] => {
    const match = RECORD_PATH.exec(path);
    const index = part[Number(match?.[1] ?? -1)];
    return index === undefined ? [] : [{ index, field: fieldName(match![2]), problem: message }];
  });
  return refused.length === 0 ? null : refused;
}

/** `metadata["a b"]` as `metadata.a b`. */
function fieldName(path: string): string {
  const match = /^metadata\[(".*")\]$/s.exec(path);
  if (match === null) return path;
  try {
    return `metadata.${JSON.parse(match[1])}`;
  } catch {
    return path;
  }
}

function refusal(client: ReceiverClient, status: number, body: unknown): ImportError {
  if (status === 404 || status === 405) return notTheApi(client, status);
  return new ImportError(
    'REFUSED',
    `the receiver at ${client.url} refuses what it was sent (${status}${detailOf(body)})`,
  );
}

function notTheApi(client: ReceiverClient, status: number): ImportError {
  return new ImportError(
    'REFUSED',
    `what answers at ${client.url} is no receiver of usage records (POST /api/v1/usage: ${status})`,
  );
}
