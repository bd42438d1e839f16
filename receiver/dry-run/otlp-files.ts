/**
 * Captured OTLP requests in files: one in JSON or protobuf, many as lines of JSON, or many with their lengths before
 * them, as the Collector's file exporter writes them; the file, or each message, compressed by gzip or zstd.
 * https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter
 */
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES, type OtlpFrame } from '../frames.ts';
import { BODY_LIMIT_BYTES } from '../inflate.ts';
import { ByteStream } from './byte-stream.ts';
import type { DryRunFrame, UnreadableFrame } from './dry-run.ts';
import { jsonKind, protobufKind } from './otlp-kind.ts';

export const SIGNAL_KINDS = { metrics: FRAME_METRICS, logs: FRAME_LOGS, traces: FRAME_TRACES } as const;
export type SignalName = keyof typeof SIGNAL_KINDS;

export interface OtlpFileOptions {
  /** Of which signal the requests are that do not say it themselves. */
  signal?: SignalName;
  /** What stands for the time at which they were received. */
  receivedAtUnixNano: bigint;
  /** Ends the reading, also of a file in which no request comes. */
  abort?: AbortSignal;
}

const TEXT_ENDING = /\.(?:json|jsonl|ndjson|log|txt)$/i;
const BINARY_ENDING = /\.(?:binpb|pb|proto|bin)$/i;
const COMPRESSED_ENDING = /\.(?:gz|zst)$/i;
const READ_BYTES = 256 * 1024;

/**
 * The files that paths name: themselves, and of folders all that have an ending of OTLP files, sorted.
 * @throws Error of the file system for a path that is not there
 */
export async function otlpFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) {
      files.push(path);
      continue;
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile() && isOtlpName(entry.name));
    files.push(...found.map(({ parentPath, name }) => join(parentPath, name)).sort());
  }
  return files;
}

function isOtlpName(name: string): boolean {
  const plain = name.replace(COMPRESSED_ENDING, '');
  return TEXT_ENDING.test(plain) || BINARY_ENDING.test(plain);
}

/** The requests of files, in their order. What is none is told with its place, and the rest goes on. */
export async function* otlpFileFrames(
  files: readonly string[],
  options: OtlpFileOptions,
): AsyncGenerator<DryRunFrame | UnreadableFrame> {
  for (const file of files) {
    try {
      yield* new OtlpFile(file, options).frames();
    } catch (error) {
      if (!isTroubleOfFile(error)) throw error;
      yield { origin: file, problem: `cannot be read to its end: ${error.message}` };
    }
  }
}

/** Of the file system or of the compression. */
function isTroubleOfFile(error: unknown): error is Error {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';
}

class OtlpFile {
  readonly #file: string;
  readonly #options: OtlpFileOptions;

  constructor(file: string, options: OtlpFileOptions) {
    this.#file = file;
    this.#options = options;
  }

  async *frames(): AsyncGenerator<DryRunFrame | UnreadableFrame> {
    const { stream, destroy } = await openBytes(this.#file);
    try {
      const bytes = new ByteStream(stream);
      const head = await bytes.peek(4);
      if (head.length === 0) return;
      if (this.#isText(head)) yield* this.#lines(bytes);
      else if (isLengthBefore(head)) yield* this.#messages(bytes);
      else yield* this.#message(bytes);
    } finally {
      destroy();
    }
  }

  #isText(head: Buffer): boolean {
    const name = this.#file.replace(COMPRESSED_ENDING, '');
    if (TEXT_ENDING.test(name)) return !isLengthBefore(head);
    if (BINARY_ENDING.test(name)) return false;
    // A line feed is also how a request in protobuf begins.
    return /^(?:\u00ef\u00bb\u00bf|[{ \t\r])/.test(head.toString('latin1'));
  }

  async *#lines(bytes: ByteStream): AsyncGenerator<DryRunFrame | UnreadableFrame> {
    if ((await bytes.peek(3)).equals(BYTE_ORDER_MARK)) await bytes.skip(3);
    const whole = await wholeDocument(bytes);
    if (whole !== null) {
      yield this.#json(whole, this.#file);
      return;
    }
    for (let number = 1; ; number++) {
      this.#options.abort?.throwIfAborted();
      const line = await bytes.line(BODY_LIMIT_BYTES);
      if (line === null) return;
      const origin = `${this.#file}:${number}`;
      if (line === 'too long') yield { origin, problem: TOO_LONG };
      else if (!isBlank(line)) yield this.#json(line, origin);
    }
  }

  async *#messages(bytes: ByteStream): AsyncGenerator<DryRunFrame | UnreadableFrame> {
    for (let number = 1; ; number++) {
      this.#options.abort?.throwIfAborted();
      const origin = `${this.#file}: message ${number}`;
      const prefix = await bytes.peek(4);
      if (prefix.length === 0) return;
      if (prefix.length < 4) {
        yield { origin, problem: 'is cut off' };
        return;
      }
      const length = prefix.readUInt32BE();
      await bytes.skip(4);
      if (length > BODY_LIMIT_BYTES) {
        yield { origin, problem: TOO_LONG };
        if (!(await bytes.skip(length))) return;
        continue;
      }
      const message = await bytes.take(length);
      if (message === null) {
        yield { origin, problem: 'is cut off' };
        return;
      }
      yield this.#compressedMessage(message, origin);
    }
  }

  async *#message(bytes: ByteStream): AsyncGenerator<DryRunFrame | UnreadableFrame> {
    const message = await bytes.peek(BODY_LIMIT_BYTES + 1);
    if (message.length > BODY_LIMIT_BYTES) yield { origin: this.#file, problem: TOO_LONG };
    else yield this.#protobuf(message, this.#file);
  }

  #compressedMessage(message: Buffer, origin: string): DryRunFrame | UnreadableFrame {
    let plain = message;
    if (message.subarray(0, 4).equals(ZSTD_MAGIC)) {
      try {
        plain = zstdDecompressSync(message, { maxOutputLength: BODY_LIMIT_BYTES });
      } catch (error) {
        return { origin, problem: `cannot be decompressed: ${(error as Error).message}` };
      }
    }
    return plain[0] === OPENING_BRACE ? this.#json(plain, origin) : this.#protobuf(plain, origin);
  }

  #json(payload: Buffer, origin: string): DryRunFrame | UnreadableFrame {
    const kind = jsonKind(payload);
    if (typeof kind === 'string') return { origin, problem: kind };
    return this.#frame(kind, 'json', payload, origin);
  }

  #protobuf(payload: Buffer, origin: string): DryRunFrame | UnreadableFrame {
    const { signal } = this.#options;
    const kind = signal === undefined ? protobufKind(payload) : SIGNAL_KINDS[signal];
    if (kind === null)
      return { origin, problem: 'does not say whether it is of metrics, logs or traces: use --signal' };
    return this.#frame(kind, 'protobuf', payload, origin);
  }

  #frame(kind: OtlpFrame, format: 'json' | 'protobuf', payload: Buffer, origin: string): DryRunFrame {
    const { receivedAtUnixNano } = this.#options;
    return { kind, encoding: { format, compression: 'identity' }, payload, receivedAtUnixNano, origin };
  }
}

/** A file's bytes, inflated where they begin as something compressed does. */
async function openBytes(file: string): Promise<{ stream: AsyncIterable<Buffer>; destroy: () => void }> {
  const handle = await open(file, 'r');
  const head = Buffer.alloc(4);
  try {
    await handle.read(head, 0, 4, 0);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const source = createReadStream(file, { fd: handle, start: 0, highWaterMark: READ_BYTES });
  let inflated: Transform;
  if (head.subarray(0, 2).equals(GZIP_MAGIC)) inflated = createGunzip({ chunkSize: READ_BYTES });
  else if (head.equals(ZSTD_MAGIC)) inflated = createZstdDecompress({ chunkSize: READ_BYTES });
  else return { stream: source, destroy: () => source.destroy() };
  // An error of either ends the reading of the second.
  pipeline(source, inflated, () => {});
  return {
    stream: inflated,
    destroy: () => {
      source.destroy();
      inflated.destroy();
    },
  };
}

/** A request of several lines is the only one of its file. @returns null where lines are requests of their own */
async function wholeDocument(bytes: ByteStream): Promise<Buffer | null> {
  const head = await bytes.peek(READ_BYTES);
  const lineEnd = head.indexOf(0x0a);
  // A first line this long is no beginning of a document that somebody has indented.
  if (lineEnd === -1 || isJson(head.subarray(0, lineEnd))) return null;
  const whole = await bytes.peek(BODY_LIMIT_BYTES + 1);
  return whole.length <= BODY_LIMIT_BYTES && isJson(whole) ? whole : null;
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** No request is so long that its length begins with more; and none in protobuf begins with as little. */
function isLengthBefore(head: Buffer): boolean {
  return head[0] <= BODY_LIMIT_BYTES >>> 24;
}

function isBlank(line: Buffer): boolean {
  return line.length < 16 && line.toString('latin1').trim() === '';
}

const TOO_LONG = `is longer than ${BODY_LIMIT_BYTES} bytes`;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const OPENING_BRACE = 0x7b;
