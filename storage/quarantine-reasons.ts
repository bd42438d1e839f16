/**
 * What each reason for quarantine means and what helps, for people: the API, the dashboard and the command tell it from
 * here, and a test holds docs/quarantine.md to it.
 */
import { QUARANTINE_CODES, type QuarantineCode } from './quarantine-codes.ts';

/** Texts without markup. All but the title are sentences without their full stop. */
export interface ReasonText {
  title: string;
  meaning: string;
  /** What helps for signals to come; empty where nothing does. */
  writer: string;
  /** What helps for those that are listed, what needs no change of a meter first. */
  listed: string;
}

export interface QuarantineReason extends ReasonText {
  reason: QuarantineCode;
}

const TEXTS: Readonly<Record<QuarantineCode, ReasonText>> = {
  sdk_overflow: {
    title: 'The SDK merged series',
    meaning:
      'The SDK passed its cardinality limit and merged series into one, marked otel.metric.overflow; customer and metadata are gone',
    writer: "Raise the limit, or record with this project's library, which exports before it is reached",
    listed:
      'Correct its customer, if one alone used it; or let the meter take such signals (overflow: accept) with a customer for the rest, and replay',
  },
  missing_customer: {
    title: 'No customer',
    meaning:
      "It names no customer where the meter's rule looks for one (the built-in meter: usage.customer.id of the signal or its resource). An id is a text that is not empty, an integer or a boolean",
    writer: 'Set the attribute',
    listed: "Choose the customer; or give the meter's rule other places to look, or a default, and replay",
  },
  duplicate_attribute: {
    title: 'An attribute stands twice',
    meaning:
      'A key stands twice among the attributes of the signal, its scope or its resource; SDKs never write that',
    writer: 'Look for a processor that adds attributes without replacing them',
    listed:
      'Correct it; or let the first of them hold in the meter (allowDuplicateAttributes: true), and replay',
  },
  time_zero: {
    title: 'No time',
    meaning: 'It has none of the times that the rule names',
    writer: 'Set the time',
    listed:
      'Correct its time; or let the meter take that of its arrival (time: [time, received]), and replay',
  },
  start_after_time: {
    title: 'Ends before it begins',
    meaning: 'Its start time is later than its time',
    writer: 'Set the clock',
    listed: 'Correct its times; or let the meter leave out start times (startTime: none), and replay',
  },
  time_in_future: {
    title: 'From the future',
    meaning: 'Its time is further than maxFuture (10 minutes) after its arrival',
    writer: 'Set the clock',
    listed:
      'Correct its time; or set a greater maxFuture, and replay. If it is sent again once its time has come, it counts',
  },
  no_value: {
    title: 'No value',
    meaning: 'There is no value',
    writer: 'Record one',
    listed: "Correct its value; or give the meter's rule a default, and replay",
  },
  not_a_number: {
    title: 'Not a number',
    meaning: 'Its value is NaN, or a text that is no decimal number',
    writer: 'Record a number',
    listed: "Correct its value; or let the meter's rule look where the number is, and replay",
  },
  infinite: {
    title: 'Infinite',
    meaning: 'Its value is plus or minus infinity',
    writer: 'Record a number',
    listed: 'Correct its value',
  },
  out_of_range: {
    title: 'Too large',
    meaning: 'Its value has more than 26 integer digits',
    writer: 'Use a larger unit',
    listed: 'Correct its value; or let the meter count into a dimension with a larger unit, and replay',
  },
  unspecified_temporality: {
    title: 'Neither delta nor cumulative',
    meaning:
      'A sum or histogram that does not say whether a point is what was used since the last one (delta) or a running total (cumulative)',
    writer: "Set the exporter's temporality",
    listed: 'Correct its value; or say in the meter which it is (temporality), and replay',
  },
  unsupported_kind: {
    title: 'Histogram or summary',
    meaning: 'A histogram or summary, and no meter says whether its count or its sum is usage',
    writer: 'Record usage with a counter',
    listed: 'Correct its value; or say in a meter which it is (value: count or value: sum), and replay',
  },
  negative_monotonic: {
    title: 'A counter went below zero',
    meaning: 'A counter that only grows has a negative value',
    writer: 'Record what was used',
    listed: 'Correct its value',
  },
  other_temporality: {
    title: 'Came in both temporalities',
    meaning:
      'The same instrument of the same writer sent the other temporality first. Counting both would count twice',
    writer: 'Use one exporter setting per process',
    listed: 'Correct its value to what the other did not count; or dismiss it, if that counted all',
  },
  mixed_start: {
    title: 'Start time comes and goes',
    meaning: 'A running total came with and without a start time; this is the kind that came second',
    writer: 'Look for a Collector that drops start times on one of two ways',
    listed: 'Correct its value to what the other kind did not count; or dismiss it, if that counted all',
  },
  unknown_dimension: {
    title: 'Unknown dimension',
    meaning:
      'Nobody declared the dimension, and it is not discovered: discovery is off, or the signal is none that creates one (counters, logs and spans do; levels do not)',
    writer: '',
    listed: 'Declare the dimension, and replay',
  },
  wrong_unit: {
    title: 'Wrong unit',
    meaning:
      "Its unit does not convert to the dimension's. Units in braces, the empty one and 1 are the same",
    writer: 'Use one unit per dimension',
    listed:
      'While the dimension has no usage, change its unit and replay; or count each at its own value; or say the unit in the meter, and replay',
  },
  level_into_sum: {
    title: 'A level into a sum',
    meaning: 'A gauge or up-down total says how much there is, not how much was used, and the dimension sums',
    writer: 'Record usage with a counter',
    listed: "Change the dimension's aggregation, and replay",
  },
  credits_not_allowed: {
    title: 'A credit',
    meaning: 'It takes usage back, and the dimension takes no credits',
    writer: 'Record usage only',
    listed: 'Let the dimension take credits (creditsAllowed: true), and replay; or dismiss it',
  },
  event_conflict: {
    title: 'Same id, other content',
    meaning: 'The id of an event came again with other content; the first holds',
    writer: 'Give every event an id of its own',
    listed: 'Count it beside the first one, at its own value; or dismiss it',
  },
  baseline: {
    title: 'First reading',
    meaning:
      'The first reading of a running total that may have begun before it was watched: what it counted before is unknown. Later readings count what exceeds it',
    writer: '',
    listed: 'Count it at its own value, or correct that to the amount to bill; or dismiss it',
  },
  id_too_long: {
    title: 'Id too long',
    meaning: 'The id of the customer or the dimension has more than 1,024 characters; it is listed shortened',
    writer: 'Use a shorter id',
    listed: 'Correct the customer or the dimension',
  },
  unknown_customer: {
    title: 'Unknown customer',
    meaning: 'Nobody declared the customer, and discovery is off',
    writer: '',
    listed:
      'Declare the customer, or give another this id as an alias, and replay; or choose another; or turn discovery on, and replay',
  },
  before_baseline: {
    title: 'Before a settled baseline',
    meaning:
      'A reading of a running total from before its baseline, and somebody has corrected or dismissed that baseline already: how far it had counted by then is in what they said',
    writer: '',
    listed: 'Dismiss it; or correct its value, if it was not',
  },
};

/** In the order in which they apply. */
export const QUARANTINE_REASONS: readonly QuarantineReason[] = QUARANTINE_CODES.map((reason) => ({
  reason,
  ...TEXTS[reason],
}));

/** What people read in the place of a code; the code itself where it is of a later version. */
export function reasonTitle(code: string): string {
  return Object.hasOwn(TEXTS, code) ? TEXTS[code as QuarantineCode].title : code;
}
