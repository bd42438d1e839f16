/** The rule of a meter as a JSON Schema, for editors. What holds between fields is beyond it and checked by the rule. */
import { z } from 'zod';
import { MeterRule } from './meter-rule.ts';

/** JSON Schema of draft 2020-12 of what people write: defaults may be left out. */
export function meterRuleJsonSchema(): Record<string, unknown> {
  return { title: 'Meter of otel-usage-meter', ...z.toJSONSchema(MeterRule, { io: 'input' }) };
}
