/** Flags that several commands have, as their help tells them, and what they become. */
import { type Command, Option } from 'commander';
import { DEFAULT_URL } from './http-client.ts';
import type { Range, RangeFlags } from './range.ts';
import type { Params } from './receiver-api.ts';
import { UsageError } from './usage-error.ts';

/** Of every command that asks a receiver. */
export function withReceiver(command: Command): Command {
  return command
    .option('--url <address>', `the receiver (default ${DEFAULT_URL}; its key in USAGE_METER_API_KEY)`)
    .option('--json', 'one JSON document, for programs');
}

export function withRange(command: Command): Command {
  return command
    .option('--from <time>', 'begin: RFC 3339 with an offset, or a date in the time zone')
    .option('--to <time>', 'end, not included (default now)')
    .option('--last <duration>', 'until now: 90m, 24h, 30d, 2w, 6mo, 1y')
    .option('--month <month>', 'a calendar month: 2026-10, this, last')
    .option('--day <date>', 'a calendar day: 2026-10-05, today, yesterday')
    .option('--time-zone <zone>', 'IANA zone of dates, days and months (default UTC)');
}

/** Which usage a question is about. */
export interface FilterFlags {
  customer?: string[];
  dimension?: string[];
  metadata?: string[];
}

export function withUsageFilter(command: Command): Command {
  return command
    .option('-c, --customer <id>', 'of this customer alone; repeatable: any of them', collect)
    .option('-d, --dimension <id>', 'of this dimension alone; repeatable: any of them', collect)
    .option(
      '-m, --metadata <key=value>',
      'with this metadata; the same key again: any of its values',
      collect,
    );
}

/** @throws UsageError */
export function filterParams({ customer = [], dimension = [], metadata = [] }: FilterFlags): Params {
  return [
    ...named('customerId', customer),
    ...named('dimensionId', dimension),
    ...pairs('--metadata', metadata).map(([key, value]) => [`metadata.${key}`, value] as const),
  ];
}

/** Of what is to be had in pages. */
export interface PageFlags {
  limit?: string;
  cursor?: string;
}

/** @param fallback how many rows there are without the flag */
export function withPages(command: Command, fallback = 'default: all'): Command {
  return command
    .option('--limit <number>', `so many rows at most (${fallback})`)
    .option('--cursor <cursor>', 'go on behind the rows of an answer that was limited: its nextCursor');
}

/** @returns how many rows at most. @throws UsageError */
export function limitOf({ limit }: PageFlags): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new UsageError(`--limit must be a whole number from 1 (got "${limit}")`);
}

/** The parameters of a list that stand on flags of their own name. */
export function cursorParam({ cursor }: PageFlags): Params {
  return optional('cursor', cursor);
}

/** The parameters of a range; without one, only the zone of other times. */
export function rangeParams(range: Range | null, flags: RangeFlags): Params {
  const ends: Params =
    range === null
      ? []
      : [
          ['from', range.from],
          ['to', range.to],
        ];
  return [...ends, ...optional('timeZone', flags.timeZone)];
}

/** A parameter, where its flag is given. */
export function optional(name: string, value: string | undefined): Params {
  return value === undefined ? [] : [[name, value]];
}

/** A parameter as often as its flag is given. */
export function named(name: string, values: readonly string[] = []): Params {
  return values.map((value) => [name, value] as const);
}

/** For flags that may be repeated. */
export function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/**
 * The pairs of a repeatable `key=value`; the value may be empty, and have further equals signs.
 * @throws UsageError
 */
export function pairs(flag: string, texts: readonly string[]): [key: string, value: string][] {
  return texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UsageError(`${flag} must look like ${flag} region=eu (got "${text}")`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
}

/** How old an answer may be. */
export function freshnessOption(): Option {
  return new Option('--freshness <age>', 'complete waits for all that was acknowledged; available does not')
    .choices(['complete', 'available'])
    .default('complete');
}
