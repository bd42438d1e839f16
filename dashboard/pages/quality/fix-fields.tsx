/** What each repair has to know, and the form that asks for it. */
import type { ReactNode } from 'react';
import { decimalFault } from '../../format/decimal.ts';
import { Field, TextField } from '../../kit/field.tsx';
import { CustomerChoice, DimensionChoice } from '../../kit/id-choice.tsx';
import { Select } from '../../kit/select.tsx';
import type { Fix } from './reasons.ts';
import type { Aggregation, Repair, Signal } from './repair.ts';

/** All fields of all repairs: who changes the repair keeps what was filled in. */
export interface FixForm {
  customerId: string;
  dimensionId: string;
  name: string;
  unit: string;
  aggregation: Aggregation;
  /** Of a correction. What is empty stays as it came. */
  correctedCustomer: string;
  correctedDimension: string;
  recordValue: string;
  timestamp: string;
  startTime: string;
  note: string;
}

export function formOf(sample: Signal | undefined): FixForm {
  return {
    customerId: sample?.customerId ?? '',
    dimensionId: sample?.dimensionId ?? '',
    name: '',
    unit: sample?.unit === undefined || sample.unit === '' ? '1' : sample.unit,
    aggregation: sample?.kind === 'gauge' || sample?.reason === 'level_into_sum' ? 'max' : 'sum',
    correctedCustomer: '',
    correctedDimension: '',
    recordValue: '',
    timestamp: '',
    startTime: '',
    note: '',
  };
}

const AGGREGATIONS: readonly { value: Aggregation; label: string }[] = [
  { value: 'sum', label: 'Sum: everything used' },
  { value: 'max', label: 'Max: the highest level' },
  { value: 'min', label: 'Min: the lowest level' },
  { value: 'last', label: 'Last: the level at the end' },
  { value: 'average', label: 'Average of the records' },
  { value: 'time_weighted', label: 'Time-weighted: the mean level' },
  { value: 'time_integral', label: 'Time integral: level × hours' },
];
const OF_LEVELS = AGGREGATIONS.filter(({ value }) => value !== 'sum');

export interface Fault {
  field: string;
  message: string;
}

/** What is missing before it can be done; null where nothing is. */
export function faultOf(fix: Fix, form: FixForm): Fault | null {
  const missing = (field: keyof FixForm, message: string): Fault | null =>
    form[field] === '' ? { field, message } : null;
  switch (fix) {
    case 'customer':
      return missing('correctedCustomer', 'Choose who is billed');
    case 'declare-customer':
      return missing('customerId', 'The id that the signals name');
    case 'declare-dimension':
    case 'unit':
      return missing('dimensionId', 'Which dimension it is') ?? missing('unit', 'A unit, like By or 1');
    case 'aggregation':
    case 'credits':
      return missing('dimensionId', 'Which dimension it is');
    case 'correct': {
      const { correctedCustomer, correctedDimension, recordValue, timestamp, startTime } = form;
      if ([correctedCustomer, correctedDimension, recordValue, timestamp, startTime].every((each) => !each))
        return { field: 'recordValue', message: 'Say at least one of these' };
      const fault = recordValue === '' ? null : decimalFault(recordValue);
      return fault === null ? null : { field: 'recordValue', message: fault };
    }
    case 'dismiss':
      return missing('note', 'Say why');
    default:
      return null;
  }
}

/** The repair that a form without fault says. */
export function repairOf(fix: Fix, form: FixForm): Repair {
  const { customerId, dimensionId, name, unit, aggregation } = form;
  switch (fix) {
    case 'customer':
      return { fix, correction: { customerId: form.correctedCustomer } };
    case 'correct': {
      const { correctedCustomer, correctedDimension, recordValue, timestamp, startTime } = form;
      return {
        fix,
        correction: {
          ...(correctedCustomer === '' ? {} : { customerId: correctedCustomer }),
          ...(correctedDimension === '' ? {} : { dimensionId: correctedDimension }),
          ...(recordValue === '' ? {} : { recordValue }),
          ...(timestamp === '' ? {} : { timestamp }),
          ...(startTime === '' ? {} : { startTime }),
        },
      };
    }
    case 'declare-customer':
      return { fix, id: customerId, name };
    case 'declare-dimension':
      return { fix, id: dimensionId, name, unit, aggregation };
    case 'unit':
      return { fix, id: dimensionId, change: { unit } };
    case 'aggregation':
      return { fix, id: dimensionId, change: { aggregation } };
    case 'credits':
      return { fix, id: dimensionId, change: { creditsAllowed: true } };
    default:
      return { fix };
  }
}

export interface FixFieldsProps {
  fix: Fix;
  form: FixForm;
  onForm: (change: Partial<FixForm>) => void;
  errorAt: (field: string) => string | undefined;
}

export function FixFields({ fix, form, onForm, errorAt }: FixFieldsProps): ReactNode {
  const text = (field: keyof FixForm & string, label: string, help?: string): ReactNode => (
    <TextField
      label={label}
      value={form[field]}
      onValue={(value) => onForm({ [field]: value })}
      error={errorAt(field)}
      help={help}
    />
  );
  const aggregation = (options: typeof AGGREGATIONS): ReactNode => (
    <Field label="Aggregation" error={errorAt('aggregation')}>
      <Select
        value={options.some(({ value }) => value === form.aggregation) ? form.aggregation : options[0].value}
        onValue={(value) => onForm({ aggregation: value })}
        options={options}
      />
    </Field>
  );
  switch (fix) {
    case 'customer':
      return <CustomerField {...{ form, onForm, errorAt }} />;
    case 'declare-customer':
      return (
        <>
          {text('customerId', 'Customer ID')}
          {text('name', 'Name')}
        </>
      );
    case 'declare-dimension':
      return (
        <>
          {text('dimensionId', 'Dimension ID')}
          {text('name', 'Name')}
          {text('unit', 'Unit', 'UCUM, as the signals say it: values in other units convert.')}
          {aggregation(AGGREGATIONS)}
        </>
      );
    case 'unit':
      return (
        <>
          {text('dimensionId', 'Dimension ID')}
          {text('unit', 'Unit', 'That of the signals. Usage in other units that convert goes on counting.')}
        </>
      );
    case 'aggregation':
      return (
        <>
          {text('dimensionId', 'Dimension ID')}
          {aggregation(OF_LEVELS)}
        </>
      );
    case 'credits':
      return text('dimensionId', 'Dimension ID');
    case 'correct':
      return (
        <>
          <CustomerField {...{ form, onForm, errorAt }} />
          <Field label="Dimension" error={errorAt('dimensionId')}>
            <DimensionChoice
              value={form.correctedDimension || null}
              onValue={(correctedDimension) => onForm({ correctedDimension })}
              placeholder="As it came"
            />
          </Field>
          {text('recordValue', 'Record value', 'In the unit of the dimension.')}
          {text('timestamp', 'Timestamp', 'RFC 3339 with an offset, like 2026-03-01T08:00:00Z.')}
          {text('startTime', 'Start time', 'Where it ends before it begins, for example.')}
        </>
      );
    default:
      return null;
  }
}

function CustomerField({ form, onForm, errorAt }: Omit<FixFieldsProps, 'fix'>): ReactNode {
  return (
    <Field label="Customer" error={errorAt('correctedCustomer') ?? errorAt('customerId')}>
      <CustomerChoice
        value={form.correctedCustomer || null}
        onValue={(correctedCustomer) => onForm({ correctedCustomer })}
        placeholder="Find by id, name or alias"
        mayBeNew
      />
    </Field>
  );
}
