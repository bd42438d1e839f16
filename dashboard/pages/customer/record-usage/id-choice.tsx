/** Whose usage it is, and of what: found by typing, or an id that nobody has declared yet. */
import { type ReactNode, useDeferredValue, useRef, useState } from 'react';
import type { RowOf } from '../../../api/client.ts';
import { useAnswer } from '../../../api/query.ts';
import { Combobox, type ComboboxOption } from '../../../kit/combobox.tsx';
import { Field } from '../../../kit/field.tsx';

export interface IdChoiceProps {
  value: string;
  onValue: (id: string) => void;
  error?: string | undefined;
}

const MAX_FOUND = 30;
/** Of the ids that begin with another one. */
const MAX_LIKE_IT = 100;

export function CustomerChoice({ value, onValue, error }: IdChoiceProps): ReactNode {
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed);
  const found = useAnswer(
    'GET /api/v1/customers',
    { query: { limit: MAX_FOUND, freshness: 'available', ...(search === '' ? {} : { search }) } },
    { keepPrevious: true },
  );
  const known = useKnownCustomer(value);
  const discovers = useDiscovery();
  let help: string | undefined;
  if (known === 'nobody') help = newIdText('customer', discovers);
  else if (known !== null && known.id !== value) help = `An alias: it counts for ${known.id}.`;
  else if (known?.name) help = known.name;
  return (
    <Choice
      label="Customer ID"
      value={value}
      onValue={onValue}
      onSearch={setTyped}
      typed={typed}
      isLoading={found.isPending}
      isStale={search !== typed || found.isPlaceholderData}
      error={error}
      help={help}
      options={(found.data?.rows ?? []).map(({ id, name }) => ({
        value: id,
        label: shortened(id),
        note: shortened(name ?? ''),
      }))}
    />
  );
}

export function DimensionChoice({ value, onValue, error }: IdChoiceProps): ReactNode {
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed);
  const found = useAnswer(
    'GET /api/v1/dimensions',
    { query: { limit: MAX_FOUND, freshness: 'available', ...(search === '' ? {} : { search }) } },
    { keepPrevious: true },
  );
  const known = useKnownDimension(value);
  const discovers = useDiscovery();
  let help: string | undefined;
  if (known === 'nobody') help = newIdText('dimension', discovers);
  else if (known?.name) help = known.name;
  return (
    <Choice
      label="Dimension ID"
      value={value}
      onValue={onValue}
      onSearch={setTyped}
      typed={typed}
      isLoading={found.isPending}
      isStale={search !== typed || found.isPlaceholderData}
      error={error}
      help={help}
      options={(found.data?.rows ?? []).map(({ id, unit }) => ({
        value: id,
        label: shortened(id),
        note: unit,
      }))}
    />
  );
}

interface ChoiceProps extends IdChoiceProps {
  label: string;
  typed: string;
  onSearch: (typed: string) => void;
  isLoading: boolean;
  /** The options are those of what was typed before. */
  isStale: boolean;
  help: string | undefined;
  options: readonly ComboboxOption[];
}

function Choice({
  label,
  help,
  error,
  onValue,
  onSearch,
  typed,
  value,
  options,
  isLoading,
  isStale,
}: ChoiceProps): ReactNode {
  // An id that was typed is meant, also by whoever goes on without choosing it from the list.
  const pending = useRef('');
  // Enter chooses the first: it must be none that no longer fits.
  const fitting = isStale
    ? options.filter((option) => option.value.toLowerCase().includes(typed.toLowerCase()))
    : options;
  const isListed = typed === '' || fitting.some((option) => option.value === typed);
  const own: ComboboxOption[] = isListed ? [] : [{ value: typed, label: shortened(typed), note: 'as typed' }];
  return (
    <Field label={label} help={help} error={error}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only hears what happens in the input */}
      <div
        onKeyDownCapture={(event) => {
          if (event.key === 'Escape') pending.current = '';
        }}
        onBlur={() => {
          if (pending.current !== '') onValue(pending.current);
          pending.current = '';
        }}
      >
        <Combobox
          value={value === '' ? null : value}
          placeholder="Type to search"
          isLoading={isLoading}
          onSearch={(next) => {
            pending.current = next;
            onSearch(next);
          }}
          onValue={(next) => {
            pending.current = '';
            onValue(next);
          }}
          options={[...fitting, ...own]}
        />
      </div>
    </Field>
  );
}

/** A customer by its id or alias; `nobody` where there is none; null while that is not known. */
function useKnownCustomer(id: string): RowOf<'GET /api/v1/customers'> | 'nobody' | null {
  const { data } = useAnswer(
    'GET /api/v1/customers',
    { query: { q: id, limit: MAX_LIKE_IT } },
    { enabled: id !== '' },
  );
  if (id === '' || data === undefined) return null;
  const known =
    data.rows.find((row) => row.id === id) ?? data.rows.find(({ aliases }) => aliases.includes(id));
  return known ?? (data.nextCursor === null ? 'nobody' : null);
}

/** As {@link useKnownCustomer}. */
export function useKnownDimension(id: string): RowOf<'GET /api/v1/dimensions'> | 'nobody' | null {
  const { data } = useAnswer(
    'GET /api/v1/dimensions',
    { query: { q: id, limit: MAX_LIKE_IT } },
    { enabled: id !== '' },
  );
  if (id === '' || data === undefined) return null;
  return data.rows.find((row) => row.id === id) ?? (data.nextCursor === null ? 'nobody' : null);
}

/** Whether what nobody declared is created by its usage; null while that is not known. */
function useDiscovery(): boolean | null {
  const { data } = useAnswer('GET /api/v1/status', {});
  return data?.settings.discovery ?? null;
}

function newIdText(what: 'customer' | 'dimension', discovers: boolean | null): string {
  if (discovers === false)
    return `Nobody declared this ${what}, and discovery is off: the record will be refused. Declare it first.`;
  return what === 'customer'
    ? 'New: nobody declared it, and this record discovers it.'
    : 'New: nobody declared it, and this record discovers it with unit 1.';
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
