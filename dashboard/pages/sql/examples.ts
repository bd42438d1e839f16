/** Queries to begin with: the cookbook's, as they stand there and are tested there. */
import cohort from '../../../examples/sql-cookbook/cohort.sql?raw';
import heaviestMetadata from '../../../examples/sql-cookbook/heaviest-metadata.sql?raw';
import lateUsage from '../../../examples/sql-cookbook/late-usage.sql?raw';
import monthByCustomer from '../../../examples/sql-cookbook/month-by-customer.sql?raw';
import topMovers from '../../../examples/sql-cookbook/top-movers.sql?raw';
import unattributed from '../../../examples/sql-cookbook/unattributed.sql?raw';

export const EXAMPLES: readonly { label: string; query: string }[] = [
  { label: 'Last month by customer', query: monthByCustomer },
  { label: 'Whose usage changed most', query: topMovers },
  { label: 'On nobody’s bill', query: unattributed },
  { label: 'Do customers stay', query: cohort },
  { label: 'By a metadata key', query: heaviestMetadata },
  { label: 'What came late', query: lateUsage },
];
