/** What is known of customers, dimensions and meters when files are looked at: asked for, read, or nothing. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { type ConfigFile, readConfigFile } from '../../receiver/config-file.ts';
import { BUILTIN_METER_ID } from '../../receiver/metering/builtin-meter.ts';
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

export interface Sources {
  /** Of a receiver; undefined: the one on this machine, if there is one. */
  url: string | undefined;
  apiKey: string | undefined;
  /** No receiver is asked. */
  isOffline: boolean;
  /** The usage-meter.yaml that the tested rule stands in. It is no version in force of itself. */
  own: ConfigFile | null;
}

/**
 * From a receiver that answers, else from ./usage-meter.yaml, else nothing. What the tested rule's own file declares
 * holds besides.
 * @throws ReceiverError where a receiver was named and cannot be asked; ConfigError
 */
export async function knownRegistry({ url, apiKey, isOffline, own }: Sources): Promise<KnownRegistry> {
  const asked = isOffline ? null : await fromReceiver(url, apiKey);
  if (own === null) return asked ?? fromConfigFile() ?? NOTHING;
  return {
    registry: withDeclared((asked ?? NOTHING).registry, own),
    source: asked === null ? own.path : `${own.path} and ${asked.source}`,
  };
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

function fromConfigFile(): KnownRegistry | null {
  if (!existsSync(CONFIG_FILE)) return null;
  const config = readConfigFile(CONFIG_FILE);
  const meters = config.meters.map((rule) => ({
    id: rule.id,
    // A file has no versions.
    version: 0,
    rule: JSON.stringify(rule),
    sinceUnixNano: 0n,
    deleted: false,
  }));
  return { registry: { ...withDeclared(NOTHING.registry, config), meters }, source: `./${CONFIG_FILE}` };
}

const NOTHING: KnownRegistry = {
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
