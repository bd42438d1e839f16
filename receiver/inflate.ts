/** Request bodies as they came over the wire, made plain, within a bound. */
import { gunzipSync, inflateSync } from 'node:zlib';
import type { BodyCompression } from './frames.ts';

/** Neither a body as received nor what it inflates to may be larger. */
export const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

// No deflate stream grows by more: https://www.zlib.net/zlib_tech.html ("Maximum Compression Factor").
const MAX_DEFLATE_RATIO = 1032;

export class InflateError extends Error {
  /** TOO_LARGE becomes a 413, BROKEN a 400. */
  readonly code: 'TOO_LARGE' | 'BROKEN';
  constructor(code: 'TOO_LARGE' | 'BROKEN', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InflateError';
    this.code = code;
  }
}

/**
 * In one call rather than as a stream, which costs half, into one buffer of the size that the gzip trailer names.
 * @throws InflateError
 */
export function inflate(
  body: Uint8Array,
  compression: BodyCompression,
  limitBytes = BODY_LIMIT_BYTES,
): Uint8Array {
  if (compression === 'identity') return body;
  const inflateAll = compression === 'gzip' ? gunzipSync : inflateSync;
  try {
    return inflateAll(body, {
      maxOutputLength: limitBytes,
      chunkSize: expectedLength(body, compression, limitBytes),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new InflateError('TOO_LARGE', `the body inflates to more than ${limitBytes} bytes`);
    }
    throw new InflateError('BROKEN', `the body is not ${compression}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A guess that costs nothing when it is wrong: the sender's word, held to what the input can inflate to. */
function expectedLength(body: Uint8Array, compression: BodyCompression, limitBytes: number): number {
  let expected = body.length * 4;
  if (compression === 'gzip' && body.length >= 18) {
    const end = body.length;
    expected = (body[end - 4] | (body[end - 3] << 8) | (body[end - 2] << 16) | (body[end - 1] << 24)) >>> 0;
    // One byte more, or the last call would find the buffer full and ask for another.
    expected += 1;
  }
  return Math.max(16_384, Math.min(expected, body.length * MAX_DEFLATE_RATIO, limitBytes + 1));
}
