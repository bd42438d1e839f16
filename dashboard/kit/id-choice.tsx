/** A customer or a dimension, found by typing; where it may be new, what was typed can be taken as it stands. */
import { type ReactNode, useRef, useState } from 'react';
import { useAnswer } from '../api/query.ts';
import { unitText } from '../format/unit.ts';
import { Combobox, type ComboboxOption } from './combobox.tsx';

export interface IdChoiceProps {
  /** Said where no Field's label stands beside it. */
  label?: string;
  value: string | null;
  onValue: (id: string) => void;
  placeholder?: string;
  /** Of a filter: the option for none, whose value is empty. */
  all?: string;
  /** Whether an id that nobody knows can be chosen. */
  mayBeNew?: boolean;
  /** Whether going on to the next field takes what was typed, as in a form; a filter stays as it was. */
  takesTyped?: boolean;
}

const OPTIONS = 50;
const SHOWN = 80;

export function CustomerChoice(props: IdChoiceProps): ReactNode {
  const [typed, setTyped] = useState('');
  const query = { limit: OPTIONS, ...(typed === '' ? {} : { search: typed }) };
  const found = useAnswer('GET /api/v1/customers', { query }, { keepPrevious: true });
  const options = found.data?.rows.map(({ id, name }) => ({ value: id, label: shortened(id), note: name }));
  return (
    <IdChoice
      {...props}
      typed={typed}
      onTyped={setTyped}
      options={options}
      isStale={found.isPlaceholderData}
      what="customer"
    />
  );
}

export function DimensionChoice(props: IdChoiceProps): ReactNode {
  const [typed, setTyped] = useState('');
  const query = { limit: OPTIONS, ...(typed === '' ? {} : { search: typed }) };
  const found = useAnswer('GET /api/v1/dimensions', { query }, { keepPrevious: true });
  const options = found.data?.rows.map(({ id, unit }) => ({
    value: id,
    label: shortened(id),
    note: unitText(unit),
  }));
  return (
    <IdChoice
      {...props}
      typed={typed}
      onTyped={setTyped}
      options={options}
      isStale={found.isPlaceholderData}
      what="dimension"
    />
  );
}

interface Searched {
  typed: string;
  onTyped: (text: string) => void;
  options: ComboboxOption[] | undefined;
  /** They are of what was typed before. */
  isStale: boolean;
  what: string;
}

function IdChoice({
  typed,
  onTyped,
  options,
  isStale,
  what,
  all,
  mayBeNew = false,
  takesTyped = false,
  onValue,
  ...choice
}: IdChoiceProps & Searched): ReactNode {
  /** Typed, and neither chosen nor left with Escape. */
  const pending = useRef('');
  // Enter takes the first: it must be none that no longer fits.
  const fitting = isStale
    ? options?.filter(({ value }) => value.toLowerCase().includes(typed.toLowerCase()))
    : options;
  // Nor one that is new only until the answer knows it by its name.
  const isNew =
    mayBeNew && typed !== '' && (!isStale || takesTyped) && fitting?.every(({ value }) => value !== typed);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears what happens in the input
    <div
      onKeyDownCapture={(event) => {
        if (event.key === 'Escape') pending.current = '';
      }}
      onBlur={() => {
        if (takesTyped && pending.current !== '') onValue(pending.current);
        pending.current = '';
      }}
    >
      <Combobox
        {...choice}
        onValue={(id) => {
          pending.current = '';
          onValue(id);
        }}
        onSearch={(text) => {
          pending.current = text;
          onTyped(text);
        }}
        isLoading={options === undefined}
        empty={`No ${what} is called that.`}
        options={[
          ...(all !== undefined && typed === '' ? [{ value: '', label: all }] : []),
          ...(fitting ?? []),
          ...(isNew ? [{ value: typed, label: shortened(typed), note: `a new ${what}` }] : []),
        ]}
      />
    </div>
  );
}

function shortened(id: string): string {
  return id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : id;
}
