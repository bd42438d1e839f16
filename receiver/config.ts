/** The server's settings: their names, defaults and bounds, read from flags and environment, checked once. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { isLoopback } from './http/auth.ts';

const MIB = 1024 * 1024;

const ServerConfig = z.strictObject({
  host: z.string().min(1),
  port: z.coerce.number().int().min(0).max(65_535),
  dataDir: z.string().min(1),
  apiKeys: z.array(z.string().regex(/^\S+$/, 'a key must be of printable characters without spaces')),
  log: z.enum(['text', 'json']),
  /** Below this much free disk usage is refused until there is room again. */
  minFreeDiskBytes: z.coerce.number().int().min(0),
  /** Journal segments older than this are deleted once the ledger has them; null keeps them all. */
  journalRetentionDays: z.coerce.number().min(0).nullable(),
});

export type ServerConfig = z.infer<typeof ServerConfig>;

/** What a flag may set; each overrides the environment. */
export interface ServerFlags {
  host?: string;
  port?: string;
  dataDir?: string;
  log?: string;
}

/** A setting that cannot be used. The message names it, and what it must be. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/**
 * Flags before environment before defaults.
 * @throws ConfigError
 */
export function readServerConfig(flags: ServerFlags, environment: NodeJS.ProcessEnv): ServerConfig {
  const parsed = ServerConfig.safeParse({
    host: flags.host ?? unset(environment.USAGE_METER_HOST) ?? '127.0.0.1',
    port: flags.port ?? unset(environment.USAGE_METER_PORT) ?? 4318,
    dataDir: readDataDir(flags, environment),
    apiKeys: (environment.USAGE_METER_API_KEYS ?? '')
      .split(',')
      .map((key) => key.trim())
      .filter((key) => key !== ''),
    log: flags.log ?? unset(environment.USAGE_METER_LOG) ?? 'text',
    minFreeDiskBytes: unset(environment.USAGE_METER_MIN_FREE_DISK) ?? 256 * MIB,
    journalRetentionDays: unset(environment.USAGE_METER_JOURNAL_RETENTION_DAYS) ?? null,
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(
      `${SETTING_NAMES[String(issue.path[0])] ?? issue.path.join('.')}: ${issue.message}`,
    );
  }
  const config = parsed.data;
  if (config.apiKeys.length === 0 && !isLoopback(config.host)) {
    throw new ConfigError(
      `host ${config.host} can be reached from other machines, and there is no API key: set USAGE_METER_API_KEYS ` +
        'to one or more keys, separated by commas, or listen on 127.0.0.1',
    );
  }
  return config;
}

/** The folder of journal and ledger, absolute. */
export function readDataDir(flags: Pick<ServerFlags, 'dataDir'>, environment: NodeJS.ProcessEnv): string {
  return resolve(flags.dataDir ?? unset(environment.USAGE_METER_DATA_DIR) ?? 'data');
}

/** A variable set to nothing is not set. */
function unset(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

const SETTING_NAMES: Record<string, string> = {
  host: '--host / USAGE_METER_HOST',
  port: '--port / USAGE_METER_PORT',
  dataDir: '--data-dir / USAGE_METER_DATA_DIR',
  apiKeys: 'USAGE_METER_API_KEYS',
  log: '--log / USAGE_METER_LOG',
  minFreeDiskBytes: 'USAGE_METER_MIN_FREE_DISK',
  journalRetentionDays: 'USAGE_METER_JOURNAL_RETENTION_DAYS',
};
