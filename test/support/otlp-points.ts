/** Data points as tests think of them: one flat object each, which a writer groups into OTLP requests. */

/** An OTLP AnyValue: bigint = int, number = double, null = no value was set. */
export type OtlpValue = string | boolean | bigint | number | Uint8Array | OtlpValue[] | OtlpMap | null;
export interface OtlpMap {
  map: OtlpAttributes;
}
/** In the order in which they are written; a key may stand twice, as on the wire. */
export type OtlpAttributes = readonly (readonly [key: string, value: OtlpValue])[];

export type OtlpKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';
export const UNSPECIFIED = 0;
export const DELTA = 1;
export const CUMULATIVE = 2;

/** What the points of one metric share, and where it comes from. */
export interface OtlpStream {
  resource: OtlpAttributes;
  scopeName: string;
  scopeVersion: string;
  scopeAttributes: OtlpAttributes;
  name: string;
  unit: string;
  kind: OtlpKind;
  /** The number on the wire; gauges and summaries have none. */
  temporality: number;
  /** Of sums only. */
  monotonic: boolean;
}

/** The value of a histogram or summary; a sum is optional in OTLP. */
export interface OtlpDistribution {
  count: bigint;
  sum: number | null;
}

/** Bit 0 of a point's flags: NO_RECORDED_VALUE. */
export const NO_RECORDED_VALUE = 1;

export interface OtlpPoint {
  stream: OtlpStream;
  attributes: OtlpAttributes;
  startUnixNano: bigint;
  timeUnixNano: bigint;
  /** bigint = as_int, number = as_double, null = none was set. */
  value: bigint | number | OtlpDistribution | null;
  flags: number;
}

/** A counter's stream, as an SDK would write it; `changes` say what differs. */
export function stream(changes: Partial<OtlpStream> = {}): OtlpStream {
  return {
    resource: [
      ['service.name', 'shop'],
      ['service.instance.id', 'i-1'],
      ['telemetry.sdk.name', 'opentelemetry'],
    ],
    scopeName: 'usage',
    scopeVersion: '',
    scopeAttributes: [],
    name: 'usage.api.requests',
    unit: '1',
    kind: 'sum',
    temporality: DELTA,
    monotonic: true,
    ...changes,
  };
}
