/** A dimension while somebody changes it: texts as they are typed, and what the API takes of them. (Pure.) */
import type { AnswerOf, RequestOptions } from '../../api/client.ts';
import { decimalFault, grouped } from '../../format/decimal.ts';
import { AGGREGATION_WORDS, INTERVAL_WORDS, ROUNDING_WORDS } from './words.ts';
import type { Aggregation, ExampleRule, Interval, Rounding } from './worked-example.ts';

export type Dimension = AnswerOf<'GET /api/v1/dimensions/{id}'>;
type Body = RequestOptions<'PUT /api/v1/dimensions/{id}'>['body'];

/** Empty texts are what is not set. */
export interface DimensionDraft {
  id: string;
  name: string;
  unit: string;
  aggregation: Aggregation;
  uniqueKey: string;
  levelTtl: string;
  interval: Interval;
  usageIncrement: string;
  rounding: Rounding | '';
  unitPrice: string;
  creditsAllowed: boolean;
}

export const NEW_DRAFT: DimensionDraft = {
  id: '',
  name: '',
  unit: '1',
  aggregation: 'sum',
  uniqueKey: '',
  levelTtl: '',
  interval: 'none',
  usageIncrement: '',
  rounding: '',
  unitPrice: '',
  creditsAllowed: false,
};

export function draftOf(dimension: Dimension): DimensionDraft {
  return {
    id: dimension.id,
    name: dimension.name ?? '',
    unit: dimension.unit,
    aggregation: dimension.aggregation,
    uniqueKey: dimension.uniqueKey ?? '',
    levelTtl: dimension.levelTtl === null ? '' : `${dimension.levelTtl}`,
    interval: dimension.interval,
    usageIncrement: dimension.usageIncrement ?? '',
    rounding: dimension.rounding ?? '',
    unitPrice: dimension.unitPrice ?? '',
    creditsAllowed: dimension.creditsAllowed,
  };
}

/** What is not asked for with this aggregation is not sent. The draft must have no faults. */
export function bodyOf(draft: DimensionDraft): Body {
  return {
    name: draft.name || null,
    unit: draft.unit || '1',
    aggregation: draft.aggregation,
    uniqueKey: draft.aggregation === 'unique' ? draft.uniqueKey || null : null,
    levelTtl: hasLevels(draft) && draft.levelTtl !== '' ? Number(draft.levelTtl) : null,
    interval: draft.interval,
    usageIncrement: draft.usageIncrement || null,
    rounding: draft.rounding || null,
    unitPrice: draft.unitPrice || null,
    creditsAllowed: draft.creditsAllowed,
  };
}

export function hasLevels({ aggregation }: Pick<DimensionDraft, 'aggregation'>): boolean {
  return aggregation === 'time_weighted' || aggregation === 'time_integral';
}

export type DraftFaults = Partial<Record<'usageIncrement' | 'unitPrice' | 'levelTtl', string>>;

/** What is wrong with the texts as they are typed; what the receiver knows better, it says. */
export function draftFaults(draft: DimensionDraft): DraftFaults {
  const { usageIncrement, unitPrice, levelTtl } = draft;
  const increment =
    usageIncrement === '' ? null : (decimalFault(usageIncrement) ?? notPositive(usageIncrement));
  const price = unitPrice === '' ? null : decimalFault(unitPrice);
  const isSeconds = !hasLevels(draft) || levelTtl === '' || /^0*[1-9]\d{0,11}$/.test(levelTtl);
  return {
    ...(increment === null ? {} : { usageIncrement: increment }),
    ...(price === null ? {} : { unitPrice: price }),
    ...(isSeconds ? {} : { levelTtl: 'A whole number of seconds, like 3600' }),
  };
}

function notPositive(decimal: string): string | null {
  return decimal.startsWith('-') || !/[1-9]/.test(decimal) ? 'It must be greater than 0' : null;
}

/** What the example is made by; what is not a number yet is left out. */
export function exampleRule(draft: DimensionDraft): ExampleRule {
  const faults = draftFaults(draft);
  const known = (field: 'usageIncrement' | 'unitPrice'): string | null =>
    draft[field] === '' || faults[field] !== undefined ? null : draft[field];
  const hasTtl = hasLevels(draft) && draft.levelTtl !== '' && faults.levelTtl === undefined;
  return {
    aggregation: draft.aggregation,
    interval: draft.interval,
    levelTtl: hasTtl ? Number(draft.levelTtl) : null,
    usageIncrement: known('usageIncrement'),
    rounding: draft.rounding || null,
    unitPrice: known('unitPrice'),
  };
}

export interface DraftChange {
  label: string;
  before: string;
  after: string;
}

/** Changes that make other numbers of the same usage records. */
export function countingChanges(before: DimensionDraft, after: DimensionDraft): DraftChange[] {
  const number = (decimal: string): string => (decimal === '' ? 'none' : grouped(decimal));
  const all: [label: string, of: (draft: DimensionDraft) => string][] = [
    ['Aggregation', ({ aggregation }) => AGGREGATION_WORDS[aggregation].label],
    ['Unique key', ({ aggregation, uniqueKey }) => (aggregation === 'unique' ? uniqueKey : 'none')],
    [
      'A level holds at most',
      (draft) => (hasLevels(draft) && draft.levelTtl !== '' ? `${draft.levelTtl} s` : 'no limit'),
    ],
    ['Aggregated', ({ interval }) => INTERVAL_WORDS[interval]],
    ['Usage increment', ({ usageIncrement }) => number(usageIncrement)],
    ['Rounding', ({ rounding }) => ROUNDING_WORDS[rounding || 'round']],
    ['Unit price', ({ unitPrice }) => number(unitPrice)],
    ['Credits', ({ creditsAllowed }) => (creditsAllowed ? 'allowed' : 'not allowed')],
  ];
  return all
    .map(([label, of]) => ({ label, before: of(before), after: of(after) }))
    .filter((change) => change.before !== change.after);
}
