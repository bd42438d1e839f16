/** Periods: statements of closed ones, adjustments that wait for the next close, and who changed what. */
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { OPENED, useWayBack } from '../../app/opened.ts';
import { ButtonLink } from '../../kit/button-link.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import { Adjustments } from './adjustments.tsx';
import { Audit } from './audit.tsx';
import { type PeriodsSearch, type PeriodView, periodsRoute } from './route.ts';
import { Statements } from './statements.tsx';

/** What every view of the page gets. */
export interface ViewProps {
  search: PeriodsSearch;
  /** Another question, which begins at its first page. */
  onAsk: (change: Partial<Record<keyof PeriodsSearch, unknown>>) => void;
  onPage: (page: string[]) => void;
  /** What is looked at of the same answer. */
  onShow: (change: Partial<Record<keyof PeriodsSearch, unknown>>) => void;
}

export function Page(): ReactNode {
  const search = periodsRoute.useSearch();
  const navigate = useNavigate({ from: '/periods' });
  const goBack = useWayBack();
  const props: ViewProps = {
    search,
    onAsk: (change) =>
      void navigate({
        search: ({ page: _page, ...before }) => ({ ...before, ...change }) as PeriodsSearch,
        replace: true,
      }),
    onPage: (page) =>
      void navigate({
        search: (before) => ({ ...before, page: page.length === 0 ? undefined : page }) as PeriodsSearch,
      }),
    onShow: (change) => {
      const isClosed = change.change === undefined;
      if (isClosed && goBack()) return;
      void navigate({
        search: (before) => ({ ...before, ...change }) as PeriodsSearch,
        ...(isClosed ? { replace: true } : { state: OPENED }),
      });
    },
  };
  return (
    <PageFrame
      title="Periods"
      description="A closed period has a statement that never changes. What comes later is an adjustment, which the next statement takes up."
      actions={
        <ButtonLink to="/periods/close" look="primary">
          Close a period
        </ButtonLink>
      }
    >
      <Tabs<PeriodView>
        value={search.view ?? 'statements'}
        onValue={(view) =>
          void navigate({
            search: ({ customerId, zone }: PeriodsSearch & { zone?: string }) =>
              ({
                ...(zone === undefined ? {} : { zone }),
                ...(customerId === undefined ? {} : { customerId }),
                ...(view === 'statements' ? {} : { view }),
              }) as PeriodsSearch,
          })
        }
        tabs={[
          { value: 'statements', label: 'Statements', content: <Statements {...props} /> },
          { value: 'adjustments', label: 'Pending adjustments', content: <Adjustments {...props} /> },
          { value: 'audit', label: 'Audit log', content: <Audit {...props} /> },
        ]}
      />
    </PageFrame>
  );
}
