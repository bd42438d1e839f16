/** The types of answers, as they are described and as the code that makes them has them: the compiler compares. */
import { expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { DryRunReport } from '../../../../receiver/dry-run/report.ts';
import type { RecordSignals } from '../../../../receiver/explain/record-signals.ts';
import type * as common from '../../../../receiver/http/openapi/common.ts';
import type * as periods from '../../../../receiver/http/openapi/period-answers.ts';
import type * as quarantine from '../../../../receiver/http/openapi/quarantine-answers.ts';
import type * as resources from '../../../../receiver/http/openapi/resource-answers.ts';
import type * as server from '../../../../receiver/http/openapi/server-answers.ts';
import type * as usage from '../../../../receiver/http/openapi/usage-answers.ts';
import type { FieldError, Problem } from '../../../../receiver/http/problem.ts';
import type { StatementBody } from '../../../../receiver/periods/statement-documents.ts';
import type { QuarantineReason } from '../../../../storage/quarantine-reasons.ts';
import type * as query from '../../../../storage/query/index.ts';
import type { Customer, Dimension } from '../../../../storage/resources.ts';

/** Of what is made: a field that is not described, or described otherwise, makes it differ. */
type Said<Schema extends z.ZodType> = z.output<Schema>;

test('what is described is what is made', () => {
  expectTypeOf<Said<typeof usage.UsageRow>>().toEqualTypeOf<query.UsageRow>();
  expectTypeOf<Said<typeof usage.UsageRecord>>().toEqualTypeOf<query.UsageRecord>();
  expectTypeOf<Said<typeof resources.Customer>>().toEqualTypeOf<Customer>();
  expectTypeOf<Said<typeof resources.Dimension>>().toEqualTypeOf<Dimension>();
  expectTypeOf<Said<typeof quarantine.QuarantineRow>>().toEqualTypeOf<query.QuarantineRow>();
  expectTypeOf<
    Said<typeof quarantine.QuarantineReasonsAnswer>['rows'][number]
  >().toEqualTypeOf<QuarantineReason>();
  expectTypeOf<Said<typeof quarantine.QuarantineTotals>>().toEqualTypeOf<query.QuarantineTotal[]>();
  expectTypeOf<Said<typeof quarantine.QuarantinedSignal>>().toEqualTypeOf<query.QuarantinedSignal>();
  expectTypeOf<Said<typeof periods.StatementRow>>().toEqualTypeOf<query.StatementRow>();
  expectTypeOf<StatementBody>().toExtend<Said<typeof periods.Statement>>();
  expectTypeOf<Said<typeof periods.Statement>>().toExtend<StatementBody>();
  expectTypeOf<Said<typeof periods.PendingAdjustment>>().toEqualTypeOf<query.PendingAdjustment>();
  expectTypeOf<Said<typeof server.Status>['counts']>().toEqualTypeOf<query.LedgerCounts>();
  expectTypeOf<Said<typeof common.FieldError>>().toEqualTypeOf<FieldError>();
  expectTypeOf<keyof Problem>().toExtend<keyof common.Problem>();
  expectTypeOf<keyof query.AuditEntry>().toEqualTypeOf<keyof Said<typeof periods.AuditEntry>>();
  expectTypeOf<keyof DryRunReport>().toEqualTypeOf<keyof Said<typeof resources.DryRunReport>>();

  type Explained = Said<typeof usage.ExplainAnswer>;
  expectTypeOf<Explained['parts'][number]>().toEqualTypeOf<query.ExplainPart>();
  expectTypeOf<Explained['steps'][number]>().toEqualTypeOf<query.ExplainStep>();
  expectTypeOf<Explained['series'][number]>().toEqualTypeOf<query.OriginSeries>();
  expectTypeOf<Explained['meters'][number]>().toEqualTypeOf<query.MeterInForce>();
  expectTypeOf<Explained['dimension']>().toEqualTypeOf<query.ExplainAnswer['dimension']>();
  expectTypeOf<keyof Explained>().toEqualTypeOf<keyof query.ExplainAnswer | 'completeUntil'>();
  type Record = Explained['records'][number];
  expectTypeOf<keyof Record>().toEqualTypeOf<keyof query.ExplainedRecord | keyof RecordSignals>();
  expectTypeOf<Record['flags'][number]>().toEqualTypeOf<query.RecordFlag>();
  expectTypeOf<Record['reading']>().toEqualTypeOf<query.ExplainedRecord['reading']>();
});
