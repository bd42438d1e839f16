/** The dialog in which usage is recorded by hand. Its form is loaded when it opens. */
import { lazy, type ReactNode, Suspense } from 'react';

export interface RecordUsageDialogProps {
  /** Filled in; empty or left out where it is to be chosen. */
  customerId?: string | undefined;
  dimensionId?: string | undefined;
  open: boolean;
  onClose: () => void;
}

const RecordUsage = lazy(async () => ({ default: (await import('./record-usage.tsx')).RecordUsage }));

export function RecordUsageDialog({
  open,
  customerId = '',
  dimensionId = '',
  onClose,
}: RecordUsageDialogProps): ReactNode {
  // What was typed is kept elsewhere.
  if (!open) return null;
  return (
    <Suspense>
      <RecordUsage customerId={customerId} dimensionId={dimensionId} onClose={onClose} />
    </Suspense>
  );
}
