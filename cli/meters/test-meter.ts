/** `usage-meter meters test`: a rule over captured files, or over what a receiver took in the last hours. */

import { ConfigError } from '../../receiver/config-error.ts';
import { type DryRunProgress, dryRun } from '../../receiver/dry-run/dry-run.ts';
import { otlpFileFrames, otlpFiles, type SignalName } from '../../receiver/dry-run/otlp-files.ts';
import type { DryRunReport } from '../../receiver/dry-run/report.ts';
import { DEFAULT_URL, detailOf, ReceiverClient } from '../http-client.ts';
import { counted } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';
import { type KnownRegistry, knownRegistry } from './known-registry.ts';
import { reportText } from './report-text.ts';
import { type RuleFile, readRuleFile } from './rule-file.ts';

export interface TestFlags {
  meter?: string;
  files?: string[];
  signal?: SignalName;
  last?: string;
  maxSignals?: string;
  url?: string;
  offline?: boolean;
  json?: boolean;
}

const MAX_HOURS = 168;
const MAX_SIGNALS = 5_000_000;
/** Where the output is no terminal. */
const DEFAULT_WIDTH = 120;
/** Another dry run may be under way, which takes a minute at most. */
const PATIENCE_MS = 75_000;

/** @returns the exit code: 0 a report was made, 1 the rule is none or nothing could be looked at, 2 wrong usage */
export async function testMeter(
  ruleFile: string,
  flags: TestFlags,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  try {
    const limits = { lastHours: hoursOf(flags), maxSignals: signalsOf(flags) };
    const rule = readRuleFile(ruleFile, flags.meter);
    const apiKey = environment.USAGE_METER_API_KEY || undefined;
    const { report, source } =
      flags.files === undefined
        ? await testOnReceiver(rule, flags.url ?? DEFAULT_URL, apiKey, limits)
        : await testOnFiles(rule, flags.files, flags, apiKey, limits.maxSignals);
    const context = {
      source,
      isJournal: flags.files === undefined,
      width: process.stdout.columns ?? DEFAULT_WIDTH,
    };
    console.log(flags.json ? JSON.stringify({ source, ...report }, null, 2) : reportText(report, context));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`usage-meter: ${error.message}`);
      return 2;
    }
    // Each problem is a line that editors can follow.
    console.error(error instanceof ConfigError ? error.message : `usage-meter: ${(error as Error).message}`);
    return 1;
  }
}

interface Tested {
  report: DryRunReport;
  /** Where the version in force is from. */
  source: string;
}

async function testOnReceiver(
  { rule }: RuleFile,
  url: string,
  apiKey: string | undefined,
  { lastHours, maxSignals }: { lastHours: number; maxSignals: number },
): Promise<Tested> {
  const client = new ReceiverClient({
    url,
    apiKey,
    patienceMs: PATIENCE_MS,
    onRetry: (reason) => console.error(`${reason}; asking again`),
  });
  const { status, body } = await client.request({
    method: 'POST',
    path: '/api/v1/meters/test',
    body: JSON.stringify({ rule, lastHours, maxSignals }),
    isRepeatable: true,
  });
  if (status !== 200)
    throw new Error(`the receiver at ${client.url} answers with ${status}${detailOf(body)}`);
  // It is the receiver's own report: both are of one release.
  return { report: body as DryRunReport, source: `the receiver at ${client.url}` };
}

async function testOnFiles(
  { rule, config }: RuleFile,
  paths: readonly string[],
  { signal, url, offline }: TestFlags,
  apiKey: string | undefined,
  maxSignals: number,
): Promise<Tested> {
  const files = await otlpFiles(paths);
  if (files.length === 0) throw new UsageError(`there are no OTLP files in ${paths.join(', ')}`);
  const { registry, source }: KnownRegistry = await knownRegistry({
    url,
    apiKey,
    isOffline: offline === true,
    own: config,
  });
  const stopping = new AbortController();
  // What was written is removed before the process ends.
  const stop = () => stopping.abort(new Error('stopped'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const report = await dryRun({
      rule,
      registry,
      frames: otlpFileFrames(files, {
        ...(signal === undefined ? {} : { signal }),
        receivedAtUnixNano: BigInt(Date.now()) * 1_000_000n,
        abort: stopping.signal,
      }),
      maxSignals,
      signal: stopping.signal,
      onProgress: tellProgress,
    });
    // Files do not say when they were received.
    return { report: { ...report, receivedFrom: null, receivedUntil: null }, source };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** On a terminal alone: one line, written over again. */
function tellProgress({ requests, signals }: DryRunProgress): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\u001b[K${counted(signals, 'signal')} in ${counted(requests, 'request')}\r`);
}

const HOURS: Readonly<Record<string, number>> = { m: 1 / 60, h: 1, d: 24 };

function hoursOf({ last, files, signal, url, offline }: TestFlags): number {
  if (files !== undefined && last !== undefined)
    throw new UsageError('either --files or --last: files do not say when they were received');
  if (files === undefined && signal !== undefined)
    throw new UsageError('--signal is for --files: the journal knows of which signal its requests are');
  if (offline && (files === undefined || url !== undefined))
    throw new UsageError('--offline is for --files, without --url');
  const match = /^(\d+(?:\.\d+)?)\s*(m|h|d)$/.exec(last ?? '24h');
  const hours = match === null ? 0 : Number(match[1]) * HOURS[match[2]];
  if (hours > 0 && hours <= MAX_HOURS) return hours;
  throw new UsageError(`--last must be a duration such as 30m, 24h or 7d, at most 7d (got "${last}")`);
}

function signalsOf({ maxSignals = String(MAX_SIGNALS) }: TestFlags): number {
  const signals = Number(maxSignals);
  if (Number.isInteger(signals) && signals >= 1 && signals <= MAX_SIGNALS) return signals;
  throw new UsageError(`--max-signals must be a whole number from 1 to ${MAX_SIGNALS} (got "${maxSignals}")`);
}
