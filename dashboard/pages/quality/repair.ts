/** Repairs, as the API does them: first what was missing is declared, then the signals are judged or counted anew. */
import type { AnswerOf, RequestOptions, RowOf } from '../../api/client.ts';
import { receiver } from '../../api/client.ts';
import type { ReplayBody, Selection } from './selection.ts';

export type Signal = RowOf<'GET /api/v1/quarantine/signals'>;
export type Aggregation = NonNullable<RequestOptions<'POST /api/v1/dimensions'>['body']['aggregation']>;
type DimensionBody = RequestOptions<'PUT /api/v1/dimensions/{id}'>['body'];

/** What a person has decided. */
export type Repair =
  | { fix: 'replay' }
  | { fix: 'dismiss' }
  | { fix: 'customer' | 'correct'; correction: NonNullable<ReplayBody['correction']> }
  /** Each signal counts what it says itself. */
  | { fix: 'own-values' }
  | { fix: 'declare-customer'; id: string; name: string }
  | { fix: 'declare-dimension'; id: string; name: string; unit: string; aggregation: Aggregation }
  | { fix: 'unit' | 'aggregation' | 'credits'; id: string; change: DimensionBody };

export interface Repaired {
  /** How many were looked at. */
  signals: number;
  /** How many are counted now; of a dismissal, dismissed. */
  settled: number;
  /** Those that are in quarantine still, by the reason that holds now. */
  left: { reason: string; signals: number }[];
  /** Could not be looked at, or lack something that nobody said. */
  untouched: number;
}

/** Work that is done part by part. */
export interface Progress {
  /** What is under way is finished, and nothing more begun. */
  stopped: AbortSignal;
  /** How many signals are done. */
  tell: (done: number) => void;
}

/** Of signals that are asked for. */
const PAGE = 100;
/** Of ids in an address. */
const FEW_IDS = 50;
/** Of ids in one change: the receiver takes 10,000, and progress is to be seen. */
export const MANY_IDS = 1_000;

/**
 * @throws UsageMeterError; what was done until then stays done, and doing it again counts nothing twice
 */
export async function repair(
  decided: Repair,
  selection: Selection,
  note: string,
  progress: Progress,
): Promise<Repaired> {
  const noted = note === '' ? {} : { note };
  switch (decided.fix) {
    case 'dismiss':
      return await inParts(selection, progress, async (part) => {
        const answer = await receiver().request('POST /api/v1/quarantine/dismiss', {
          body: { ...part, note },
        });
        const settled = 'dismissed' in answer ? answer.dismissed : 0;
        return { signals: settled, settled, left: [], untouched: 0 };
      });
    case 'customer':
    case 'correct':
      return await inParts(selection, progress, (part) =>
        replay({ ...part, ...noted, correction: decided.correction }),
      );
    case 'own-values':
      return await countOwnValues(selection, noted, progress);
    case 'declare-customer': {
      const { id, name } = decided;
      await receiver().request('PUT /api/v1/customers/{id}', {
        path: { id },
        body: name === '' ? {} : { name },
      });
      break;
    }
    case 'declare-dimension': {
      const { id, name, unit, aggregation } = decided;
      await receiver().request('PUT /api/v1/dimensions/{id}', {
        path: { id },
        body: { ...(name === '' ? {} : { name }), unit, aggregation },
      });
      break;
    }
    case 'unit':
    case 'aggregation':
    case 'credits':
      await changeDimension(decided.id, decided.change);
  }
  return await inParts(selection, progress, (part) => replay({ ...part, ...noted }));
}

/** Signals that are named, so many at a time; all that have something in common at once, as the receiver does them. */
async function inParts(
  selection: Selection,
  { stopped, tell }: Progress,
  each: (part: Selection) => Promise<Repaired>,
): Promise<Repaired> {
  const { ids } = selection;
  if (ids === undefined) return await each(selection);
  const all: Repaired = { signals: 0, settled: 0, left: [], untouched: 0 };
  const left = new Map<string, number>();
  for (let from = 0; from < ids.length && !stopped.aborted; from += MANY_IDS) {
    const part = await each({ ids: ids.slice(from, from + MANY_IDS) });
    all.signals += part.signals;
    all.settled += part.settled;
    all.untouched += part.untouched;
    for (const { reason, signals } of part.left) left.set(reason, (left.get(reason) ?? 0) + signals);
    tell(Math.min(from + MANY_IDS, ids.length));
  }
  return { ...all, left: [...left].map(([reason, signals]) => ({ reason, signals })) };
}

/** What a change leaves out would get its default: so all of the dimension is said again. */
async function changeDimension(id: string, change: DimensionBody): Promise<void> {
  const known = await receiver().request('GET /api/v1/dimensions/{id}', { path: { id } });
  const { discovered: _discovered, managedBy: _managedBy, ...declared } = known;
  await receiver().request('PUT /api/v1/dimensions/{id}', {
    path: { id },
    body: { ...declared, ...change } as DimensionBody,
  });
}

async function replay(body: ReplayBody): Promise<Repaired> {
  const answer = await receiver().request('POST /api/v1/quarantine/replay', { body });
  if (!('counted' in answer)) throw new Error('a replay must say what it counted');
  const { signals, counted, quarantined, untouched } = answer;
  return { signals, settled: counted, left: quarantined, untouched };
}

/** Signals of one value in one correction: a running total of each says what it counts. */
async function countOwnValues(
  selection: Selection,
  noted: { note?: string },
  { stopped, tell }: Progress,
): Promise<Repaired> {
  const done: Repaired = { signals: 0, settled: 0, left: [], untouched: 0 };
  for await (const signals of pagesOf(selection)) {
    const byValue = new Map<string | null, string[]>();
    for (const { id, quantity } of signals) byValue.set(quantity, [...(byValue.get(quantity) ?? []), id]);
    for (const [recordValue, ids] of byValue) {
      if (stopped.aborted) return done;
      done.signals += ids.length;
      if (recordValue === null) done.untouched += ids.length;
      else {
        const { settled, untouched } = await replay({ ids, ...noted, correction: { recordValue } });
        done.settled += settled;
        done.untouched += untouched;
      }
      tell(done.signals);
    }
  }
  return done;
}

async function* pagesOf({ ids, ...selection }: Selection): AsyncGenerator<Signal[]> {
  if (ids !== undefined) {
    for (let from = 0; from < ids.length; from += FEW_IDS)
      yield (await signalsPage({ signal: ids.slice(from, from + FEW_IDS) }, null)).rows;
    return;
  }
  let cursor: string | null = null;
  do {
    const page = await signalsPage(queryOf(selection), cursor);
    yield page.rows;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** Open signals, at most a hundred. @throws UsageMeterError */
export async function signalsPage(
  query: SignalsQuery,
  cursor: string | null,
): Promise<AnswerOf<'GET /api/v1/quarantine/signals'>> {
  return await receiver().request('GET /api/v1/quarantine/signals', {
    query: { ...query, limit: PAGE, ...(cursor === null ? {} : { cursor }) },
  });
}

type SignalsQuery = NonNullable<RequestOptions<'GET /api/v1/quarantine/signals'>['query']>;

/** A selection as parameters of a question: null is a parameter of its own. */
export function queryOf({ ids: _ids, customerId, dimensionId, ...rest }: Selection): SignalsQuery {
  const missing: ('customerId' | 'dimensionId')[] = [];
  const named = (name: 'customerId' | 'dimensionId', value: Selection['customerId']) => {
    const all = Array.isArray(value) ? value : value === undefined ? [] : [value];
    if (all.includes(null)) missing.push(name);
    const ids = all.filter((id) => id !== null);
    return ids.length === 0 ? {} : { [name]: ids };
  };
  const ids = { ...named('customerId', customerId), ...named('dimensionId', dimensionId) };
  return { ...(rest as SignalsQuery), ...ids, ...(missing.length === 0 ? {} : { missing }) };
}
