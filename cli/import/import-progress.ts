/** How far an import is, on stderr: one line that is rewritten on a terminal, else a line every ten seconds. */

const TERMINAL_INTERVAL_MS = 250;
const LOG_INTERVAL_MS = 10_000;
/** What the rate is taken over. */
const WINDOW_MS = 10_000;

interface Sample {
  atMs: number;
  rows: number;
  bytes: number;
}

export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class ImportProgress {
  readonly #output: ProgressOutput;
  readonly #totalBytes: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #samples: Sample[] = [];
  #rows = 0;
  #bytes = 0;
  #phase = '';

  /** @param totalBytes of all files */
  constructor(output: ProgressOutput, totalBytes: number, now: () => number = Date.now) {
    this.#output = output;
    this.#totalBytes = totalBytes;
    this.#now = now;
    this.#timer = setInterval(() => this.#show(), output.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS);
    this.#timer.unref();
  }

  /** What is being done. */
  phase(text: string): void {
    this.#phase = text;
  }

  advance(bytes: number): void {
    this.#bytes += bytes;
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
    const now = { atMs: this.#now(), rows: this.#rows, bytes: this.#bytes };
    this.#samples.push(now);
    while (this.#samples.length > 2 && now.atMs - this.#samples[1].atMs >= WINDOW_MS) this.#samples.shift();
    const [then] = this.#samples;
    const seconds = (now.atMs - then.atMs) / 1000;
    const share = this.#totalBytes === 0 ? 1 : Math.min(1, this.#bytes / this.#totalBytes);
    const parts = [`${this.#rows.toLocaleString('en')} rows`, `${Math.floor(share * 100)} %`];
    if (seconds > 0) {
      parts.push(`${Math.round((now.rows - then.rows) / seconds).toLocaleString('en')} rows/s`);
      const bytesPerSecond = (now.bytes - then.bytes) / seconds;
      if (bytesPerSecond > 0 && share < 1)
        parts.push(`${duration((this.#totalBytes - this.#bytes) / bytesPerSecond)} left`);
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
