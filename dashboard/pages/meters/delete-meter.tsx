/** The dialog that deletes a meter, and says what stays. */
import type { ReactNode } from 'react';
import { useChange } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { toast } from '../../kit/toast.tsx';

export function DeleteMeter({ meterId, onClose }: { meterId: string; onClose: () => void }): ReactNode {
  const remove = useChange('DELETE /api/v1/meters/{id}');
  return (
    <Dialog
      open
      onClose={onClose}
      title="Delete this meter?"
      description="It claims nothing any more. Usage that it counted stays, and so do its versions and what is in quarantine."
      onSubmit={() =>
        remove.mutate(
          { path: { id: meterId } },
          {
            onSuccess: () => {
              onClose();
              toast('Meter deleted', meterId);
            },
          },
        )
      }
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
        <strong>{meterId}</strong>
      </p>
      <FormErrors errors={fieldErrors(remove.error, []).rest} />
    </Dialog>
  );
}
