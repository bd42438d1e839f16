/**
 * Each reason for which a signal is not counted, in the words of docs/quarantine.md (a test holds both together), and what
 * is offered first to repair it.
 */
import type { RowOf } from '../../api/client.ts';

export type Reason = RowOf<'GET /api/v1/quarantine'>['reason'];

/** What can be done about signals: see fixes.tsx. */
export type Fix =
  | 'customer'
  | 'declare-customer'
  | 'declare-dimension'
  | 'unit'
  | 'aggregation'
  | 'credits'
  | 'own-values'
  | 'correct'
  | 'replay'
  | 'dismiss';

export interface ReasonText {
  title: string;
  meaning: string;
  /** What helps for signals to come; empty where nothing does. */
  writer: string;
  /** What helps for those that are listed. */
  listed: string;
  /** What is offered, the first as the thing to do. Correcting, replaying and dismissing are possible always. */
  fixes?: readonly Fix[];
}

/** In the order in which they apply. */
export const REASONS: Readonly<Record<Reason, ReasonText>> = {
  sdk_overflow: {
    title: 'The SDK merged series',
    meaning:
      'The SDK passed its cardinality limit and merged series into one with otel.metric.overflow; customer and metadata are gone',
    writer: "Raise the limit, or record with this project's library, which exports before it is reached",
    listed: 'A meter with overflow: accept and a customer for the rest',
  },
  missing_customer: {
    title: 'No customer',
    meaning:
      "No customer where the meter's rule looks for one (the built-in meter: usage.customer.id of the signal or its resource), or one that is no non-empty string, integer or boolean",
    writer: 'Set the attribute',
    listed: 'A meter whose rule has other paths, or a default; or a correction',
    fixes: ['customer'],
  },
  duplicate_attribute: {
    title: 'An attribute stands twice',
    meaning:
      'A key stands twice among the attributes of the signal, its scope or its resource; SDKs never write that',
    writer: 'Look for a processor that adds attributes without replacing them',
    listed: 'A meter with allowDuplicateAttributes, for which the first holds; or a correction',
  },
  time_zero: {
    title: 'No time',
    meaning: 'The signal has none of the times that the rule names',
    writer: 'Set the time',
    listed: 'A meter with time: [time, received]; or a correction',
  },
  start_after_time: {
    title: 'Ends before it begins',
    meaning: 'It ends before it begins',
    writer: 'Set the clock',
    listed: 'A meter with startTime: none; or a correction',
  },
  time_in_future: {
    title: 'From the future',
    meaning: 'Its time is further than maxFuture (10 minutes) after its arrival',
    writer: 'Set the clock',
    listed: 'A greater maxFuture; or a correction. Once its time has come it counts if it is sent again',
  },
  no_value: {
    title: 'No value',
    meaning: 'There is no value',
    writer: 'Record one',
    listed: 'A default in the rule; or a correction',
  },
  not_a_number: {
    title: 'Not a number',
    meaning: 'NaN, or a text that is no decimal number',
    writer: 'Record a number',
    listed: 'A rule that finds the number; or a correction',
  },
  infinite: {
    title: 'Infinite',
    meaning: '±Infinity',
    writer: 'Record a number',
    listed: 'A correction',
  },
  out_of_range: {
    title: 'Too large',
    meaning: 'More than 26 integer digits',
    writer: 'Use a larger unit',
    listed: 'A meter into a dimension with a larger unit; or a correction',
  },
  unspecified_temporality: {
    title: 'Neither delta nor cumulative',
    meaning: 'A sum or histogram that is neither delta nor cumulative',
    writer: "Set the exporter's temporality",
    listed: 'A meter with temporality',
  },
  unsupported_kind: {
    title: 'Histogram or summary',
    meaning: 'A histogram or summary, and no meter says whether its count or its sum is usage',
    writer: 'Record usage with a counter',
    listed: 'A meter with value: count or value: sum',
  },
  negative_monotonic: {
    title: 'A counter went below zero',
    meaning: 'A counter that only grows has a negative value',
    writer: 'Record what was used',
    listed: 'A correction',
  },
  other_temporality: {
    title: 'Came in both temporalities',
    meaning:
      'The same instrument of the same writer sent the other temporality first. Counting both would count twice',
    writer: 'Use one exporter setting per process',
    listed: 'A correction, with what the other did not count',
  },
  mixed_start: {
    title: 'Start time comes and goes',
    meaning: 'A running total came with and without a start time; this is the kind that came second',
    writer: 'Look for a Collector that drops start times on one of two ways',
    listed: 'A correction',
  },
  unknown_dimension: {
    title: 'Unknown dimension',
    meaning:
      'Nobody declared the dimension, and it is not discovered: discovery is off, or the signal is none that creates one (counters, logs and spans do; levels do not)',
    writer: '',
    listed: 'Declare the dimension',
    fixes: ['declare-dimension'],
  },
  wrong_unit: {
    title: 'Wrong unit',
    meaning:
      "The unit does not convert to the dimension's. Units in braces, the empty one and 1 are the same",
    writer: 'Use one unit per dimension',
    listed: 'A meter with unit',
    fixes: ['unit', 'own-values'],
  },
  level_into_sum: {
    title: 'A level into a sum',
    meaning: 'A gauge or up-down total says how much there is, not how much was used, and the dimension sums',
    writer: 'Record usage with a counter',
    listed: 'Declare the dimension with another aggregation',
    fixes: ['aggregation'],
  },
  credits_not_allowed: {
    title: 'A credit',
    meaning: 'It takes usage back, and the dimension takes no credits',
    writer: 'Record usage only',
    listed: 'Declare the dimension with creditsAllowed',
    fixes: ['credits'],
  },
  event_conflict: {
    title: 'Same id, other content',
    meaning: 'The id of an event came again with other content; the first holds',
    writer: 'Give every event an id of its own',
    listed: 'A correction counts it beside the first one; or dismiss it',
    fixes: ['own-values'],
  },
  baseline: {
    title: 'First reading',
    meaning:
      'The first reading of a running total that may have begun before it was watched: what it counted before is unknown. Later readings count what exceeds it',
    writer: '',
    listed: 'A correction with the amount to bill; or dismiss it',
    fixes: ['own-values'],
  },
  id_too_long: {
    title: 'Id too long',
    meaning: 'The id of the customer or the dimension has more than 1,024 characters; it is listed shortened',
    writer: 'Use a shorter id',
    listed: 'A correction',
  },
  unknown_customer: {
    title: 'Unknown customer',
    meaning: 'Nobody declared the customer, and discovery is off',
    writer: '',
    listed: 'Declare the customer, or an alias; or turn discovery on',
    fixes: ['declare-customer', 'customer'],
  },
  before_baseline: {
    title: 'Before a settled baseline',
    meaning:
      'A reading of a running total from before its baseline, and somebody has corrected or dismissed that baseline already: how far it had counted by then is in what they said',
    writer: '',
    listed: 'Dismiss it; or a correction, if it was not',
    fixes: ['dismiss'],
  },
};

const ALWAYS: readonly Fix[] = ['correct', 'replay', 'dismiss'];

/** The fixes of a reason, the one to try first in front; without a reason those that fit any. */
export function fixesOf(reason: Reason | undefined): Fix[] {
  const own = reason === undefined ? [] : (REASONS[reason].fixes ?? []);
  return [...new Set([...own, ...ALWAYS])];
}
