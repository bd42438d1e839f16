/** How far a long command is, on stderr: one line that is rewritten on a terminal, else a line every ten seconds. */

const TERMINAL_INTERVAL_MS = 250;
const LOG_INTERVAL_MS = 10_000;
/** What the rate is taken over. */
const WINDOW_MS = 10_000;

interface Sample {
  atMs: number;
  rows: number;
  work: number;
}

export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #output: ProgressOutput;
  readonly #total: number | null;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #samples: Sample[] = [];
  #rows = 0;
  #work = 0;
  #phase = '';

  /** @param total all that there is to do, in whatever it is measured: bytes, rows; null where nobody knows */
  constructor(output: ProgressOutput, total: number | null, now: () => number = Date.now) {
    this.#output = output;
    this.#total = total;
    this.#now = now;
    this.#timer = setInterval(() => this.#show(), output.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS);
    this.#timer.unref();
  }

  /** What is being done. */
  phase(text: string): void {
    this.#phase = text;
  }

  /** So much of the total is done. */
  advance(work: number): void {
    this.#work += work;
  }

  countRows(rows: number): void {
    this.#rows += rows;
  }

  /** A line of its own. */
  note(text: string): void {
    this.#output.write(`${this.#output.isTTY ? '\r\x1b[K' : ''}${text}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#output.isTTY) this.#output.write('\r\x1b[K');
  }

  #show(): void {
    const line = this.line();
    if (!this.#output.isTTY) {
      this.#output.write(`${line}\n`);
      return;
    }
    this.#output.write(`\r\x1b[K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
  }

  /** `usage.csv: 1,200,000 rows, 45 %, 52,000 rows/s, 0:31 left` */
  line(): string {
    const now = { atMs: this.#now(), rows: this.#rows, work: this.#work };
    this.#samples.push(now);
    while (this.#samples.length > 2 && now.atMs - this.#samples[1].atMs >= WINDOW_MS) this.#samples.shift();
    const [then] = this.#samples;
    const seconds = (now.atMs - then.atMs) / 1000;
    const total = this.#total;
    const share = total === null || total === 0 ? 1 : Math.min(1, this.#work / total);
    const parts = [`${this.#rows.toLocaleString('en')} rows`];
    if (total !== null) parts.push(`${Math.floor(share * 100)} %`);
    if (seconds > 0) {
      parts.push(`${Math.round((now.rows - then.rows) / seconds).toLocaleString('en')} rows/s`);
      const workPerSecond = (now.work - then.work) / seconds;
      if (total !== null && workPerSecond > 0 && share < 1)
        parts.push(`${duration((total - this.#work) / workPerSecond)} left`);
    }
    return `${this.#phase}: ${parts.join(', ')}`;
  }
}

/** `0:31`, `2:05:00` */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const clock = `${Math.floor((whole % 3600) / 60)}:${String(whole % 60).padStart(2, '0')}`;
  return whole < 3600 ? clock : `${Math.floor(whole / 3600)}:${clock.padStart(5, '0')}`;
}
