import type { ReactNode } from 'react';
import { PageFrame } from '../../kit/page-frame.tsx';

export function Page(): ReactNode {
  return <PageFrame title="Live" />;
}
