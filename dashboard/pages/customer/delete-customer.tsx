/** The dialog that deletes a customer, once one has said so twice. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { receiver, type UsageMeterError } from '../../api/client.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { toast } from '../../kit/toast.tsx';

export function DeleteCustomer({
  customerId,
  onClose,
}: {
  customerId: string;
  onClose: () => void;
}): ReactNode {
  const navigate = useNavigate();
  const client = useQueryClient();
  // Not `useChange`: it would ask for the deleted customer again before the page is left.
  const remove = useMutation<void, UsageMeterError>({
    mutationFn: () => receiver().request('DELETE /api/v1/customers/{id}', { path: { id: customerId } }),
    onSuccess: async () => {
      toast('Customer deleted', customerId.slice(0, 200));
      await navigate({ to: '/customers' });
      await client.invalidateQueries();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Delete this customer?"
      description="Its details, aliases and metadata are deleted. A customer with usage cannot be deleted: void its records first, or keep it."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            Delete
          </Button>
        </>
      }
    >
      <p>
        <strong>{customerId.slice(0, 200)}</strong>
      </p>
      <FormErrors errors={fieldErrors(remove.error, []).rest} />
    </Dialog>
  );
}
