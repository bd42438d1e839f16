/** Bodies of the answers to OTLP requests, in the encoding of the request. */
import { WireWriter } from './wire-writer.ts';

export type OtlpEncoding = 'protobuf' | 'json';

/** What an otherwise accepted request could not deliver. With nothing rejected, the message is a warning. */
export interface PartialSuccess {
  rejectedDataPoints: number;
  errorMessage: string;
}

/**
 * An ExportMetricsServiceResponse. Without a partial success, the empty message.
 * https://opentelemetry.io/docs/specs/otlp/#partial-success
 */
export function exportMetricsResponse(encoding: OtlpEncoding, partialSuccess?: PartialSuccess): Uint8Array {
  const rejected = partialSuccess?.rejectedDataPoints ?? 0;
  const message = partialSuccess?.errorMessage ?? '';
  if (encoding === 'json') {
    // 64-bit integers are strings in protobuf's JSON, and defaults are left out.
    return json(
      partialSuccess === undefined
        ? {}
        : {
            partialSuccess: {
              ...(rejected === 0 ? {} : { rejectedDataPoints: String(rejected) }),
              ...(message === '' ? {} : { errorMessage: message }),
            },
          },
    );
  }
  const writer = new WireWriter();
  if (partialSuccess !== undefined) {
    writer.begin(1);
    if (rejected !== 0) writer.varint(1, BigInt(rejected));
    if (message !== '') writer.text(2, message);
    writer.end();
  }
  return writer.bytes();
}

/**
 * A google.rpc.Status, the body of a failed OTLP/HTTP request.
 * @param code a number of google.rpc.Code: 3 invalid argument, 8 resource exhausted, 14 unavailable, …
 */
export function statusBody(encoding: OtlpEncoding, code: number, message: string): Uint8Array {
  if (encoding === 'json') return json({ code, message });
  const writer = new WireWriter();
  if (code !== 0) writer.varint(1, BigInt(code));
  if (message !== '') writer.text(2, message);
  return writer.bytes();
}

const utf8 = new TextEncoder();

function json(value: unknown): Uint8Array {
  return utf8.encode(JSON.stringify(value));
}
