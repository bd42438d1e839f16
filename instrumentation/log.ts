/** Where warnings and errors go: the application's `diag` logger, whichever version of the API set it; else stderr. */
import type { DiagLogger } from '@opentelemetry/api';

/** The API's registry of globals, shared by all its 1.x versions in a process. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/**
 * Without a `diag` logger, which is the default, all of it goes to stderr: nobody should find out from an invoice that
 * usage was dropped or is not delivered. Who calls this sees to it that it is seldom.
 */
export const log = {
  /** Usage is lost, or nothing can be sent. */
  error(message: string): void {
    const logger = registeredLogger();
    if (logger !== null) logger.error(message);
    else if (stderrTakes('error')) console.error(message);
  },
  warn(message: string): void {
    const logger = registeredLogger();
    if (logger !== null) logger.warn(message);
    else if (stderrTakes('warn')) console.warn(message);
  },
};

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration */
function stderrTakes(level: 'warn' | 'error'): boolean {
  const least = process.env.OTEL_LOG_LEVEL?.trim().toUpperCase();
  return least !== 'NONE' && (least !== 'ERROR' || level === 'error');
}

/**
 * `diag` keeps silent towards a logger that an older minor version of the API registered, and an application on
 * SDK 2.x has an older one (its packages ask for API < 1.10, ours for 1.10). The logger's interface is the same in all.
 */
function registeredLogger(): DiagLogger | null {
  const registry: unknown = Reflect.get(globalThis, REGISTRY);
  if (typeof registry !== 'object' || registry === null) return null;
  return (Reflect.get(registry, 'diag') as DiagLogger | undefined) ?? null;
}
