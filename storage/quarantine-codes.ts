/**
 * The reasons for which a signal that a meter claims cannot be counted, in the order in which they apply:
 * a signal with several faults is listed under the first. The number of a code is its place in this list, which
 * the ledger stores; a new reason is added with a place and a documented text, never by renaming one.
 */
export const QUARANTINE_CODES = [
  'sdk_overflow',
  'missing_customer',
  'duplicate_attribute',
  'time_zero',
  'start_after_time',
  'time_in_future',
  'no_value',
  'not_a_number',
  'infinite',
  'out_of_range',
  'unspecified_temporality',
  'unsupported_kind',
  'negative_monotonic',
  'other_temporality',
  'mixed_start',
  'unknown_dimension',
  'wrong_unit',
  'level_into_sum',
  'credits_not_allowed',
  'event_conflict',
  'baseline',
  'id_too_long',
  'unknown_customer',
  'before_baseline',
] as const;

export type QuarantineCode = (typeof QUARANTINE_CODES)[number];

/** The number of a code: 1 for the first of {@link QUARANTINE_CODES}; 0 stands for "counted". */
export function codeNumber(code: QuarantineCode): number {
  return QUARANTINE_CODES.indexOf(code) + 1;
}

/** The code of a number ≥ 1, as {@link codeNumber} gives it. */
export function codeName(number: number): QuarantineCode {
  const code = QUARANTINE_CODES[number - 1];
  if (code === undefined) throw new RangeError(`no quarantine code has the number ${number}`);
  return code;
}
