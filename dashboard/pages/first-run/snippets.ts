/** Code that sends a first record to one address. (Pure.) */
import type { Way } from './route.ts';

export interface Snippet {
  label: string;
  /** For whom it is, and what to do with it. */
  note: string;
  code: string;
}

const KEY = 'YOUR_API_KEY';

/** @param origin of the receiver: http://127.0.0.1:4318 */
export function snippets(origin: string, needsKey: boolean): Record<Way, Snippet> {
  const header = needsKey ? `\n  -H 'Authorization: Bearer ${KEY}' \\` : '';
  return {
    typescript: {
      label: 'TypeScript',
      note: 'An app of your own: npm install otel-usage-meter; out of a clone, npm run build there and npm install /path/to/it here. Then record where something is used.',
      code: `import { createUsageMeter } from 'otel-usage-meter';

const usage = createUsageMeter({
  endpoint: '${origin}',${needsKey ? `\n  headers: { Authorization: 'Bearer ${KEY}' },` : ''}
});

usage.record({ customer: 'acme', dimension: 'api.requests', value: 1 });

// Sent every ten seconds and when the process ends; here at once, to see it arrive.
await usage.flush();`,
    },
    curl: {
      label: 'curl',
      note: 'One data point as OTLP in JSON, what every OpenTelemetry exporter can send. Sent again with the same time, it counts once.',
      code: `curl ${origin}/v1/metrics \\
  -H 'Content-Type: application/json' \\${header}
  -d '{"resourceMetrics": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my-app"}}]},
    "scopeMetrics": [{"metrics": [{
      "name": "usage.api.requests",
      "sum": {
        "aggregationTemporality": 1,
        "isMonotonic": true,
        "dataPoints": [{
          "asInt": "1",
          "timeUnixNano": "'$(date +%s)000000000'",
          "attributes": [{"key": "usage.customer.id", "value": {"stringValue": "acme"}}]
        }]
      }
    }]}]
  }]}'`,
    },
    environment: {
      label: 'Environment variables',
      note: 'An app that has OpenTelemetry already: start it with these. What carries usage.customer.id and usage.dimension.id, or is called usage.<dimension>, counts.',
      code: `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf${
        needsKey ? `\nexport OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20${KEY}` : ''
      }
export OTEL_SERVICE_NAME=my-app`,
    },
    collector: {
      label: 'Collector',
      note: 'An OpenTelemetry Collector that you run: add the exporter, and the pipelines that have usage in them.',
      code: `exporters:
  otlphttp/usage:
    endpoint: ${origin}${needsKey ? `\n    headers: { Authorization: Bearer ${KEY} }` : ''}
    sending_queue: { enabled: true }
    retry_on_failure: { enabled: true, max_elapsed_time: 0s }   # never give up on usage

service:
  pipelines:
    metrics/usage: { receivers: [otlp], exporters: [otlphttp/usage] }
    logs/usage: { receivers: [otlp], exporters: [otlphttp/usage] }
    traces/usage: { receivers: [otlp], exporters: [otlphttp/usage] }`,
    },
  };
}
