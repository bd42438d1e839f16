/** Resources of signals, as they came: the receiver keeps them with the signal, so they are looked through page by page. */
import { type AnswerOf, receiver } from '../../api/client.ts';
import type { Signal } from './repair.ts';
import type { QualitySearch } from './route.ts';
import { filterOf } from './selection.ts';

const PAGE = 100;
/** So many are looked through at once; repairing them makes room for the next. */
export const MOST_SEARCHED = 2_000;

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

/** Open signals that the address means and whose resource has this attribute. @throws UsageMeterError */
export async function signalsOfResource(
  search: QualitySearch,
  key: string,
  value: string,
): Promise<Signal[]> {
  const found: Signal[] = [];
  let cursor: string | null = null;
  for (let searched = 0; searched < MOST_SEARCHED; searched += PAGE) {
    const page: AnswerOf<'GET /api/v1/quarantine/signals'> = await receiver().request(
      'GET /api/v1/quarantine/signals',
      { query: { ...filterOf(search), limit: PAGE, ...(cursor === null ? {} : { cursor }) } },
    );
    const fitting = page.rows.filter(({ signal }) =>
      resourceOf(signal).some(([name, each]) => name === key && each === value),
    );
    // As it came it may be large, and is not needed for a repair.
    found.push(...fitting.map((signal) => ({ ...signal, signal: null })));
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return found;
}
