/** How requests stand in the journal: the numbers of a frame's kind and encoding. Never renumbered. */

/** A request to /v1/metrics that was decoded and had at least one claimed point. */
export const FRAME_METRICS = 1;

export type BodyFormat = 'protobuf' | 'json';
export type BodyCompression = 'identity' | 'gzip' | 'deflate';

export interface BodyEncoding {
  format: BodyFormat;
  compression: BodyCompression;
}

const FORMATS: readonly BodyFormat[] = ['protobuf', 'json'];
const COMPRESSIONS: readonly BodyCompression[] = ['identity', 'gzip', 'deflate'];

/** The format in the low four bits, the compression in the high four. */
export function encodingNumber({ format, compression }: BodyEncoding): number {
  return FORMATS.indexOf(format) | (COMPRESSIONS.indexOf(compression) << 4);
}

export function encodingOf(number: number): BodyEncoding {
  const format = FORMATS[number & 15];
  const compression = COMPRESSIONS[number >> 4];
  if (format === undefined || compression === undefined) {
    throw new RangeError(`journal frame has the unknown encoding ${number}: written by a newer version?`);
  }
  return { format, compression };
}
