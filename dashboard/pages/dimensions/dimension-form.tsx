/** The fields of a dimension, each with what it means. */
import type { ReactNode } from 'react';
import { CheckField } from '../../kit/check-field.tsx';
import { Field, TextField } from '../../kit/field.tsx';
import { Select } from '../../kit/select.tsx';
import styles from './dimension-form.module.css';
import { type DimensionDraft, draftFaults, hasLevels } from './draft.ts';
import { AGGREGATION_WORDS, COMMON_UNITS, INTERVAL_WORDS, ROUNDING_WORDS } from './words.ts';
import { AGGREGATIONS, INTERVALS, ROUNDINGS } from './worked-example.ts';

/** The paths that the API names in errors. */
export const DIMENSION_FIELDS = [
  'id',
  'name',
  'unit',
  'aggregation',
  'uniqueKey',
  'levelTtl',
  'interval',
  'usageIncrement',
  'rounding',
  'unitPrice',
  'creditsAllowed',
];

export interface DimensionFieldsProps {
  draft: DimensionDraft;
  onDraft: (draft: DimensionDraft) => void;
  errorAt: (path: string) => string | undefined;
  /** The id is not known yet. */
  isNew?: boolean;
  /** Declared where it cannot be changed. */
  isReadOnly?: boolean;
}

export function DimensionFields(props: DimensionFieldsProps): ReactNode {
  const { draft, onDraft, errorAt, isNew = false, isReadOnly = false } = props;
  const faults = draftFaults(draft);
  const set =
    <Key extends keyof DimensionDraft>(key: Key) =>
    (value: DimensionDraft[Key]): void =>
      onDraft({ ...draft, [key]: value });
  return (
    <fieldset className={styles.fields} disabled={isReadOnly}>
      <legend className="visually-hidden">Dimension</legend>
      {isNew && (
        <TextField
          label="Dimension ID"
          value={draft.id}
          onValue={set('id')}
          error={errorAt('id')}
          help="As it stands in usage.dimension.id. It stays."
          required
          autoFocus
        />
      )}
      <div className={styles.pair}>
        <TextField label="Name" value={draft.name} onValue={set('name')} error={errorAt('name')} />
        <TextField
          label="Unit"
          value={draft.unit}
          onValue={set('unit')}
          error={errorAt('unit')}
          help="UCUM. Values in other units convert to it."
          list="common-units"
        />
      </div>
      <datalist id="common-units">
        {COMMON_UNITS.map(([unit, meaning]) => (
          <option key={unit} value={unit}>
            {meaning}
          </option>
        ))}
      </datalist>
      <Field
        label="Aggregation"
        error={errorAt('aggregation')}
        help={AGGREGATION_WORDS[draft.aggregation].meaning}
      >
        <Select
          value={draft.aggregation}
          onValue={set('aggregation')}
          options={AGGREGATIONS.map((value) => ({ value, label: AGGREGATION_WORDS[value].label }))}
        />
      </Field>
      {draft.aggregation === 'unique' && (
        <TextField
          label="Unique key"
          value={draft.uniqueKey}
          onValue={set('uniqueKey')}
          error={errorAt('uniqueKey')}
          help="The metadata key whose different values count. Usage records without it add nothing."
        />
      )}
      {hasLevels(draft) && (
        <TextField
          label="A level holds at most, seconds"
          value={draft.levelTtl}
          onValue={set('levelTtl')}
          error={faults.levelTtl ?? errorAt('levelTtl')}
          inputMode="numeric"
          placeholder="no limit"
          help="Then it is 0 until the next usage record."
        />
      )}
      <Field
        label="Aggregated over"
        error={errorAt('interval')}
        help="An interval is aggregated by itself, and the intervals are added: the peak of each day, summed over a month."
      >
        <Select
          value={draft.interval}
          onValue={set('interval')}
          options={INTERVALS.map((value) => ({ value, label: INTERVAL_WORDS[value] }))}
        />
      </Field>
      <div className={styles.pair}>
        <TextField
          label="Usage increment"
          value={draft.usageIncrement}
          onValue={set('usageIncrement')}
          error={faults.usageIncrement ?? errorAt('usageIncrement')}
          inputMode="decimal"
          placeholder="none: exact"
          help="Billed in multiples of this."
        />
        <Field label="Rounding" error={errorAt('rounding')} help="To a multiple of the increment, once.">
          <Select
            value={draft.rounding}
            onValue={set('rounding')}
            options={[
              { value: '' as const, label: 'Nearest (default)' },
              ...ROUNDINGS.map((value) => ({ value, label: ROUNDING_WORDS[value] })),
            ]}
          />
        </Field>
      </div>
      <TextField
        label="Unit price"
        value={draft.unitPrice}
        onValue={set('unitPrice')}
        error={faults.unitPrice ?? errorAt('unitPrice')}
        inputMode="decimal"
        placeholder="none"
        help="Of one unit, in your currency. The amount is billable quantity × price."
      />
      <CheckField
        label="Credits allowed"
        help="Usage records may be negative. Without it they go to quarantine."
        checked={draft.creditsAllowed}
        onChecked={set('creditsAllowed')}
      />
    </fieldset>
  );
}
