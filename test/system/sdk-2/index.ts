/**
 * The metrics SDK and OTLP exporters of OpenTelemetry JS 2.x. Its packages ask for an older API than the project's,
 * so they are installed beside this file and reached through it.
 */
export { ValueType } from '@opentelemetry/api';
export {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
export { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
export { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
export { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
