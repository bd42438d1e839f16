/** A usage record, down to the signal that it was made of. */
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';
import { RecordView, useRecordOrigin } from './record-view.tsx';
import { recordRoute } from './route.ts';

export function Page(): ReactNode {
  const { recordId } = recordRoute.useParams();
  const { show = 'decoded' } = recordRoute.useSearch();
  const navigate = useNavigate({ from: '/records/$recordId' });
  const customerId = useRecordOrigin(recordId).data?.record.customerId;
  return (
    <PageFrame
      title="Usage record"
      back={
        customerId === undefined
          ? { to: '/customers', label: 'Customers' }
          : { to: '/customers/$customerId', params: { customerId }, label: customerId.slice(0, 60) }
      }
      description={recordId}
    >
      <RecordView
        recordId={recordId}
        show={show}
        onShow={(next) => void navigate({ search: { show: next }, replace: true })}
      />
    </PageFrame>
  );
}
