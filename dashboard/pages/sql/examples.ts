/** Queries to begin with: the cookbook's, as they stand there and are tested there; files of the page, loaded when chosen. */
import cohort from '../../../examples/sql-cookbook/cohort.sql?url';
import heaviestMetadata from '../../../examples/sql-cookbook/heaviest-metadata.sql?url';
import lateUsage from '../../../examples/sql-cookbook/late-usage.sql?url';
import monthByCustomer from '../../../examples/sql-cookbook/month-by-customer.sql?url';
import topMovers from '../../../examples/sql-cookbook/top-movers.sql?url';
import unattributed from '../../../examples/sql-cookbook/unattributed.sql?url';

export const EXAMPLES: readonly { label: string; url: string }[] = [
  { label: 'Last month by customer', url: monthByCustomer },
  { label: 'Whose usage changed most', url: topMovers },
  { label: 'On nobody’s bill', url: unattributed },
  { label: 'Do customers stay', url: cohort },
  { label: 'By a metadata key', url: heaviestMetadata },
  { label: 'What came late', url: lateUsage },
];
