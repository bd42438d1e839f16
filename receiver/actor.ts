/**
 * Who asks for what is being done, for the audit log.
 *
 * It is known where a request comes in and needed where a change is journaled, with every route between: it goes with
 * the request's asynchronous context, so that no route can forget it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** What the configuration file declares. */
export const FILE_ACTOR = 'file';
/** Whoever reaches a receiver without API keys, which listens on loopback only. */
export const LOCAL_ACTOR = 'local';

const actors = new AsyncLocalStorage<string>();

/** Does work, and all that follows from it, in somebody's name. */
export function asActor<T>(actor: string, work: () => T): T {
  return actors.run(actor, work);
}

/** Who asks; undefined outside of {@link asActor}. */
export function currentActor(): string | undefined {
  return actors.getStore();
}
