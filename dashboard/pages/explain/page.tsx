/** Why a number is what it is. */
import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';
import { explainRoute } from './route.ts';

export function Page(): ReactNode {
  const { customerId } = explainRoute.useParams();
  return <PageFrame title={customerId} back={{ to: '/customers', label: 'Customers' }} />;
}
