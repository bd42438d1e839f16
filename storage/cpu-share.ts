/** How much of the processors this process uses. */

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
