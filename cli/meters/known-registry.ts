/** What is known of customers, dimensions and meters when files are looked at: asked for, read, or nothing. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { type ConfigFile, readConfigFile } from '../../receiver/config-file.ts';
import { BUILTIN_METER_ID } from '../../receiver/metering/builtin-meter.ts';
import type { MeterRule } from '../../receiver/metering/rules/index.ts';
import { DEFAULT_SETTINGS, Settings } from '../../storage/changes.ts';
import type { RegistrySnapshot } from '../../storage/ledger.ts';
import { DEFAULT_URL, detailOf, ReceiverClient, ReceiverError } from '../http-client.ts';

export interface KnownRegistry {
  registry: RegistrySnapshot;
  /** Where it is from, for people. */
  source: string;
}

/** Read where no receiver answers. */
const CONFIG_FILE = 'usage-meter.yaml';
const PAGE_ROWS = 10_000;
/** A receiver with more customers is asked for so many: only aliases and unknown ones could come out otherwise. */
const MAX_CUSTOMERS = 200_000;

/**
 * From a receiver that answers, else from ./usage-meter.yaml, else nothing. What the tested rule's own file declares
 * holds besides.
 * @throws ReceiverError where a receiver was named and cannot be asked; ConfigError
 */
export async function knownRegistry(
  url: string | undefined,
  apiKey: string | undefined,
  own: ConfigFile | null,
): Promise<KnownRegistry> {
  const known = (await fromReceiver(url, apiKey)) ?? fromConfigFile(own) ?? nothing();
  if (own === null) return known;
  return { registry: withDeclared(known.registry, own), source: `${known.source}; and from ${own.path}` };
}

async function fromReceiver(
  url: string | undefined,
  apiKey: string | undefined,
): Promise<KnownRegistry | null> {
  const client = new ReceiverClient({ url: url ?? DEFAULT_URL, apiKey, patienceMs: 0 });
  try {
    return { registry: await receiverRegistry(client), source: `the receiver at ${client.url}` };
  } catch (error) {
    // Nobody said that there is one; a Collector listens on the same port.
    const isNone = error instanceof z.ZodError || (error instanceof ReceiverError && error.retryable);
    if (url === undefined && isNone) return null;
    throw error;
  }
}

const MeterRow = z.looseObject({
  id: z.string(),
  version: z.int(),
  managedBy: z.unknown(),
  createdAt: z.unknown(),
  deleted: z.unknown(),
});
const DimensionRow = z.object({
  id: z.string(),
  unit: z.string(),
  aggregation: z.string(),
  creditsAllowed: z.boolean(),
  discovered: z.boolean(),
});
const CustomerRow = z.object({ id: z.string(), aliases: z.array(z.string()) });
const Status = z.object({ settings: Settings });

async function receiverRegistry(client: ReceiverClient): Promise<RegistrySnapshot> {
  const { settings } = Status.parse(await ask(client, '/api/v1/status'));
  const meters = await pages(client, 'meters', MeterRow);
  const dimensions = await pages(client, 'dimensions', DimensionRow);
  const customers = await pages(client, 'customers', CustomerRow, MAX_CUSTOMERS);
  return {
    settings,
    dimensions,
    customers: customers.map(({ id }) => id),
    aliases: customers.flatMap(({ id, aliases }) => aliases.map((alias): [string, string] => [alias, id])),
    instruments: [],
    meters: meters
      .filter(({ id }) => id !== BUILTIN_METER_ID)
      .map(({ version, managedBy: _by, createdAt: _at, deleted: _deleted, ...rule }) => ({
        id: rule.id as string,
        version,
        rule: JSON.stringify(rule),
        sinceUnixNano: 0n,
        deleted: false,
      })),
  };
}

async function pages<Row>(
  client: ReceiverClient,
  collection: string,
  schema: z.ZodType<Row>,
  most = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const Page = z.object({ rows: z.array(schema), nextCursor: z.string().nullable() });
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof Page> = Page.parse(
      await ask(client, `/api/v1/${collection}?limit=${PAGE_ROWS}${after}`),
    );
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== null && rows.length < most);
  return rows;
}

/** @throws ReceiverError for any answer but 200 */
export async function ask(client: ReceiverClient, path: string): Promise<unknown> {
  const { status, body } = await client.request({ method: 'GET', path, isRepeatable: true });
  if (status === 200) return body;
  throw new ReceiverError(
    'UNAVAILABLE',
    `the receiver at ${client.url} answers ${path} with ${status}${detailOf(body)}`,
  );
}

/** @param own the tested rule's file, which is no version in force of itself */
function fromConfigFile(own: ConfigFile | null): KnownRegistry | null {
  if (own !== null || !existsSync(CONFIG_FILE)) return null;
  const config = readConfigFile(CONFIG_FILE);
  const registry = withDeclared(nothing().registry, config);
  const meters = config.meters.map((rule) => meterEntry(rule));
  return { registry: { ...registry, meters }, source: `./${CONFIG_FILE}` };
}

function meterEntry(rule: MeterRule): RegistrySnapshot['meters'][number] {
  return { id: rule.id, version: 1, rule: JSON.stringify(rule), sinceUnixNano: 0n, deleted: false };
}

function nothing(): KnownRegistry {
  return {
    registry: {
      customers: [],
      aliases: [],
      dimensions: [],
      instruments: [],
      meters: [],
      settings: DEFAULT_SETTINGS,
    },
    source: `nothing: no receiver answers, and there is no ./${CONFIG_FILE}`,
  };
}

/** What a configuration file says of customers, dimensions and settings takes the place of what was known. */
function withDeclared(registry: RegistrySnapshot, config: ConfigFile): RegistrySnapshot {
  const dimensionIds = new Set(config.dimensions.map(({ id }) => id));
  const customerIds = new Set(config.customers.map(({ id }) => id));
  return {
    ...registry,
    settings: config.settings,
    dimensions: [
      ...registry.dimensions.filter(({ id }) => !dimensionIds.has(id)),
      ...config.dimensions.map(({ id, unit, aggregation, creditsAllowed }) => ({
        id,
        unit,
        aggregation,
        creditsAllowed,
        discovered: false,
      })),
    ],
    customers: [...registry.customers.filter((id) => !customerIds.has(id)), ...customerIds],
    aliases: [
      ...registry.aliases.filter(([, id]) => !customerIds.has(id)),
      ...config.customers.flatMap(({ id, aliases }) => aliases.map((alias): [string, string] => [alias, id])),
    ],
  };
}
