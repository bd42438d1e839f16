/** How requests stand in the journal: the numbers of a frame's kind and encoding. Never renumbered. */

import { z } from 'zod';
import { RecordInput } from '../storage/changes.ts';

/** A request to /v1/metrics that was decoded and had at least one claimed point. */
export const FRAME_METRICS = 1;
/** The same for /v1/logs. */
export const FRAME_LOGS = 2;
/** The same for /v1/traces. */
export const FRAME_TRACES = 3;
/** Usage records by hand: {@link RecordsFrame} as JSON. */
export const FRAME_RECORDS = 4;
/** Changes that people made: a ChangeRequest (storage/changes.ts) as JSON. */
export const FRAME_CHANGES = 5;

/** The OTLP signals, by the frames that they come in. */
export type OtlpFrame = typeof FRAME_METRICS | typeof FRAME_LOGS | typeof FRAME_TRACES;

/** What a frame of records holds. */
export const RecordsFrame = z.strictObject({ records: z.array(RecordInput) });

export type BodyFormat = 'protobuf' | 'json';
export type BodyCompression = 'identity' | 'gzip' | 'deflate';

export interface BodyEncoding {
  format: BodyFormat;
  compression: BodyCompression;
}

const FORMATS: readonly BodyFormat[] = ['protobuf', 'json'];
const COMPRESSIONS: readonly BodyCompression[] = ['identity', 'gzip', 'deflate'];

/** How frames that we write ourselves are encoded. */
export const PLAIN_JSON: BodyEncoding = { format: 'json', compression: 'identity' };

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
