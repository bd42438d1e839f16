/** `usage-meter doctor`: whether a receiver can run here, whether its data is whole, and how one that runs is. */
import { join } from 'node:path';
import { type LoadedConfig, loadConfig, readDataDir } from '../../receiver/config.ts';
import { ConfigError } from '../../receiver/config-error.ts';
import { EXIT, type Shell } from '../shell.ts';
import { printable } from '../text-table.ts';
import { type Check, fail, ok } from './check.ts';
import { clockCheck, journalCheck, ledgerCheck, lockCheck } from './data-checks.ts';
import {
  configurationChecks,
  directoryCheck,
  diskChecks,
  nodeCheck,
  portCheck,
  syncCheck,
} from './machine-checks.ts';
import { receiverChecks } from './receiver-checks.ts';

export interface DoctorFlags {
  dataDir?: string;
  config?: string;
  host?: string;
  port?: string;
  url?: string;
  full?: boolean;
  json?: boolean;
}

/** Ends with 1 where a check fails. */
export async function examine(flags: DoctorFlags, shell: Shell): Promise<void> {
  const checks: Check[] = [];
  for await (const check of allChecks(flags, shell.environment)) {
    checks.push(check);
    if (!flags.json) shell.print(checkText(check, shell));
  }
  const failed = checks.filter(({ state }) => state === 'fail').length;
  const warned = checks.filter(({ state }) => state === 'warn').length;
  if (failed > 0) shell.exitCode = EXIT.failed;
  if (flags.json) shell.printJson({ ok: failed === 0, checks });
  else shell.print(`\n${checks.length} checks: ${failed} failed, ${warned} with a warning`);
}

const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
const NAME_WIDTH = 'data directory'.length;

function checkText({ name, state, detail, advice }: Check, shell: Shell): string {
  const line = `${shell.style(COLORS[state], state.padEnd(4))}  ${name.padEnd(NAME_WIDTH)}  ${printable(detail)}`;
  return advice === null
    ? line
    : `${line}\n${' '.repeat(NAME_WIDTH + 8)}${shell.style('bold', '→')} ${advice}`;
}

async function* allChecks(flags: DoctorFlags, environment: NodeJS.ProcessEnv): AsyncGenerator<Check> {
  const apiKey = environment.USAGE_METER_API_KEY || undefined;
  yield nodeCheck(process.versions.node);
  // Of a receiver elsewhere nothing is here.
  const isLocal = flags.url === undefined || flags.dataDir !== undefined;
  let url = flags.url?.replace(/\/+$/, '') ?? null;
  if (isLocal) {
    const { config, checks } = configuration(flags, environment);
    yield* checks;
    const local = yield* localChecks(flags, environment, config);
    url ??= local;
  }
  if (url !== null) yield* await receiverChecks(url, apiKey);
}

function configuration(
  flags: DoctorFlags,
  environment: NodeJS.ProcessEnv,
): { config: LoadedConfig | null; checks: Check[] } {
  try {
    const config = loadConfig(flags, environment);
    return { config, checks: configurationChecks(config) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first, ...others] = error.message.split('\n');
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return {
      config: null,
      checks: [fail('configuration', first + more, 'usage-meter config check shows all of it')],
    };
  }
}

/** @returns where the receiver answers that runs on the directory; null: none does */
async function* localChecks(
  flags: DoctorFlags,
  environment: NodeJS.ProcessEnv,
  config: LoadedConfig | null,
): AsyncGenerator<Check, string | null> {
  // Who says the directory need not have a file that is right.
  if (config === null && flags.dataDir === undefined) return null;
  const dataDir = config?.server.dataDir ?? readDataDir(flags, environment);
  const { check, diskPath } = await directoryCheck(dataDir);
  yield check;
  if (diskPath === null) return null;
  if (config !== null) yield* await diskChecks(diskPath, config.server.minFreeDiskBytes);
  yield await syncCheck(diskPath);
  if (diskPath !== dataDir) {
    yield ok('clock', new Date().toISOString());
    if (config !== null) yield await portCheck(config.server.host, config.server.port);
    return null;
  }
  const lock = await lockCheck(dataDir);
  yield lock.check;
  const journal = await journalCheck(join(dataDir, 'journal'), {
    isWritten: lock.isHeld,
    isFull: flags.full === true,
  });
  yield journal.check;
  yield clockCheck(Date.now(), journal.ends?.newestReceivedAtUnixNano ?? 0n);
  if (lock.isHeld) return config === null || flags.url !== undefined ? null : urlOf(config.server);
  if (journal.check.state !== 'fail') yield await ledgerCheck(join(dataDir, 'ledger.duckdb'), journal.ends);
  if (config !== null && flags.url === undefined)
    yield await portCheck(config.server.host, config.server.port);
  return null;
}

/** An address that listens everywhere is asked at home. */
function urlOf({ host, port }: { host: string; port: number }): string {
  const asked = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${asked.includes(':') ? `[${asked}]` : asked}:${port}`;
}
