/**
 * The server's settings: their names, defaults and bounds, read from flags, environment and the configuration file,
 * checked once.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_SETTINGS } from '../storage/changes.ts';
import { ConfigError } from './config-error.ts';
import { type ConfigFile, readConfigFile, ServerSettings } from './config-file.ts';
import { AllowedHost } from './http/allowed-hosts.ts';
import { isLoopback } from './http/auth.ts';

export { ConfigError } from './config-error.ts';

const MIB = 1024 * 1024;

/** The file that is read where none is named and there is one of this name in the working directory. */
export const DEFAULT_CONFIG_FILE = 'usage-meter.yaml';

export interface ServerConfig {
  host: string;
  port: number;
  /** Names, beside localhost, under which browsers may ask a receiver without API keys. */
  allowedHosts: string[];
  /** Absolute. */
  dataDir: string;
  apiKeys: string[];
  log: 'text' | 'json';
  /** Below this much free disk usage is refused until there is room again. */
  minFreeDiskBytes: number;
  /** Journal segments older than this are deleted once the ledger has them; null keeps them all. */
  journalRetentionDays: number | null;
  /** The configuration file, absolute; null where there is none. */
  configPath: string | null;
}

/** What a flag may set; each overrides the environment. */
export interface ServerFlags {
  host?: string;
  port?: string;
  /** Separated by commas. */
  allowedHosts?: string;
  dataDir?: string;
  log?: string;
  config?: string;
}

/** Where a value comes from. */
export type SettingSource =
  | { from: 'default' }
  | { from: 'file'; file: string; line: number }
  | { from: 'environment'; variable: string }
  | { from: 'flag'; flag: string };

export interface DescribedSetting {
  name: string;
  /** Of API keys, their number; of allowed hosts, the names in one text. */
  value: string | number | boolean | null;
  source: SettingSource;
}

/** All that flags, environment and file say together. */
export interface LoadedConfig {
  server: ServerConfig;
  /** null where there is no configuration file. */
  file: ConfigFile | null;
  /** Every setting with its source, in the order of the reference. Keys are never among the values. */
  described: DescribedSetting[];
}

interface Setting {
  name: Exclude<keyof ServerConfig, 'apiKeys' | 'configPath'>;
  flag?: string;
  variable: string;
  fallback: string | number | string[] | null;
}

const SETTINGS: Setting[] = [
  { name: 'host', flag: '--host', variable: 'USAGE_METER_HOST', fallback: '127.0.0.1' },
  { name: 'port', flag: '--port', variable: 'USAGE_METER_PORT', fallback: 4318 },
  {
    name: 'allowedHosts',
    flag: '--allowed-hosts',
    variable: 'USAGE_METER_ALLOWED_HOSTS',
    fallback: [],
  },
  { name: 'dataDir', flag: '--data-dir', variable: 'USAGE_METER_DATA_DIR', fallback: 'data' },
  { name: 'log', flag: '--log', variable: 'USAGE_METER_LOG', fallback: 'text' },
  { name: 'minFreeDiskBytes', variable: 'USAGE_METER_MIN_FREE_DISK', fallback: 256 * MIB },
  { name: 'journalRetentionDays', variable: 'USAGE_METER_JOURNAL_RETENTION_DAYS', fallback: null },
];

const CONFIG_VARIABLE = 'USAGE_METER_CONFIG';
const API_KEYS_VARIABLE = 'USAGE_METER_API_KEYS';

/** Flags and environment are text. */
const TextSettings = ServerSettings.extend({
  port: z.coerce.number().int().min(0).max(65_535),
  allowedHosts: z.string().transform(listed).pipe(z.array(AllowedHost)),
  minFreeDiskBytes: z.coerce.number().int().min(0),
  journalRetentionDays: z.coerce.number().min(0).nullable(),
});
const ApiKeys = z.array(z.string().regex(/^\S+$/, 'a key must be of printable characters without spaces'));

/**
 * What a server runs with. Flags before environment before file before defaults.
 * @throws ConfigError
 */
export function readConfig(flags: ServerFlags, environment: NodeJS.ProcessEnv): LoadedConfig {
  const loaded = loadConfig(flags, environment);
  const fault = exposureFault(loaded.server);
  if (fault !== null) throw new ConfigError(fault);
  return loaded;
}

/** Its settings alone. @throws ConfigError */
export function readServerConfig(flags: ServerFlags, environment: NodeJS.ProcessEnv): ServerConfig {
  return readConfig(flags, environment).server;
}

/**
 * What the configuration says, without regard to whether a server could run with it: see {@link exposureFault}.
 * @throws ConfigError
 */
export function loadConfig(flags: ServerFlags, environment: NodeJS.ProcessEnv): LoadedConfig {
  const config = configPath(flags, environment);
  const file = config.value === null ? null : readConfigFile(config.value);
  const described: DescribedSetting[] = [{ name: 'config', value: config.value, source: config.source }];
  const values: Partial<Record<Setting['name'], unknown>> = {};
  for (const setting of SETTINGS) {
    const { value, source } = readSetting(setting, flags, environment, file);
    values[setting.name] = value;
    described.push({ name: setting.name, value: shown(value), source });
  }
  const apiKeys = readApiKeys(environment);
  described.push({ name: 'apiKeys', value: apiKeys.length, source: apiKeysSource(apiKeys) });
  described.push(
    {
      name: 'discovery',
      value: file?.settings.discovery ?? DEFAULT_SETTINGS.discovery,
      source: fileSource(file, 'discovery'),
    },
    {
      name: 'maxFutureSeconds',
      value: file?.settings.maxFutureSeconds ?? DEFAULT_SETTINGS.maxFutureSeconds,
      source: fileSource(file, 'maxFuture'),
    },
  );
  const server = { ...values, apiKeys, configPath: config.value } as ServerConfig;
  return { server, file, described };
}

/**
 * Every setting with its value and where it comes from.
 * @throws ConfigError
 */
export function describeConfig(flags: ServerFlags, environment: NodeJS.ProcessEnv): DescribedSetting[] {
  return loadConfig(flags, environment).described;
}

/** Why a server must not run with these settings, or null where it may. */
export function exposureFault({ apiKeys, host }: ServerConfig): string | null {
  if (apiKeys.length > 0 || isLoopback(host)) return null;
  return (
    `host ${host} can be reached from other machines, and there is no API key: set ${API_KEYS_VARIABLE} ` +
    'to one or more keys, separated by commas, or listen on 127.0.0.1'
  );
}

/**
 * The folder of journal and ledger, absolute.
 * @throws ConfigError where only the configuration file says it, and the file cannot be used
 */
export function readDataDir(
  flags: Pick<ServerFlags, 'dataDir' | 'config'>,
  environment: NodeJS.ProcessEnv,
): string {
  const setting = SETTINGS.find(({ name }) => name === 'dataDir')!;
  // Who says it on the command line need not have a file that is right.
  const isSaid = (flags.dataDir ?? unset(environment[setting.variable])) !== undefined;
  const path = isSaid ? null : configPath(flags, environment).value;
  return String(readSetting(setting, flags, environment, path === null ? null : readConfigFile(path)).value);
}

type Value = string | number | string[] | null;
interface SettingValue {
  value: Value;
  source: SettingSource;
}

function configPath(
  flags: Pick<ServerFlags, 'config'>,
  environment: NodeJS.ProcessEnv,
): { value: string | null; source: SettingSource } {
  if (flags.config !== undefined)
    return { value: resolve(flags.config), source: { from: 'flag', flag: '--config' } };
  const variable = unset(environment[CONFIG_VARIABLE]);
  if (variable !== undefined)
    return { value: resolve(variable), source: { from: 'environment', variable: CONFIG_VARIABLE } };
  const present = resolve(DEFAULT_CONFIG_FILE);
  return { value: existsSync(present) ? present : null, source: { from: 'default' } };
}

function readSetting(
  { name, flag, variable, fallback }: Setting,
  flags: ServerFlags,
  environment: NodeJS.ProcessEnv,
  file: ConfigFile | null,
): SettingValue {
  const fromFlag = name in flags ? flags[name as keyof ServerFlags] : undefined;
  if (flag !== undefined && fromFlag !== undefined)
    return { value: checked(name, fromFlag, flag), source: { from: 'flag', flag } };
  const fromEnvironment = unset(environment[variable]);
  if (fromEnvironment !== undefined)
    return { value: checked(name, fromEnvironment, variable), source: { from: 'environment', variable } };
  const fromFile = file?.server?.[name];
  if (file !== null && fromFile !== undefined) {
    // A folder in a file is meant from there, wherever the server is started.
    const value = name === 'dataDir' ? resolve(dirname(file.path), String(fromFile)) : fromFile;
    return { value, source: fileSource(file, `server.${name}`) };
  }
  return {
    value: name === 'dataDir' ? resolve(String(fallback)) : fallback,
    source: { from: 'default' },
  };
}

/** @param said what named the value: a flag or a variable */
function checked(name: Setting['name'], text: string, said: string): Value {
  const parsed = TextSettings.shape[name].safeParse(text);
  if (!parsed.success) {
    throw new ConfigError(`${said}: ${parsed.error.issues[0].message} (got ${JSON.stringify(text)})`);
  }
  return name === 'dataDir' ? resolve(text) : (parsed.data ?? null);
}

function readApiKeys(environment: NodeJS.ProcessEnv): string[] {
  const parsed = ApiKeys.safeParse(listed(environment[API_KEYS_VARIABLE] ?? ''));
  // A message that showed what came would show a key.
  if (!parsed.success) throw new ConfigError(`${API_KEYS_VARIABLE}: ${parsed.error.issues[0].message}`);
  return parsed.data;
}

function apiKeysSource(apiKeys: string[]): SettingSource {
  return apiKeys.length === 0 ? { from: 'default' } : { from: 'environment', variable: API_KEYS_VARIABLE };
}

function fileSource(file: ConfigFile | null, setting: string): SettingSource {
  const line = file?.lines.get(setting);
  return file === null || line === undefined ? { from: 'default' } : { from: 'file', file: file.path, line };
}

/** Separated by commas. */
function listed(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** As people would write it. */
function shown(value: Value): string | number | null {
  if (!Array.isArray(value)) return value;
  return value.length === 0 ? null : value.join(', ');
}

/** A variable set to nothing is not set. */
function unset(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
