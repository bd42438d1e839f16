/** Where no page is. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { EmptyState } from '../kit/states.tsx';

export function PageNotFound(): ReactNode {
  return (
    <EmptyState title="There is no such page">
      Begin at the <Link to="/">overview</Link>.
    </EmptyState>
  );
}
