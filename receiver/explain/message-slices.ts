/** Where the signals of a protobuf request stand in its bytes. Pure. */
import type { OtlpFrame } from '../frames.ts';
import { FRAME_METRICS } from '../frames.ts';
import { NO_CONTENT, WireReader } from '../otlp/wire-reader.ts';

/** The bytes of one message, without its tag and length. */
export interface MessageSlice {
  offset: number;
  length: number;
}

// Tags of embedded messages: field number × 8 + wire type 2.
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
/** The members of a metric's oneof that hold points. */
const METRIC_DATA: ReadonlySet<number> = new Set([0x2a, 0x3a, 0x4a, 0x52, 0x5a]);

/**
 * The data points, log records or spans of a request that was decoded before, by their ordinals: in the order of the
 * wire, as the decoders count them.
 */
export function messageSlices(kind: OtlpFrame, body: Uint8Array): MessageSlice[] {
  const reader = new WireReader();
  reader.open(body);
  const slices: MessageSlice[] = [];
  // resource_metrics, then scope_metrics, then metrics; of logs and traces the records.
  const resources = (end: number) => eachField(reader, end, (tag) => (tag === FIELD_1 ? scopes : null));
  const scopes = (end: number) => eachField(reader, end, (tag) => (tag === FIELD_2 ? items : null));
  const items = (end: number) => eachField(reader, end, (tag) => (tag === FIELD_2 ? item : null));
  const slice = (end: number) => {
    slices.push({ offset: reader.at, length: end - reader.at });
    reader.at = end;
  };
  const points = (end: number) => eachField(reader, end, (tag) => (tag === FIELD_1 ? slice : null));
  const metric = (end: number) => {
    const first = slices.length;
    let member = 0;
    eachField(reader, end, (tag) => {
      if (!METRIC_DATA.has(tag)) return null;
      // Another member of the oneof takes the place of the first, with all that it held.
      if (tag !== member) slices.length = first;
      member = tag;
      return points;
    });
  };
  const item = kind === FRAME_METRICS ? metric : slice;
  resources(body.length);
  return slices;
}

/** Walks a message from where the reader is. @param visitorOf who reads the message of a field; null: nobody */
function eachField(
  reader: WireReader,
  end: number,
  visitorOf: (tag: number) => ((end: number) => void) | null,
): void {
  while (reader.at < end) {
    const tag = reader.tag(end);
    const visitor = visitorOf(tag);
    if (visitor === null) reader.skipField(NO_CONTENT, tag, end, 0);
    else visitor(reader.size(end) + reader.at);
  }
}
