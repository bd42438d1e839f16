/** A usage record over the page that it was found on. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Dialog } from '../../kit/dialog.tsx';
import { RecordView, type RecordViewProps } from './record-view.tsx';

export function RecordDialog({ onClose, ...view }: RecordViewProps & { onClose: () => void }): ReactNode {
  const { recordId } = view;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Usage record"
      description={
        <Link to="/records/$recordId" params={{ recordId }}>
          {recordId}
        </Link>
      }
    >
      <RecordView {...view} />
    </Dialog>
  );
}
