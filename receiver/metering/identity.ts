/**
 * Who wrote a point: the identities of resource, instrument and series (DESIGN "Identity and exactly-once").
 *
 * They say nothing of how a point came here: neither the request, the connection, the API key nor the Collector.
 */
import { hash } from 'node:crypto';
import { ATTR_USAGE_CUSTOMER_ID } from '../../instrumentation/semconv.ts';
import type { Attribute, MetricHeader } from '../otlp/metric-columns.ts';
import { CanonicalWriter } from './canonical.ts';

export interface ResourceIdentity {
  /** 32 hex digits. */
  hash: string;
  /** No service.instance.id: the whole resource stands for the writer, and replicas may look like one. */
  weak: boolean;
}

// Who is billed stands with who writes: workers of several customers on one host may share an instance id, and
// without the customer their points would be taken for each other's (docs/decisions/0003-customer-in-identity.md).
const IDENTIFYING_KEYS = ['service.namespace', 'service.name', 'service.instance.id', ATTR_USAGE_CUSTOMER_ID];

/**
 * service.namespace, service.name and service.instance.id where a non-empty instance id exists, with the customer
 * where the resource names one; else every attribute. The OpenTelemetry resource conventions call the triplet
 * globally unique.
 */
export function resourceIdentity(attributes: readonly Attribute[]): ResourceIdentity {
  const instance = attributes.find(({ key }) => key === 'service.instance.id')?.value;
  const weak =
    instance === undefined ||
    instance.type === 'empty' ||
    (instance.type === 'string' && instance.value === '');
  writer.clear();
  writer.byte(weak ? 0 : 1);
  writer.map(weak ? attributes : attributes.filter(({ key }) => IDENTIFYING_KEYS.includes(key)));
  return { hash: shortHash(writer.view()), weak };
}

/** One instrument: resource identity, scope and metric name. Temporality is judged for it as a whole. */
export function instrumentHash(
  resource: ResourceIdentity,
  header: Pick<MetricHeader, 'scopeName' | 'scopeVersion' | 'name'>,
  scopeAttributes: readonly Attribute[],
): string {
  writer.clear();
  writeInstrument(resource, header, scopeAttributes);
  return shortHash(writer.view());
}

/** What all series of a metric stream share; the first half of {@link seriesHash}. */
export function contextHash(
  resource: ResourceIdentity,
  header: MetricHeader,
  scopeAttributes: readonly Attribute[],
  /** A resource or scope that names a key twice: a broken writer, told apart from one that is not. */
  duplicateAttribute = false,
): string {
  writer.clear();
  writeInstrument(resource, header, scopeAttributes);
  if (duplicateAttribute) writer.byte(1);
  writer.text(header.unit);
  writer.byte(header.kind);
  writer.value({ type: 'int', value: BigInt(header.temporality) });
  writer.byte(header.monotonic ? 1 : 0);
  return shortHash(writer.view());
}

/** One series: its stream and the attributes of its points. */
export function seriesHash(context: string, attributes: readonly Attribute[]): string {
  writer.clear();
  writer.text(context);
  writer.map(attributes);
  return shortHash(writer.view());
}

/**
 * What a configured meter makes of a series: its points are other facts than the built-in meter's of the same series.
 * @param measure what running totals are made of, empty for others
 * @param resourceCustomerId see SeriesClaim
 */
export function meteredSeriesHash(
  series: string,
  meterId: string,
  dimensionId: string | null,
  measure: string,
  resourceCustomerId: string | null,
): string {
  writer.clear();
  writer.text(series);
  writer.text(meterId);
  writer.value(dimensionId === null ? { type: 'empty' } : { type: 'string', value: dimensionId });
  writer.text(measure);
  if (resourceCustomerId !== null) writer.text(resourceCustomerId);
  return shortHash(writer.view());
}

const writer = new CanonicalWriter();

function writeInstrument(
  resource: ResourceIdentity,
  header: Pick<MetricHeader, 'scopeName' | 'scopeVersion' | 'name'>,
  scopeAttributes: readonly Attribute[],
): void {
  writer.text(resource.hash);
  writer.text(header.scopeName);
  writer.text(header.scopeVersion);
  writer.map(scopeAttributes);
  writer.text(header.name);
}

/** 128 bits of SHA-256, as 32 hex digits. */
function shortHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, 32);
}
