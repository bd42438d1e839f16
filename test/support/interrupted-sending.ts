/** Requests that are sent until they are acknowledged, to a receiver that is stopped and killed meanwhile. */
import type { Random } from './random.ts';
import { type ReceiverOptions, type ReceiverProcess, startReceiver } from './receiver-process.ts';
import { RetryingClient } from './retrying-client.ts';

export interface PreparedRequest {
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
  /** The answers that are right; 200 where none is named. */
  accepted?: readonly number[];
}

export interface SendingOutcome {
  /** The one that runs now. */
  receiver: ReceiverProcess;
  restarts: number;
  kills: number;
}

/**
 * Sends all requests, up to four at a time. At the places in `interruptions` the receiver goes away while they are in
 * flight, and comes back on its data directory.
 * @param options of the receiver that comes back, beside its data directory
 * @throws Error on an answer that no retry can change; no receiver runs then
 */
export async function sendInterrupted(
  running: ReceiverProcess,
  requests: readonly PreparedRequest[],
  interruptions: ReadonlySet<number>,
  random: Random,
  options: Omit<ReceiverOptions, 'dataDir'> = {},
): Promise<SendingOutcome> {
  const outcome = { receiver: running, restarts: 0, kills: 0 };
  const clients = new Map<string, RetryingClient>();
  const clientOf = (path: string) => {
    const known = clients.get(path) ?? new RetryingClient({ url: () => outcome.receiver.url, path });
    clients.set(path, known);
    return known;
  };
  try {
    const width = random.integer(1, 4);
    for (let at = 0; at < requests.length; at += width) {
      const batch = requests.slice(at, at + width);
      const sending = Promise.all(
        batch.map(({ path, body, headers, accepted }) => clientOf(path).send(body, headers, accepted)),
      );
      // Awaited below; until then a failure must not count as unhandled.
      sending.catch(() => {});
      if (batch.some((_, offset) => interruptions.has(at + offset))) {
        const { dataDir } = outcome.receiver;
        if (random.chance(0.5)) {
          await outcome.receiver.kill();
          outcome.kills++;
        } else {
          await outcome.receiver.stop();
          outcome.restarts++;
        }
        outcome.receiver = await startReceiver({ ...options, dataDir });
      }
      await sending;
    }
  } catch (error) {
    // The caller knows only the one that it gave.
    await outcome.receiver.kill();
    throw error;
  } finally {
    for (const client of clients.values()) client.close();
  }
  return outcome;
}
