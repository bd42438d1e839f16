/** Request bodies, read whole and bounded. Streamed bytes are counted: JavaScript clients send no Content-Length. */
import type { IncomingMessage } from 'node:http';

export class BodyError extends Error {
  /** TOO_LARGE becomes a 413, BUSY a 503; ABORTED has nobody left to answer. */
  readonly code: 'TOO_LARGE' | 'BUSY' | 'ABORTED';
  constructor(code: BodyError['code'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.code = code;
  }
}

/** What all bodies that are under way take together. */
export interface BodyMemory {
  bytes: number;
  readonly limitBytes: number;
}

/**
 * @param memory grows by the body as it comes; whoever takes the body subtracts its length when done with it
 * @throws BodyError; then the memory has what it had before
 */
export function readBody(request: IncomingMessage, limitBytes: number, memory: BodyMemory): Promise<Buffer> {
  const tooLarge = () => new BodyError('TOO_LARGE', `the body is larger than ${limitBytes} bytes`);
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: BodyError) => {
      memory.bytes -= length;
      length = 0;
      chunks.length = 0;
      request.off('data', onData);
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      memory.bytes += chunk.length;
      chunks.push(chunk);
      if (length > limitBytes) fail(tooLarge());
      else if (memory.bytes > memory.limitBytes)
        fail(new BodyError('BUSY', 'too much usage at once; send it again'));
    };
    request.on('data', onData);
    request.once('end', () => {
      // The memory is the taker's from here on.
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
      length = 0;
      resolve(body);
    });
    request.once('error', () => fail(new BodyError('ABORTED', 'the connection broke')));
    request.once('close', () => {
      if (!request.complete)
        fail(new BodyError('ABORTED', 'the connection was closed before the body ended'));
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
