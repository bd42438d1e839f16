/** A usage record, down to the signal that it was made of. */
import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';
import { recordRoute } from './route.ts';

export function Page(): ReactNode {
  const { recordId } = recordRoute.useParams();
  return <PageFrame title={recordId} back={{ to: '/customers', label: 'Customers' }} />;
}
