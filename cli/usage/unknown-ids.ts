/** Customers and dimensions that a question names and nobody knows: typing errors look like no usage otherwise. */
import { z } from 'zod';
import { nearestName } from '../../receiver/schema-keys.ts';
import type { FilterFlags } from '../flags.ts';
import { PAGE_ROWS, type ReceiverApi, RefusedError, segment } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { printable } from '../text-table.ts';

const Known = z.looseObject({ id: z.string(), aliases: z.array(z.string()).optional() });

/** Says which there are not, each with the known id that is most like it. For answers without a row. */
export async function noteUnknownIds(
  { customer = [], dimension = [] }: FilterFlags,
  api: ReceiverApi,
  shell: Shell,
): Promise<void> {
  for (const [kind, ids] of [
    ['customer', customer],
    ['dimension', dimension],
  ] as const)
    for (const id of new Set(ids)) {
      if (await isKnown(api, kind, id)) continue;
      const nearest = await meantId(api, kind, id);
      const hint = nearest === null ? '' : `; did you mean "${printable(nearest)}"?`;
      shell.note(`There is no ${kind} "${printable(id)}"${hint}`);
    }
}

async function isKnown(api: ReceiverApi, kind: 'customer' | 'dimension', id: string): Promise<boolean> {
  try {
    await api.get(`/${kind}s/${segment(id)}`);
    return true;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return false;
    throw error;
  }
}

/** The one that it is an alias of, or is most like. Of one page: a hint is not worth reading 100,000 customers. */
async function meantId(api: ReceiverApi, kind: 'customer' | 'dimension', id: string): Promise<string | null> {
  const { rows } = await api.list(`/${kind}s`, [], Known, PAGE_ROWS);
  const owner = rows.find(({ aliases }) => aliases?.includes(id));
  return (
    owner?.id ??
    nearestName(
      id,
      rows.map((row) => row.id),
    )
  );
}
