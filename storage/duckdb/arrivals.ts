/** When journal frames came, to the second: what questions about an earlier state of the ledger are answered by. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LedgerBatch } from '../ledger-batch.ts';
import { read64 } from './words.ts';

const SECOND_NANO = 1_000_000_000n;

interface Arrival {
  sequence: bigint;
  receivedAtUnixNano: bigint;
}

/**
 * The first frame of each second becomes a row: at most 86,400 a day. A clock that is set back makes none until it has
 * caught up, so that rows ascend in both columns.
 */
export class Arrivals {
  #last: Arrival;
  #waiting: Arrival[] = [];

  private constructor(last: Arrival) {
    this.#last = last;
  }

  static async open(connection: DuckDBConnection): Promise<Arrivals> {
    const reader = await connection.runAndReadAll(
      'SELECT coalesce(max(sequence), 0), coalesce(max(epoch_ns(received_at)), -1) FROM stored.arrivals',
    );
    const [sequence, receivedAtUnixNano] = reader.getRows()[0] as bigint[];
    return new Arrivals({ sequence, receivedAtUnixNano });
  }

  /** Frames come again after a crash: what is known of them is left out. */
  note({ length, sequence, receivedAtUnixNano }: LedgerBatch['frames']): void {
    for (let frame = 0; frame < length; frame++) {
      const arrival = {
        sequence: BigInt(sequence[frame]),
        receivedAtUnixNano: read64(receivedAtUnixNano, frame),
      };
      if (arrival.sequence <= this.#last.sequence) continue;
      if (
        arrival.receivedAtUnixNano / SECOND_NANO <= this.#last.receivedAtUnixNano / SECOND_NANO &&
        this.#last.receivedAtUnixNano >= 0n
      ) {
        continue;
      }
      this.#last = arrival;
      this.#waiting.push(arrival);
    }
  }

  /** The statement that stores what was noted since the last one; null if there is nothing. */
  takeStatement(): string | null {
    if (this.#waiting.length === 0) return null;
    const rows = this.#waiting.map(
      ({ sequence, receivedAtUnixNano }) => `(${sequence}, make_timestamp_ns(${receivedAtUnixNano}))`,
    );
    this.#waiting = [];
    return `INSERT INTO stored.arrivals VALUES ${rows.join(', ')}`;
  }
}
