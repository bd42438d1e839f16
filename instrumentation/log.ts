/** Where warnings go: the application's `diag` logger, whichever version of the API it was set with. */
import { type DiagLogger, diag } from '@opentelemetry/api';

/** The API's registry of globals, shared by all its 1.x versions in a process. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

export const log = {
  /**
   * Usage is lost. Without a `diag` logger, which is the default, it goes to stderr: nobody should find out about
   * this from an invoice.
   */
  error(message: string, ...details: unknown[]): void {
    const logger = registeredLogger();
    if (logger === null) console.error(message, ...details);
    else logger.error(message, ...details);
  },
  warn(message: string): void {
    (registeredLogger() ?? diag).warn(message);
  },
  info(message: string): void {
    (registeredLogger() ?? diag).info(message);
  },
};

/**
 * `diag` keeps silent towards a logger that an older minor version of the API registered, and an application on
 * SDK 2.x has an older one (its packages ask for API < 1.10, ours for 1.10). The logger's interface is the same in all.
 */
function registeredLogger(): DiagLogger | null {
  const registry: unknown = Reflect.get(globalThis, REGISTRY);
  if (typeof registry !== 'object' || registry === null) return null;
  return (Reflect.get(registry, 'diag') as DiagLogger | undefined) ?? null;
}
