/** What an application imports: one line records usage, billing-grade. */
import { log } from './log.ts';
import { createUsageMeter, type UsageMeter } from './usage-meter.ts';
import type { Usage } from './usage-record.ts';

export type { UsageMeterOptions } from './config.ts';
export * from './semconv.ts';
export type { DimensionOptions } from './usage-aggregation.ts';
export { createUsageMeter, type FlushResult, type UsageMeter } from './usage-meter.ts';
export type { DropReason, Usage } from './usage-record.ts';

let meter: UsageMeter | null = null;

/**
 * Records usage with the process's default meter, which the standard OTEL_* variables configure when it is first
 * used. Never throws and never waits.
 *
 * ```ts
 * recordUsage({ customer: 'acme', dimension: 'api.requests', value: 1, metadata: { region: 'eu' } });
 * ```
 */
export function recordUsage(usage: Usage): void {
  try {
    defaultUsageMeter().record(usage);
  } catch (error) {
    log.error(`usage: recordUsage failed: ${String(error)}`);
  }
}

/** The meter behind {@link recordUsage}, for its `flush` and `shutdown`. */
export function defaultUsageMeter(): UsageMeter {
  meter ??= createUsageMeter();
  return meter;
}
