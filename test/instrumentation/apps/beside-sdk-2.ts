/** An application that has an SDK 2.x of its own, with its own exporter, beside usage metering. */
import { JsonExporter, MeterProvider, PeriodicExportingMetricReader } from 'otel-sdk-2';
import { defaultUsageMeter, recordUsage } from '../../../instrumentation/index.ts';
// The API that SDK 2.x asks for, which is an older one than the library's.
import { diag, metrics } from '../../system/sdk-2/node_modules/@opentelemetry/api/build/src/index.js';

const warnings: string[] = [];
const ignore = () => {};
diag.setLogger({
  warn: (line: string) => warnings.push(line),
  error: ignore,
  info: ignore,
  debug: ignore,
  verbose: ignore,
});

const reader = new PeriodicExportingMetricReader({
  exporter: new JsonExporter({
    url: `${process.env.APP_METRICS}/v1/metrics`,
  }),
  exportIntervalMillis: 1_000_000,
});
const provider = new MeterProvider({ readers: [reader] });
if (!metrics.setGlobalMeterProvider(provider)) throw new Error('somebody else is the global meter provider');

metrics.getMeter('app').createCounter('app.requests').add(5);
recordUsage({ customer: 'acme', dimension: 'tokens', value: 3 });
metrics.getMeter('app').createCounter('app.requests').add(1);

const { accepted } = await defaultUsageMeter().flush();
await provider.shutdown();
recordUsage({ customer: 'acme', dimension: 'tokens', value: -1 });
process.stdout.write(`${JSON.stringify({ accepted, warnings })}\n`);
