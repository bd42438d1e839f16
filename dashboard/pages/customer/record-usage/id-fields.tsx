/** Whose usage it is, and of what, with what will happen where nobody has declared it. */
import type { ReactNode } from 'react';
import type { RowOf } from '../../../api/client.ts';
import { useAnswer } from '../../../api/query.ts';
import { Field } from '../../../kit/field.tsx';
import { CustomerChoice, DimensionChoice } from '../../../kit/id-choice.tsx';

export interface IdFieldProps {
  value: string;
  onValue: (id: string) => void;
  error?: string | undefined;
}

/** Of the ids that begin with another one. */
const MAX_LIKE_IT = 100;

export function CustomerField({ value, onValue, error }: IdFieldProps): ReactNode {
  const known = useKnownCustomer(value);
  const discovers = useDiscovery();
  let help: string | undefined;
  if (known === 'nobody') help = newIdText('customer', discovers);
  else if (known !== null && known.id !== value) help = `An alias: it counts for ${known.id}.`;
  else if (known?.name) help = known.name;
  return (
    <Field label="Customer ID" help={help} error={error}>
      <CustomerChoice
        value={value || null}
        onValue={onValue}
        placeholder="Type to search"
        mayBeNew
        takesTyped
      />
    </Field>
  );
}

export function DimensionField({ value, onValue, error }: IdFieldProps): ReactNode {
  const known = useKnownDimension(value);
  const discovers = useDiscovery();
  let help: string | undefined;
  if (known === 'nobody') help = newIdText('dimension', discovers);
  else if (known?.name) help = known.name;
  return (
    <Field label="Dimension ID" help={help} error={error}>
      <DimensionChoice
        value={value || null}
        onValue={onValue}
        placeholder="Type to search"
        mayBeNew
        takesTyped
      />
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
