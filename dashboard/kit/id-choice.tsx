/** A customer or a dimension, found by typing; where it may be new, what was typed can be taken as it stands. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../api/query.ts';
import { unitText } from '../format/unit.ts';
import { Combobox, type ComboboxOption } from './combobox.tsx';

export interface IdChoiceProps {
  /** Said where no Field's label stands beside it. */
  label?: string;
  value: string | null;
  onValue: (id: string) => void;
  placeholder?: string;
  /** Whether an id that nobody knows can be chosen. */
  mayBeNew?: boolean;
}

const OPTIONS = 50;
const SHOWN = 80;

export function CustomerChoice(props: IdChoiceProps): ReactNode {
  const [typed, setTyped] = useState('');
  const query = { limit: OPTIONS, ...(typed === '' ? {} : { search: typed }) };
  const found = useAnswer('GET /api/v1/customers', { query }, { keepPrevious: true });
  const options = found.data?.rows.map(({ id, name }) => ({ value: id, label: shortened(id), note: name }));
  return <IdChoice {...props} typed={typed} onTyped={setTyped} options={options} what="customer" />;
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
  return <IdChoice {...props} typed={typed} onTyped={setTyped} options={options} what="dimension" />;
}

interface Searched {
  typed: string;
  onTyped: (text: string) => void;
  options: ComboboxOption[] | undefined;
  what: string;
}

function IdChoice({
  typed,
  onTyped,
  options,
  what,
  mayBeNew = false,
  ...choice
}: IdChoiceProps & Searched): ReactNode {
  const isNew = mayBeNew && typed !== '' && options?.every(({ value }) => value !== typed);
  return (
    <Combobox
      {...choice}
      onSearch={onTyped}
      isLoading={options === undefined}
      empty={`No ${what} is called that.`}
      options={[
        ...(options ?? []),
        ...(isNew ? [{ value: typed, label: shortened(typed), note: `a new ${what}` }] : []),
      ]}
    />
  );
}

function shortened(id: string): string {
  return id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : id;
}
