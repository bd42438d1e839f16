/** Requests that are kept to show signals of them as they were received, within a bound. */

import { signalsAsJson } from '../explain/signal-json.ts';
import { encodingNumber } from '../frames.ts';
import type { DryRunFrame } from './dry-run.ts';

/** The first ones are kept up to this, */
const KEPT_BYTES = 32 * 1024 * 1024;
/** and those that show a rare reason of quarantine up to this. */
const KEPT_EXAMPLE_BYTES = 64 * 1024 * 1024;

export class KeptRequests {
  readonly #requests = new Map<number, DryRunFrame>();
  #bytes = 0;

  /** @param isExample kept for longer than the others */
  add(sequence: number, frame: DryRunFrame, isExample: boolean): void {
    const bytes = this.#bytes + frame.payload.length;
    if (bytes > (isExample ? KEPT_EXAMPLE_BYTES : KEPT_BYTES)) return;
    this.#bytes = bytes;
    // The payload may be a view of a much larger read.
    this.#requests.set(sequence, { ...frame, payload: Uint8Array.from(frame.payload) });
  }

  /** Where a request stood; null where it was not kept. */
  originOf(sequence: number): string | null {
    return this.#requests.get(sequence)?.origin ?? null;
  }

  /** A signal in OTLP/JSON; null where its request was not kept. */
  signal(sequence: number, ordinal: number): unknown {
    const request = this.#requests.get(sequence);
    if (request === undefined) return null;
    const { kind, encoding, payload, receivedAtUnixNano } = request;
    const frame = { sequence, kind, encoding: encodingNumber(encoding), payload, receivedAtUnixNano };
    return signalsAsJson(frame, [ordinal])[0];
  }
}
