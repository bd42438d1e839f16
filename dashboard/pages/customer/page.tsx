import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';
import { customerRoute } from './route.ts';

export function Page(): ReactNode {
  const { customerId } = customerRoute.useParams();
  return <PageFrame title={customerId} back={{ to: '/customers', label: 'Customers' }} />;
}
