/**
 * A rule as a meter: everything that follows from the rule alone is done once, here, so that a signal costs only what
 * it must be looked at.
 */
import { UNIT_ONE } from '../../../instrumentation/semconv.ts';
import { textFromScaled } from '../../../storage/decimal.ts';
import type { EventSignal, SpanSignal } from '../../otlp/event-signals.ts';
import type { Attribute } from '../../otlp/metric-columns.ts';
import { type Found, idTextOf, sortedText } from '../attribute-values.ts';
import type { EventClaim, Meter, SeriesClaim, SeriesView } from '../claims.ts';
import { compileMatch, pathOf } from './match.ts';
import { listOf, type MeterRule, type TimeSource } from './meter-rule.ts';
import { type Path, parsePath, type SignalType } from './path.ts';
import { readerOf, type Subject, textOf } from './read.ts';
import { timeReader } from './times.ts';

/** A nanosecond in the units that a duration may be given in, scaled by 10^12. */
const SCALED_PER_NANO: Readonly<Record<string, bigint>> = {
  ns: 10n ** 12n,
  us: 10n ** 9n,
  ms: 10n ** 6n,
  s: 10n ** 3n,
};

const DEFAULT_TIMES: Readonly<Record<SignalType, readonly TimeSource[]>> = {
  metrics: ['time'],
  logs: ['time', 'observed_time'],
  spans: ['end'],
};

type Read<T> = (subject: Subject) => T;

/** What a rule reads off the signals of one kind. */
interface Attribution {
  matches: Read<boolean>;
  customerId: Read<string | null>;
  dimensionId: Read<string | null>;
  metadata: Read<Record<string, string>>;
}

interface EventProgram extends Attribution {
  value: Read<EventClaim['value']>;
  time: ReturnType<typeof timeReader>;
  fallsBackToReceived: boolean;
  startTime: ReturnType<typeof timeReader>;
  eventId: Read<string | null>;
}

/** @param rule with its defaults, as {@link parseMeterRule} gives it */
export function compileMeter(
  rule: MeterRule,
  { version, sinceUnixNano }: { version: number; sinceUnixNano: bigint | null },
): Meter {
  const programOf = (signal: 'logs' | 'spans') =>
    rule.enabled && rule.signals.includes(signal) ? eventProgram(rule, signal) : null;
  const ofLogs = programOf('logs');
  const ofSpans = programOf('spans');
  const unit = rule.unit ?? (rule.value === 'duration' ? 's' : UNIT_ONE);
  const allowsDuplicateAttributes = rule.allowDuplicateAttributes;

  return {
    id: rule.id,
    version,
    sinceUnixNano,
    replaces: rule.replaces,
    claimSeries: rule.enabled && rule.signals.includes('metrics') ? seriesClaimer(rule) : () => null,
    claimEvent(signal: EventSignal, receivedAtUnixNano: bigint): EventClaim | null {
      const program = signal.type === 'log' ? ofLogs : ofSpans;
      if (program === null || !program.matches(signal)) return null;
      // The time is that of the arrival where another arrival would give another one.
      const timeIsArrival =
        program.fallsBackToReceived && program.time(signal, 1n) !== program.time(signal, 2n);
      return {
        customerId: program.customerId(signal),
        dimensionId: program.dimensionId(signal),
        metadata: program.metadata(signal),
        allowsDuplicateAttributes,
        value: program.value(signal),
        unit,
        timeUnixNano: program.time(signal, receivedAtUnixNano),
        ...(timeIsArrival ? { timeIsArrival } : {}),
        startUnixNano: program.startTime(signal, receivedAtUnixNano),
        eventId: program.eventId(signal),
      };
    },
  };
}

function attributionOf(rule: MeterRule, signal: SignalType): Attribution {
  const { customer, dimension } = rule;
  return {
    matches: compileMatch(rule.match, signal),
    customerId: idReader(customer, signal),
    dimensionId: typeof dimension === 'string' ? () => dimension : idReader(dimension, signal),
    metadata: metadataReader(rule, signal),
  };
}

function seriesClaimer(rule: MeterRule): Meter['claimSeries'] {
  const { matches, customerId, dimensionId, metadata } = attributionOf(rule, 'metrics');
  const value = metricValue(rule);
  const isCount = value === 'count' || typeof value === 'object';
  const fallsBackToReceived = rule.time !== undefined && listOf(rule.time).includes('received');
  const resourceCustomerId = resourceCustomerReader(rule);
  return (series: SeriesView): SeriesClaim | null => {
    if (!matches(series)) return null;
    return {
      customerId: customerId(series),
      resourceCustomerId: resourceCustomerId(series),
      dimensionId: dimensionId(series),
      metadata: metadata(series),
      allowsDuplicateAttributes: rule.allowDuplicateAttributes,
      value,
      // How many there were has not the unit of what was measured.
      unit: rule.unit ?? (isCount ? UNIT_ONE : series.unit),
      assumedTemporality: rule.temporality === null ? null : rule.temporality === 'delta' ? 1 : 2,
      ignoresStart: rule.startTime === 'none',
      fallsBackToReceived,
      takesOverflow: rule.overflow === 'accept',
    };
  };
}

function metricValue({ value }: MeterRule): SeriesClaim['value'] {
  if (typeof value === 'object' && 'constant' in value) return value;
  return value === 'count' || value === 'sum' ? value : 'point';
}

function eventProgram(rule: MeterRule, signal: 'logs' | 'spans'): EventProgram {
  const { time = DEFAULT_TIMES[signal], startTime = signal === 'spans' ? 'start' : 'none', eventId } = rule;
  return {
    ...attributionOf(rule, signal),
    value: valueReader(rule, signal),
    time: timeReader(listOf<TimeSource>(time), signal),
    fallsBackToReceived: listOf<TimeSource>(time).includes('received'),
    startTime: timeReader(startTime === 'none' ? [] : listOf<TimeSource>(startTime), signal),
    eventId: eventId === 'none' ? () => null : idReader(eventId, signal),
  };
}

function valueReader(rule: MeterRule, signal: SignalType): Read<EventClaim['value']> {
  const { value } = rule;
  if (value === 'duration') {
    const scaledPerNano = SCALED_PER_NANO[rule.unit ?? 's'];
    return (span) => {
      const { startTimeUnixNano, endTimeUnixNano } = span as SpanSignal;
      // 0 is OTLP's "unknown", not 1970.
      if (startTimeUnixNano === 0n || endTimeUnixNano === 0n) return null;
      const nanos = endTimeUnixNano - startTimeUnixNano;
      return { type: 'decimal', value: textFromScaled(nanos * scaledPerNano) };
    };
  }
  if (typeof value === 'object' && 'path' in value) {
    const found = firstReader(listOf(value.path), signal);
    const fallback = value.default === undefined ? null : decimal(value.default);
    return (subject) => found(subject) ?? fallback;
  }
  const constant = decimal(typeof value === 'object' ? value.constant : '1');
  return () => constant;
}

function decimal(value: string): { type: 'decimal'; value: string } {
  return { type: 'decimal', value };
}

/** The first value that is there and is not the empty text. */
function firstReader(paths: readonly string[], signal: SignalType): Read<Found | null> {
  const reads = paths.map((path) => readerOf(pathOf(path), signal).value);
  return (subject) => {
    for (const read of reads) {
      const found = read(subject);
      if (found !== undefined && !(found.type === 'string' && found.value === '')) return found;
    }
    return null;
  };
}

function idReader(
  source: string | string[] | { path: string | string[]; default?: string | undefined },
  signal: SignalType,
): Read<string | null> {
  const reads = pathsOf(source).map((text) => readerOf(pathOf(text), signal).value);
  const fallback = typeof source === 'object' && 'path' in source ? (source.default ?? null) : null;
  return (subject) => {
    for (const read of reads) {
      const id = idTextOf(read(subject));
      if (id !== null) return id;
    }
    return fallback;
  };
}

function pathsOf(source: string | string[] | { path: string | string[] }): readonly string[] {
  return listOf(typeof source === 'object' && 'path' in source ? source.path : source);
}

/** The paths of a rule's customer that lead into the resource. */
export function resourceCustomerPaths({ customer }: MeterRule): string[] {
  return pathsOf(customer).filter((path) => pathOf(path).field === 'resource');
}

/** The customer of a series where it is the resource that names it; null where something else does, or nothing. */
function resourceCustomerReader(rule: MeterRule): Read<string | null> {
  const ofResource = new Set(resourceCustomerPaths(rule));
  if (ofResource.size === 0) return () => null;
  const reads = pathsOf(rule.customer).map((text) => ({
    value: readerOf(pathOf(text), 'metrics').value,
    isOfResource: ofResource.has(text),
  }));
  return (series) => {
    for (const { value, isOfResource } of reads) {
      const id = idTextOf(value(series));
      if (id !== null) return isOfResource ? id : null;
    }
    return null;
  };
}

const OWN_PROPERTY = { enumerable: true, configurable: true, writable: true };

function metadataReader(rule: MeterRule, signal: SignalType): Read<Record<string, string>> {
  const { metadata } = rule;
  if (metadata === 'all') return allMetadata(attributesRead(rule));
  const named: [string, Read<Found | null>][] = Array.isArray(metadata)
    ? metadata.map((key) => [key, metadataValue([{ field: 'attributes', steps: [key] }], signal)])
    : Object.entries(metadata).map(([name, paths]) => [
        name,
        metadataValue(listOf(paths).map(pathOf), signal),
      ]);
  named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return (subject) => {
    const texts: Record<string, string> = {};
    for (const [name, read] of named) {
      const found = read(subject);
      if (found === null) continue;
      // A plain assignment to this one would set the prototype and lose the pair.
      if (name === '__proto__') Object.defineProperty(texts, name, { ...OWN_PROPERTY, value: textOf(found) });
      else texts[name] = textOf(found);
    }
    return texts;
  };
}

/** As {@link firstReader}, but where there is an empty text and nothing else, it is the value. */
function metadataValue(paths: readonly Path[], signal: SignalType): Read<Found | null> {
  const reads = paths.map((path) => readerOf(path, signal).value);
  return (subject) => {
    let empty: Found | null = null;
    for (const read of reads) {
      const found = read(subject);
      if (found === undefined) continue;
      if (found.type !== 'string' || found.value !== '') return found;
      empty = found;
    }
    return empty;
  };
}

function allMetadata(without: ReadonlySet<string>): Read<Record<string, string>> {
  return ({ attributes }) => {
    const entries: [string, string][] = [];
    // From the last to the first, so that of a key that stands twice the first one stays, as wherever a path is read.
    for (const { key, value } of (attributes as readonly Attribute[]).toReversed()) {
      if (value.type !== 'empty' && !without.has(key)) entries.push([key, textOf(value)]);
    }
    return sortedText(entries);
  };
}

/** Keys of the signal's attributes that the rule reads for something else than metadata. */
function attributesRead({ customer, dimension, value, eventId, time, startTime }: MeterRule): Set<string> {
  const keys = new Set<string>();
  const add = (source: unknown): void => {
    if (Array.isArray(source)) source.forEach(add);
    else if (typeof source === 'object' && source !== null && 'path' in source) add(source.path);
    else if (typeof source === 'string') {
      // A source of time may be a name of its own, which is no path.
      const path = parsePath(source);
      if ('field' in path && path.field === 'attributes' && path.steps.length === 1)
        keys.add(String(path.steps[0]));
    }
  };
  add(customer);
  if (typeof dimension === 'object') add(dimension);
  if (typeof value === 'object') add(value);
  if (eventId !== 'none') add(eventId);
  add(time);
  add(startTime);
  return keys;
}
