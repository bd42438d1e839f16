/** Bodies of the answers to OTLP requests, in the encoding of the request. */
import { WireWriter } from './wire-writer.ts';

export type OtlpEncoding = 'protobuf' | 'json';

/**
 * An ExportMetricsServiceResponse, ExportLogsServiceResponse or ExportTraceServiceResponse. As nothing is ever rejected
 * and a zero is not written, they do not differ.
 * @param warning becomes a partial success that rejects nothing; null = the empty message
 * @see https://opentelemetry.io/docs/specs/otlp/#partial-success
 */
export function exportResponse(encoding: OtlpEncoding, warning: string | null): Uint8Array {
  if (encoding === 'json') return json(warning === null ? {} : { partialSuccess: { errorMessage: warning } });
  const writer = new WireWriter();
  if (warning !== null) {
    writer.begin(1);
    writer.text(2, warning);
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
