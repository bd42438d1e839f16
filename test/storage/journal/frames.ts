/** Frames that can be told apart: everything in one follows from its id. */
import type { NewFrame } from '../../../storage/journal/journal.ts';

export function frame(id: number, payloadBytes: number): NewFrame {
  const payload = Buffer.alloc(payloadBytes, `${id};`);
  return { receivedAtUnixNano: receivedAt(id), kind: id % 256, encoding: (id * 7) % 256, payload };
}

export function receivedAt(id: number): bigint {
  return 1_700_000_000_000_000_000n + BigInt(id);
}
