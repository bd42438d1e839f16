/** The dialog that declares a customer. */
import { useNavigate } from '@tanstack/react-router';
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

const FIELDS = ['id', 'name', 'email', 'timeZone', 'metadata'];

export function NewCustomer({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  // Closed, it forgets what was typed.
  return open ? <Form onClose={onClose} /> : null;
}

function Form({ onClose }: { onClose: () => void }): ReactNode {
  const navigate = useNavigate();
  const create = useChange('POST /api/v1/customers');
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [timeZone, setTimeZone] = useState<string | null>(null);
  const [zoneTyped, setZoneTyped] = useState('');
  const [metadata, setMetadata] = useState<MetadataRow[]>([]);
  const errors = fieldErrors(create.error, FIELDS);
  const submit = (): void =>
    create.mutate(
      {
        body: {
          id,
          ...(name === '' ? {} : { name }),
          ...(email === '' ? {} : { email }),
          ...(timeZone === null ? {} : { timeZone }),
          metadata: metadataOf(metadata),
        },
      },
      {
        onSuccess: (customer) => {
          onClose();
          toast('Customer created', customer.id.slice(0, 200));
          void navigate({ to: '/customers/$customerId', params: { customerId: customer.id } });
        },
      },
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title="New customer"
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={create.isPending}>
            Create
          </Button>
        </>
      }
    >
      <TextField
        label="Customer ID"
        value={id}
        onValue={setId}
        error={errors.at('id')}
        help="Your own id, as it stands in usage.customer.id. It stays."
        required
        autoFocus
      />
      <TextField label="Name" value={name} onValue={setName} error={errors.at('name')} />
      <TextField label="E-mail" type="email" value={email} onValue={setEmail} error={errors.at('email')} />
      <Field label="Time zone" error={errors.at('timeZone')}>
        <Combobox
          value={timeZone}
          onValue={setTimeZone}
          placeholder="UTC"
          empty="No such time zone."
          onSearch={setZoneTyped}
          options={timeZoneOptions(zoneTyped)}
        />
      </Field>
      <MetadataField rows={metadata} onRows={setMetadata} error={errors.at('metadata')} />
      <FormErrors errors={errors.rest} />
    </Dialog>
  );
}
