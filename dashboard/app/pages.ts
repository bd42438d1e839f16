/** The pages of the sidebar and of the palette, in their order. */
import type { IconName } from '../kit/icon.tsx';

export const PAGES = [
  { to: '/', label: 'Overview', icon: 'overview' },
  { to: '/customers', label: 'Customers', icon: 'customers' },
  { to: '/dimensions', label: 'Dimensions', icon: 'dimensions' },
  { to: '/meters', label: 'Meters', icon: 'meters' },
  { to: '/quality', label: 'Data quality', icon: 'quality' },
  { to: '/live', label: 'Live', icon: 'live' },
  { to: '/periods', label: 'Periods', icon: 'periods' },
  { to: '/sql', label: 'SQL', icon: 'sql' },
] as const satisfies readonly { to: string; label: string; icon: IconName }[];
