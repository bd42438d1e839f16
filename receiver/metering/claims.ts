/**
 * What a meter says of a signal: who is billed, for what, how much, when. The built-in meter and compiled rules both
 * answer in this form; metering judges it, gives it its keys and counts it.
 */
import type { EventSignal, SignalGroup } from '../otlp/event-signals.ts';
import type { AnyValue, Attribute, MetricKind } from '../otlp/metric-columns.ts';

/** What a meter may look at in a metric series. */
export interface SeriesView {
  group: SignalGroup;
  metricName: string;
  unit: string;
  kind: MetricKind;
  /** As on the wire: 0 unspecified, 1 delta, 2 cumulative. */
  temporality: number;
  monotonic: boolean;
  attributes: readonly Attribute[];
}

/** What a signal's fields mean to one meter. Ids are as they came: longer ones than allowed too. */
interface Attribution {
  /** null: none was found. */
  customerId: string | null;
  /** null: none was found. */
  dimensionId: string | null;
  /** Values as text, sorted by key. */
  metadata: Record<string, string>;
  /** A key that stands twice among the attributes is no fault to this meter. */
  allowsDuplicateAttributes: boolean;
}

/** How the points of a series become usage for one meter. Read once per series. */
export interface SeriesClaim extends Attribution {
  /**
   * The customer, where it was read off the resource: it tells writers apart that have one identity otherwise
   * (docs/decisions/0003-customer-in-identity.md). null: it was not, or is in the identity already.
   */
  resourceCustomerId: string | null;
  /** The point's own number; the count or sum of a distribution; or the same for every point, a decimal as text. */
  value: 'point' | 'count' | 'sum' | { constant: string };
  /** UCUM unit of the value; empty = 1. */
  unit: string;
  /** What a temporality that came unspecified is taken for; null = it is a fault. */
  assumedTemporality: 1 | 2 | null;
  /** The point's start is not looked at: 0 = unknown. */
  ignoresStart: boolean;
  /** A point without a time gets the time of its arrival. */
  fallsBackToReceived: boolean;
  /** An overflow point of the SDK, which has lost its attributes, is taken like any other. */
  takesOverflow: boolean;
}

/** What one log record or span is to one meter. */
export interface EventClaim extends Attribution {
  /**
   * As found: an OTLP value (int, double, or text that should spell a decimal), a decimal that the meter computed, or
   * null where the path leads nowhere.
   */
  value: AnyValue | { type: 'decimal'; value: string } | null;
  /** UCUM unit of the value; empty = 1. */
  unit: string;
  /** Unix nanoseconds; 0n: none of the meter's times is there. */
  timeUnixNano: bigint;
  /** The signal says no time: it has that of its arrival. */
  timeIsArrival?: boolean;
  /** Unix nanoseconds; 0n = unknown. */
  startUnixNano: bigint;
  /** The signal is the record by hand with this id: {@link eventId} and {@link unit} are not looked at. */
  recordId?: string;
  /** null: the signal names none; a span is known by its own ids then, a log record by its content. */
  eventId: string | null;
}

export interface Meter {
  readonly id: string;
  /** Of its rule; 0 for the built-in one. */
  readonly version: number;
  /** See SlotDefinition.sinceUnixNano. */
  readonly sinceUnixNano: bigint | null;
  /** Meters that are not asked about what this one claims. */
  readonly replaces: readonly string[];
  /** @returns null where the series is not the meter's business */
  claimSeries(series: SeriesView): SeriesClaim | null;
  /**
   * @param receivedAtUnixNano when the receiver took it, for meters whose time falls back to that
   * @returns null where the signal is not the meter's business
   */
  claimEvent(signal: EventSignal, receivedAtUnixNano: bigint): EventClaim | null;
}
