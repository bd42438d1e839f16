/** What a question costs, asked several times. */

export interface Cost {
  ms: number;
  cpuMs: number;
}

/** The fastest run, which says most on a machine that others use. */
export async function questionCost(run: () => Promise<unknown>, repetitions: number): Promise<Cost> {
  let best = { ms: Number.POSITIVE_INFINITY, cpuMs: 0 };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    await run();
    const ms = performance.now() - before;
    const cpu = process.cpuUsage(cpuBefore);
    if (ms < best.ms) best = { ms, cpuMs: (cpu.user + cpu.system) / 1000 };
  }
  return best;
}

/** Where something takes long; on a terminal only. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}
