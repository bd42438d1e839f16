/** Instead of a page whose code failed, or could not be loaded. */
import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ErrorState } from '../kit/states.tsx';

export function PageError({ error }: ErrorComponentProps): ReactNode {
  return <ErrorState error={error as Error} onRetry={() => location.reload()} />;
}
