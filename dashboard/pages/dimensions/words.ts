/** What the choices of a dimension mean, in plain words. (Pure.) */
import type { Aggregation, Interval, Rounding } from './worked-example.ts';

export const AGGREGATION_WORDS: Readonly<Record<Aggregation, { label: string; meaning: string }>> = {
  sum: { label: 'Sum', meaning: 'All values are added: requests, tokens, exported data.' },
  count: { label: 'Count', meaning: 'Each usage record counts one, whatever its value.' },
  max: { label: 'Max', meaning: 'The greatest value counts: the peak of seats or connections.' },
  min: { label: 'Min', meaning: 'The smallest value counts.' },
  last: { label: 'Last', meaning: 'The value of the latest usage record counts: what was there at the end.' },
  average: { label: 'Average', meaning: 'The values are added and divided by how many there are.' },
  unique: {
    label: 'Unique',
    meaning:
      'Different values of a metadata key count one each: users, hosts. The records’ own values do not.',
  },
  time_weighted: {
    label: 'Time-weighted mean',
    meaning: 'Each value is a level that holds until the next one. Counts the mean level over the time.',
  },
  time_integral: {
    label: 'Level × hours',
    meaning:
      'Each value is a level that holds until the next one. Counts level times hours: 5 GB for 2 hours are 10.',
  },
};

export const INTERVAL_WORDS: Readonly<Record<Interval, string>> = {
  none: 'The whole period at once',
  hour: 'Each hour, then added up',
  day: 'Each day, then added up',
  month: 'Each month, then added up',
};

export const ROUNDING_WORDS: Readonly<Record<Rounding, string>> = {
  round: 'To the nearest, halves away from zero',
  ceiling: 'Up',
  floor: 'Down',
};

/** Units that are often billed by; any other of UCUM is taken too. */
export const COMMON_UNITS: readonly [unit: string, meaning: string][] = [
  ['1', 'a plain number'],
  ['{request}', 'requests'],
  ['{token}', 'tokens'],
  ['{user}', 'users'],
  ['{seat}', 'seats'],
  ['By', 'bytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['GiBy', 'gibibytes'],
  ['TBy', 'terabytes'],
  ['GBy.h', 'gigabyte-hours'],
  ['ms', 'milliseconds'],
  ['s', 'seconds'],
  ['min', 'minutes'],
  ['h', 'hours'],
  ['d', 'days'],
  ['kW.h', 'kilowatt-hours'],
];

/** As a table says it: "max per day". */
export function aggregationText(aggregation: Aggregation, interval: Interval): string {
  const name = AGGREGATION_WORDS[aggregation].label.toLowerCase();
  return interval === 'none' ? name : `${name} per ${interval}`;
}
