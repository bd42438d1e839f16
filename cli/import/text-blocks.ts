/** The bytes of a text file as blocks of whole lines, inflated and checked, in memory that does not grow. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { ImportError } from './import-error.ts';

/** A longer line or row is rejected as such. Bytes. */
export const MAX_ROW_BYTES = 1 << 20;

/**
 * Stands in a decoded line for each byte sequence that is not UTF-8: a lone surrogate, which no UTF-8 text decodes to,
 * so that what carries it can be told from a file that really has U+FFFD.
 */
export const INVALID_UTF8 = '\udfff';
/** Ends what is kept of a line that was too long to be read. */
export const TOO_LONG = '\udffe';

const READ_BYTES = 1 << 18;
/** As much of a line that is too long as a message can show. */
const KEPT_BYTES = 200;
const LINE_FEED = 10;

/** The content of a file, as it is hashed and read: inflated where its name ends in .gz. */
export async function* contentOf(
  path: string,
  isGzip: boolean,
  onBytes?: (fileBytes: number) => void,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  if (onBytes !== undefined) file.on('data', (chunk) => onBytes(chunk.length));
  if (!isGzip) {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  file.once('error', (error) => gunzip.destroy(error));
  try {
    yield* file.pipe(gunzip) as AsyncIterable<Buffer>;
  } finally {
    file.destroy();
  }
}

/**
 * Blocks of whole lines, each ending with its line feed but the file's last. A byte order mark is left out.
 * @throws ImportError "UNREADABLE" for UTF-16
 */
export async function* textBlocks(content: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const cutter = new LineCutter();
  let isFirstChunk = true;
  let isFirstBlock = true;
  for await (const chunk of content) {
    if (isFirstChunk) refuseUtf16(chunk);
    isFirstChunk = false;
    const block = cutter.push(chunk);
    if (block === '') continue;
    yield isFirstBlock ? withoutByteOrderMark(block) : block;
    isFirstBlock = false;
  }
  const last = cutter.end();
  if (last !== '') yield isFirstBlock ? withoutByteOrderMark(last) : last;
}

function refuseUtf16(bytes: Buffer): void {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new ImportError('UNREADABLE', 'is UTF-16: save it as UTF-8');
}

function withoutByteOrderMark(block: string): string {
  return block.startsWith('\ufeff') ? block.slice(1) : block;
}

/** Joins what the chunks cut apart: a line feed is never part of another UTF-8 character. */
class LineCutter {
  /** Bytes since the last line feed. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** The line that is being read is already too long: what is kept of it stands in `#rest`. */
  #isTooLong = false;

  push(chunk: Buffer): string {
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last < 0) {
      this.#keep(chunk);
      return '';
    }
    const first = chunk.indexOf(LINE_FEED);
    this.#keep(chunk.subarray(0, first + 1));
    const block = this.#takeRest(true) + decoded(chunk.subarray(first + 1, last + 1));
    this.#keep(chunk.subarray(last + 1));
    return block;
  }

  end(): string {
    return this.#takeRest(false);
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#isTooLong) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    if (this.#restBytes <= MAX_ROW_BYTES) return;
    // A copy, so that the chunk it was cut from can go.
    this.#rest = [Buffer.from(Buffer.concat(this.#rest).subarray(0, KEPT_BYTES))];
    this.#isTooLong = true;
  }

  #takeRest(endsWithLineFeed: boolean): string {
    if (this.#rest.length === 0) return '';
    const bytes = this.#rest.length === 1 ? this.#rest[0] : Buffer.concat(this.#rest);
    const text = this.#isTooLong
      ? `${bytes.toString('utf8').replaceAll('\n', ' ')}${TOO_LONG}${endsWithLineFeed ? '\n' : ''}`
      : decoded(bytes);
    this.#rest = [];
    this.#restBytes = 0;
    this.#isTooLong = false;
    return text;
  }
}

function decoded(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  // Only the lines at fault are marked: their neighbours may hold a U+FFFD that is meant.
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lineFeed = bytes.indexOf(LINE_FEED, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed + 1;
    const line = bytes.subarray(at, end);
    const lineText = line.toString('utf8');
    text += isUtf8(line) ? lineText : lineText.replaceAll('\ufffd', INVALID_UTF8);
    at = end;
  }
  return text;
}
