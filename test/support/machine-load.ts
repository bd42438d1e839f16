/** How busy the whole machine was over a while: what a figure is worth that was measured meanwhile. */
import { cpus } from 'node:os';

/** @returns stops measuring: the share of the processors' time in which nobody wanted them, 0 to 1 */
export function watchIdle(): () => number {
  const idleBefore = idleMs();
  const startedAt = performance.now();
  // Of the time by the clock: what other machines of the host take from this one is in none of the system's sums.
  return () => (idleMs() - idleBefore) / ((performance.now() - startedAt) * cpus().length);
}

function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}
