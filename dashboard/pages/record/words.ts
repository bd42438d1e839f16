/** What is odd about a record, and how it came about, in words; see docs/explain.md. */
import type { AnswerOf } from '../../api/client.ts';

type RecordOrigin = AnswerOf<'GET /api/v1/records/{recordId}/signal'>['record'];

export const FLAG_WORDS: Readonly<Record<RecordOrigin['flags'][number], string>> = {
  weak_identity:
    'The resource has no service.instance.id, so its replicas cannot be told apart for certain; or the event has no id, and is known by its content.',
  customer_discovered: 'Nobody has declared the customer: usage that came created it.',
  dimension_discovered: 'Nobody has declared the dimension: usage that came created it.',
  first_reading: 'The first reading of a running total since its start.',
  baseline:
    'A first reading of which nobody knows since when it counts: it adds nothing, and its value is in quarantine.',
  start_unknown: 'The running total does not say its start.',
  decrease: 'The reading is below an earlier one of the same start: the greatest holds.',
  late_reading: 'A correction: a reading came late, and takes its part of what a later one had added.',
  window_conflict: 'Another value came for the same window of the same series: both count.',
};

/** Those that say that something may be wrong. */
const DOUBTS: ReadonlySet<string> = new Set<RecordOrigin['flags'][number]>([
  'weak_identity',
  'baseline',
  'decrease',
  'window_conflict',
]);

export function flagLook(flag: RecordOrigin['flags'][number]): 'warn' | 'plain' {
  return DOUBTS.has(flag) ? 'warn' : 'plain';
}

export const KIND_WORDS: Readonly<Record<RecordOrigin['kind'], string>> = {
  record: 'One signal, as it came',
  increment: 'What a reading of a running total added',
  correction: 'Correction of an increment, because a reading came late',
};

export const KIND_TAGS: Readonly<Record<RecordOrigin['kind'], string>> = {
  record: 'record',
  increment: 'running total',
  correction: 'correction',
};

/** By whose rule it was counted. */
export function meterName(meterId: string, version: number): string {
  if (meterId === 'api') return 'by hand';
  if (meterId === 'builtin') return 'built-in meter';
  return version === 0 ? meterId : `${meterId}, version ${version}`;
}
