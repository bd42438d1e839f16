/** The times of a signal, by the sources that a rule names: the first that has one wins. */

import { scaledFromText } from '../../../storage/decimal.ts';
import type { EventSignal } from '../../otlp/event-signals.ts';
import type { Found } from '../attribute-values.ts';
import { pathOf } from './match.ts';
import type { TimeSource } from './meter-rule.ts';
import type { SignalType } from './path.ts';
import { readerOf } from './read.ts';

/** @returns Unix nanoseconds; 0n where the source has none */
type ReadTime = (signal: EventSignal, receivedAtUnixNano: bigint) => bigint;

/** 2^64 − 1: what a time of OTLP can be. */
const LATEST_UNIX_NANO = 0xffff_ffff_ffff_ffffn;
/** Seconds, milliseconds and so on to nanoseconds, from values scaled by 10^12. */
const SCALED_PER_NANO: Readonly<Record<string, bigint>> = {
  s: 10n ** 3n,
  ms: 10n ** 6n,
  us: 10n ** 9n,
  ns: 10n ** 12n,
};

/** @returns Unix nanoseconds of the first source that has a time; 0n where none has */
export function timeReader(sources: readonly TimeSource[], signal: SignalType): ReadTime {
  const reads = sources.map((source) => sourceReader(source, signal)).filter((read) => read !== null);
  if (reads.length === 1) return reads[0];
  return (event, receivedAtUnixNano) => {
    for (const read of reads) {
      const unixNano = read(event, receivedAtUnixNano);
      if (unixNano !== 0n) return unixNano;
    }
    return 0n;
  };
}

/** null: the signal has no such time. */
function sourceReader(source: TimeSource, signal: SignalType): ReadTime | null {
  switch (source) {
    case 'received':
      return (_event, receivedAtUnixNano) => receivedAtUnixNano;
    case 'time':
      return signal === 'logs' ? (event) => (event.type === 'log' ? event.timeUnixNano : 0n) : null;
    case 'observed_time':
      return signal === 'logs' ? (event) => (event.type === 'log' ? event.observedTimeUnixNano : 0n) : null;
    case 'start':
      return signal === 'spans' ? (event) => (event.type === 'span' ? event.startTimeUnixNano : 0n) : null;
    case 'end':
      return signal === 'spans' ? (event) => (event.type === 'span' ? event.endTimeUnixNano : 0n) : null;
  }
  const { path, format } = typeof source === 'string' ? { path: source, format: 'rfc3339' } : source;
  const read = readerOf(pathOf(path), signal).value;
  return format === 'rfc3339'
    ? (event) => unixNanoFromValue(read(event))
    : (event) => unixNanoFromNumber(read(event), SCALED_PER_NANO[format]);
}

function unixNanoFromValue(value: Found | undefined): bigint {
  return value?.type === 'string' ? unixNanoFromRfc3339(value.value) : 0n;
}

function unixNanoFromNumber(value: Found | undefined, scaledPerNano: bigint): bigint {
  switch (value?.type) {
    case 'int':
    case 'double':
    case 'string':
    case 'decimal': {
      const scaled = scaledFromText(String(value.value));
      return scaled === null ? 0n : inRange(scaled / scaledPerNano);
    }
    default:
      return 0n;
  }
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** Unix nanoseconds of an RFC 3339 date-time with an offset, finer digits cut off; 0n for any other text. */
export function unixNanoFromRfc3339(text: string): bigint {
  const match = RFC_3339.exec(text);
  if (match === null) return 0n;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  // Date takes any number for a month or day, and years below 100 for those of the 20th century.
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return 0n;
  // A leap second, which RFC 3339 can write, is the first instant of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return 0n;
  const unixMilli = Date.UTC(year, month - 1, day, hour, minute, second);
  const [, , , , , , , fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const offsetMinutes = (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  const nanos = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return inRange(BigInt(unixMilli - offsetMinutes * 60_000) * 1_000_000n + nanos);
}

function inRange(unixNano: bigint): bigint {
  return unixNano > 0n && unixNano <= LATEST_UNIX_NANO ? unixNano : 0n;
}
