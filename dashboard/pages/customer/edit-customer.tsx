/** The dialog that changes a customer; a discovered one is declared by it. */
import { type ReactNode, useState } from 'react';
import { useChange } from '../../api/query.ts';
import { timeZoneOptions } from '../../app/time-zone.ts';
import { Button } from '../../kit/button.tsx';
import { Combobox } from '../../kit/combobox.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { Field, TextField } from '../../kit/field.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { MetadataField, type MetadataRow, metadataOf } from '../../kit/metadata-field.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { toast } from '../../kit/toast.tsx';
import { AliasesField, type AliasRow } from './aliases-field.tsx';
import type { Customer } from './details.tsx';

const FIELDS = ['name', 'email', 'timeZone', 'aliases', 'metadata'];

export function EditCustomer({ customer, onClose }: { customer: Customer; onClose: () => void }): ReactNode {
  const save = useChange('PUT /api/v1/customers/{id}');
  const [name, setName] = useState(customer.name ?? '');
  const [email, setEmail] = useState(customer.email ?? '');
  const [timeZone, setTimeZone] = useState(customer.timeZone ?? '');
  const [zoneTyped, setZoneTyped] = useState('');
  const [aliases, setAliases] = useState<AliasRow[]>(customer.aliases.map((alias, row) => ({ row, alias })));
  const [metadata, setMetadata] = useState<MetadataRow[]>(
    Object.entries(customer.metadata).map(([key, value], row) => ({ row, key, value })),
  );
  const errors = fieldErrors(save.error, FIELDS);
  const given = aliases.filter(({ alias }) => alias !== '');
  const submit = (): void =>
    save.mutate(
      {
        path: { id: customer.id },
        body: {
          name: name || null,
          email: email || null,
          timeZone: timeZone || null,
          aliases: given.map(({ alias }) => alias),
          metadata: metadataOf(metadata),
        },
      },
      {
        onSuccess: () => {
          onClose();
          toast(customer.discovered ? 'Customer declared' : 'Customer saved', customer.id.slice(0, 200));
        },
      },
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title="Edit customer"
      description={
        customer.discovered ? 'Usage that came created this customer. Saving declares it.' : undefined
      }
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            Save
          </Button>
        </>
      }
    >
      <TextField label="Name" value={name} onValue={setName} error={errors.at('name')} autoFocus />
      <TextField label="E-mail" type="email" value={email} onValue={setEmail} error={errors.at('email')} />
      <Field
        label="Time zone"
        error={errors.at('timeZone')}
        help="Its billing periods begin at midnight there."
      >
        <Combobox
          value={timeZone}
          onValue={setTimeZone}
          placeholder="UTC"
          empty="No such time zone."
          onSearch={setZoneTyped}
          options={[{ value: '', label: 'None' }, ...timeZoneOptions(zoneTyped)]}
        />
      </Field>
      <AliasesField
        rows={aliases}
        onRows={setAliases}
        errorAt={(row) => errors.at(`aliases[${given.indexOf(row)}]`)}
      />
      <MetadataField rows={metadata} onRows={setMetadata} error={errors.at('metadata')} />
      <FormErrors errors={errors.rest} />
    </Dialog>
  );
}
