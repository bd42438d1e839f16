/** Resources of signals, as they came: the receiver keeps them with the signal, so they are looked through page by page. */
import { receiver } from '../../api/client.ts';
import { type Signal, signalsPage } from './repair.ts';
import type { QualitySearch } from './route.ts';
import { filterOf } from './selection.ts';

export interface ResourceSearch {
  /** How many were looked through so far, of how many. */
  searched: number;
  total: number;
  found: Signal[];
}

/** Attributes of the resource in an OTLP request of one signal, as texts. */
export function resourceOf(signal: object | null): [key: string, value: string][] {
  const batch = signal === null ? undefined : (Object.values(signal)[0] as unknown[] | undefined)?.[0];
  const { resource } = (batch ?? {}) as { resource?: { attributes?: unknown } };
  if (!Array.isArray(resource?.attributes)) return [];
  return (resource.attributes as { key?: string; value?: Record<string, unknown> }[]).map(
    ({ key = '', value = {} }) => {
      const [first] = Object.values(value);
      return [key, typeof first === 'object' ? JSON.stringify(first) : String(first ?? '')];
    },
  );
}

/**
 * Open signals that the address means and whose resource has this attribute: all of them, or those that were found until
 * it was stopped.
 * @throws UsageMeterError
 */
export async function signalsOfResource(
  search: QualitySearch,
  [key, value]: readonly [key: string, value: string],
  stopped: AbortSignal,
  tell: (search: ResourceSearch) => void,
): Promise<Signal[]> {
  const query = filterOf(search);
  const { rows: totals } = await receiver().request('GET /api/v1/quarantine/totals', { query });
  const total = totals.reduce((sum, { signals }) => sum + signals, 0);
  const found: Signal[] = [];
  let searched = 0;
  let cursor: string | null = null;
  do {
    const page = await signalsPage(query, cursor);
    for (const signal of page.rows)
      if (resourceOf(signal.signal).some(([name, each]) => name === key && each === value))
        // As it came it may be large, and is not needed for a repair.
        found.push({ ...signal, signal: null });
    searched += page.rows.length;
    tell({ searched, total: Math.max(total, searched), found });
    cursor = page.nextCursor;
  } while (cursor !== null && !stopped.aborted);
  return found;
}
