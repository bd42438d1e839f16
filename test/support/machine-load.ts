/** How busy the whole machine was over a while: what a figure is worth that was measured meanwhile. */
import { cpus } from 'node:os';

/** @returns stops measuring: the share of the processors' time in which nobody wanted them, 0 to 1 */
export function watchIdle(): () => number {
  const before = times();
  return () => {
    const after = times();
    return (after.idle - before.idle) / (after.all - before.all);
  };
}

function times(): { idle: number; all: number } {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, all };
}
