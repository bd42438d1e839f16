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

const PAGE = 100;

/**
 * @param tell how many signals are done, where they are done one after the other
 * @throws UsageMeterError; what was done until then stays done, and doing it again counts nothing twice
 */
export async function repair(
  decided: Repair,
  selection: Selection,
  note: string,
  tell: (done: number) => void,
): Promise<Repaired> {
  const noted = note === '' ? {} : { note };
  switch (decided.fix) {
    case 'dismiss': {
      const answer = await receiver().request('POST /api/v1/quarantine/dismiss', {
        body: { ...selection, note },
      });
      const settled = 'dismissed' in answer ? answer.dismissed : 0;
      return { signals: settled, settled, left: [], untouched: 0 };
    }
    case 'customer':
    case 'correct':
      return await replay({ ...selection, ...noted, correction: decided.correction });
    case 'own-values':
      return await countOwnValues(selection, noted, tell);
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
  return await replay({ ...selection, ...noted });
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
  { ids, ...selection }: Selection,
  noted: { note?: string },
  tell: (done: number) => void,
): Promise<Repaired> {
  const done: Repaired = { signals: 0, settled: 0, left: [], untouched: 0 };
  let cursor: string | null = null;
  do {
    const page: AnswerOf<'GET /api/v1/quarantine/signals'> = await receiver().request(
      'GET /api/v1/quarantine/signals',
      { query: { ...queryOf(selection), ...(ids === undefined ? {} : { signal: ids }), ...paged(cursor) } },
    );
    const byValue = new Map<string, string[]>();
    for (const { id, quantity } of page.rows) {
      done.signals += 1;
      if (quantity === null) done.untouched += 1;
      else byValue.set(quantity, [...(byValue.get(quantity) ?? []), id]);
    }
    for (const [recordValue, same] of byValue) {
      const { settled, untouched } = await replay({ ids: same, ...noted, correction: { recordValue } });
      done.settled += settled;
      done.untouched += untouched;
      tell(done.settled + done.untouched);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return done;
}

function paged(cursor: string | null): { limit: number; cursor?: string } {
  return { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
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
