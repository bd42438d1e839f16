/** Makes what the configuration file declares hold: at the start, before the first request is taken. */

import { type Change, DEFAULT_SETTINGS } from '../storage/changes.ts';
import { parseCustomersQuery, parseDimensionsQuery, parseMetersQuery } from '../storage/query/index.ts';
import type { Customer } from '../storage/resources.ts';
import { configChanges, type FileResources, type PresentResources } from './config-changes.ts';
import { ConfigError } from './config-error.ts';
import type { Ingest } from './ingest.ts';

/** Changes that one journal frame holds at most. */
const CHANGES_PER_FRAME = 1_000;
const PAGE = 1_000;

/**
 * Journals the changes after which everything is as the file says; none where it is so already. Without a file the
 * settings are the defaults; resources that an earlier file declared stay as they are.
 * @returns what was changed
 * @throws ConfigError where the file asks for what cannot be; nothing was changed then. What Ingest.change throws.
 */
export async function applyConfig(ingest: Ingest, file: FileResources | null): Promise<Change[]> {
  const { settings } = ingest.registry;
  const wanted =
    file === null
      ? configChanges(
          { customers: [], dimensions: [], meters: [], settings: DEFAULT_SETTINGS },
          {
            customers: [],
            dimensions: [],
            meters: [],
            settings,
          },
        )
      : configChanges(file, await presentResources(ingest, file));
  const changes = await withKeptUnits(ingest, wanted);
  await checkUnits(ingest, changes);
  await checkAliases(ingest, changes);
  for (let from = 0; from < changes.length; from += CHANGES_PER_FRAME) {
    await ingest.change({ changes: changes.slice(from, from + CHANGES_PER_FRAME) });
  }
  return changes;
}

/** What the file manages or is about to. */
async function presentResources(ingest: Ingest, file: FileResources): Promise<PresentResources> {
  await ingest.caughtUp();
  const { ledger } = ingest;
  const customers: Customer[] = await allRows((page) =>
    ledger.query({ type: 'customers', query: parseCustomersQuery([['managedBy', 'file'], ...page], 0n) }),
  );
  const managed = new Set(customers.map(({ id }) => id));
  for (const { id } of file.customers) {
    if (managed.has(id)) continue;
    const known = await ledger.query({ type: 'customer', query: id });
    if (known !== null) customers.push(known);
  }
  const dimensions = await allRows((page) =>
    ledger.query({ type: 'dimensions', query: parseDimensionsQuery(page, 0n) }),
  );
  const meters = await allRows((page) => ledger.query({ type: 'meters', query: parseMetersQuery(page) }));
  return { customers, dimensions, meters, settings: ingest.registry.settings };
}

/** All pages of a list. */
async function allRows<Row>(
  list: (page: [string, string][]) => Promise<{ rows: Row[]; nextCursor: string | null }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: [string, string][] = [['limit', String(PAGE)]];
    if (cursor !== null) page.push(['cursor', cursor]);
    const answer = await list(page);
    rows.push(...answer.rows);
    if (answer.nextCursor === null) return rows;
    cursor = answer.nextCursor;
  }
}

/** A dimension that has usage and is deleted has to have its unit still, should it ever come back. */
async function withKeptUnits(ingest: Ingest, changes: readonly Change[]): Promise<Change[]> {
  const all: Change[] = [];
  for (const change of changes) {
    const unit = change.type === 'dimension_deleted' ? ingest.registry.unitOf(change.id) : undefined;
    if (change.type === 'dimension_deleted' && unit !== undefined && (await hasUsage(ingest, change.id)))
      all.push({ ...change, keptUnit: unit });
    else all.push(change);
  }
  return all;
}

async function hasUsage(ingest: Ingest, dimensionId: string): Promise<boolean> {
  return (await ingest.ledger.query({ type: 'hasUsage', query: { dimensionId } })).hasUsage;
}

/** Usage is kept in the unit that its dimension had when it came. */
async function checkUnits(ingest: Ingest, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.type !== 'dimension_put') continue;
    const { id, unit } = change.dimension;
    const known = ingest.registry.unitOf(id);
    if (known === undefined || known === unit) continue;
    if (await hasUsage(ingest, id)) {
      throw new ConfigError(
        `dimensions: "${id}" has usage in the unit "${known}", which cannot become "${unit}": declare another ` +
          'dimension, or give this one its present unit',
      );
    }
  }
}

/** An alias may take over a customer that was discovered, never one that somebody declared. */
async function checkAliases(ingest: Ingest, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.type !== 'customer_put') continue;
    for (const alias of change.customer.aliases) {
      if (!ingest.registry.customers.has(alias)) continue;
      const known = await ingest.ledger.query({ type: 'customer', query: alias });
      if (known === null || known.discovered) continue;
      if (changes.some((other) => other.type === 'customer_deleted' && other.id === alias)) continue;
      throw new ConfigError(
        `customers: "${alias}" is an alias of "${change.customer.id}" here, and a customer that was declared ` +
          `${known.managedBy === 'file' ? 'in this file' : 'over the API'}: delete that one first`,
      );
    }
  }
}
