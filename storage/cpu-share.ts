/** How much of the processors this process uses. */
import { availableParallelism } from 'node:os';

/**
 * With more in use, taking usage has the machine to itself: what can wait does.
 * @param processors in use on average, as {@link CpuShare} says
 */
export function isBusy(processors: number): boolean {
  return processors > 0.6 * availableParallelism();
}

export class CpuShare {
  #at = performance.now();
  #used = cpuMs();

  /** Processors that were busy for this process, on average, since this was asked last: 1.5 is one and a half. */
  since(): number {
    const [at, used] = [performance.now(), cpuMs()];
    const share = (used - this.#used) / Math.max(1, at - this.#at);
    this.#at = at;
    this.#used = used;
    return share;
  }
}

/** All threads of the process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
