/** The dialog that deletes a dimension, and says what stays. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { receiver, type UsageMeterError } from '../../api/client.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { toast } from '../../kit/toast.tsx';

export function DeleteDimension({
  dimensionId,
  onClose,
}: {
  dimensionId: string;
  onClose: () => void;
}): ReactNode {
  const navigate = useNavigate();
  const client = useQueryClient();
  // Not `useChange`: it would ask for the deleted dimension again before the page is left.
  const remove = useMutation<void, UsageMeterError>({
    mutationFn: () => receiver().request('DELETE /api/v1/dimensions/{id}', { path: { id: dimensionId } }),
    onSuccess: async () => {
      toast('Dimension deleted', dimensionId.slice(0, 200));
      await navigate({ to: '/dimensions' });
      await client.invalidateQueries();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Delete this dimension?"
      description="Its unit, aggregation and price are deleted. A dimension with usage cannot be deleted: void its records first, or keep it. Closed statements and the audit log stay; usage that comes for it later discovers it again."
      onSubmit={() => remove.mutate()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="danger" busy={remove.isPending}>
            Delete
          </Button>
        </>
      }
    >
      <p>
        <strong>
          <bdi>{dimensionId.slice(0, 200)}</bdi>
        </strong>
      </p>
      <FormErrors errors={fieldErrors(remove.error, []).rest} />
    </Dialog>
  );
}
