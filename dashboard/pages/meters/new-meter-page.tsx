/** A new meter: its rule, tested before it holds. */
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';
import { toast } from '../../kit/toast.tsx';
import { newMeterRoute } from './route.ts';
import { RuleEditor } from './rule-editor.tsx';
import type { Rule } from './rule-text.ts';

const BEGINNING: Rule = {
  id: '',
  signals: ['logs'],
  match: { all: [{ path: 'event_name', eq: '' }] },
  customer: 'attributes["customer.id"]',
  dimension: '',
};

export function Page(): ReactNode {
  const { view = 'form' } = newMeterRoute.useSearch();
  const navigate = useNavigate({ from: '/meters/-/new' });
  return (
    <PageFrame
      title="New meter"
      description="Which signals are usage, whose, of what, and how much."
      back={{ to: '/meters', label: 'Meters' }}
    >
      <RuleEditor
        rule={BEGINNING}
        meterId={null}
        inForceVersion={null}
        latestVersion={null}
        view={view}
        onView={(next) => void navigate({ search: { view: next }, replace: true })}
        onSaved={({ id }) => {
          toast('Meter created', id);
          void navigate({ to: '/meters/$meterId', params: { meterId: id } });
        }}
        onCancel={() => void navigate({ to: '/meters' })}
      />
    </PageFrame>
  );
}
