/** Request bodies, read whole and bounded. Streamed bytes are counted: JavaScript clients send no Content-Length. */
import type { IncomingMessage } from 'node:http';

export class BodyError extends Error {
  /** TOO_LARGE becomes a 413; ABORTED has nobody left to answer. */
  readonly code: 'TOO_LARGE' | 'ABORTED';
  constructor(code: BodyError['code'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.code = code;
  }
}

/** @throws BodyError */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () => new BodyError('TOO_LARGE', `the body is larger than ${limitBytes} bytes`);
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) {
        chunks.length = 0;
        request.off('data', onData);
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length)));
    request.once('error', () => reject(new BodyError('ABORTED', 'the connection broke')));
    request.once('close', () => {
      if (!request.complete)
        reject(new BodyError('ABORTED', 'the connection was closed before the body ended'));
    });
  });
}

/**
 * Lets a client that is still sending finish, so that it reads the answer instead of a reset connection, but not
 * for ever.
 */
export function discardBody(request: IncomingMessage, limitBytes: number): void {
  if (request.complete) return;
  let length = 0;
  const timer = setTimeout(() => request.destroy(), 10_000);
  timer.unref();
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limitBytes) request.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('error', () => {});
  request.resume();
}
