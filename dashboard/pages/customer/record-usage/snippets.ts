/**
 * Code that sends a usage record as the form does: the same customer, dimension, value, times, metadata and id, so that
 * doing both counts once.
 *
 * OpenTelemetry sends it as a log record, or with a start time as a span: these say their own time and id, and a value as
 * exact text. Counters take the time of the SDK's clock. (Pure.)
 */
import type { NewRecord } from './draft.ts';
import { type JsonValue, jsonText, jsonValue, shellWord, wideText } from './literals.ts';
import { instantOf } from './zoned-time.ts';

export const SNIPPETS = ['curl', 'typescript', 'python', 'go', 'otlp'] as const;
export type SnippetName = (typeof SNIPPETS)[number];

export const SNIPPET_LABELS: Readonly<Record<SnippetName, string>> = {
  curl: 'curl',
  typescript: 'TypeScript',
  python: 'Python',
  go: 'Go',
  otlp: 'OTLP JSON',
};

/** Where snippets send to. */
export interface Endpoint {
  /** Of the receiver: http://127.0.0.1:4318 */
  url: string;
  /** It asks for a key: code reads USAGE_METER_API_KEY, and never has the key itself. */
  needsKey: boolean;
}

/** Attributes that say what a signal is as usage, and are no metadata. */
const RESERVED: readonly string[] = [
  'usage.customer.id',
  'usage.dimension.id',
  'usage.value',
  'usage.event.id',
  'usage.record.id',
  'log.record.uid',
];

/** @returns the metadata key for which OpenTelemetry cannot say this record; null where it can */
export function reservedKey(record: NewRecord): string | null {
  return Object.keys(record.metadata).find((key) => RESERVED.includes(key)) ?? null;
}

/** @param record without faults; for Python, Go and OTLP without a {@link reservedKey} */
export function snippet(name: SnippetName, record: NewRecord, endpoint: Endpoint): string {
  return WRITERS[name](record, endpoint);
}

const WRITERS: Readonly<Record<SnippetName, (record: NewRecord, endpoint: Endpoint) => string>> = {
  curl: (record, endpoint) => `# One usage record, as Submit sends it: by its id, both
# are the same record.
${post('/api/v1/usage', bodyOf(record), endpoint)}`,
  typescript,
  python,
  go,
  otlp: (record, endpoint) => {
    const path = isPeriod(record) ? '/v1/traces' : '/v1/logs';
    return `${says('#', record)}
${post(path, otlpRequest(record), endpoint)}`;
  },
};

function isPeriod({ startTime }: NewRecord): boolean {
  return startTime !== undefined;
}

/** What OpenTelemetry sends. Short lines: the button that copies stands at their end. */
function says(comment: string, record: NewRecord): string {
  return isPeriod(record)
    ? `${comment} One span, from start time to timestamp: by its
${comment} usage.record.id it is the record that Submit sends.`
    : `${comment} One log record: by its usage.record.id it is the
${comment} record that Submit sends.`;
}

function unixNano(timestamp: string): bigint {
  const instant = instantOf(timestamp);
  if (typeof instant === 'string')
    throw new Error(`a record without faults has RFC 3339 times (got ${timestamp})`);
  return instant;
}

function attributesOf({ id, customerId, dimensionId, recordValue, metadata }: NewRecord): [string, string][] {
  return [
    ['usage.customer.id', customerId],
    ['usage.dimension.id', dimensionId],
    ['usage.value', recordValue],
    ['usage.record.id', id],
    ...Object.entries(metadata),
  ];
}

/**
 * By heredoc, in which a shell changes nothing, and no line of JSON is the word that ends it. But where somebody pastes it,
 * some shells put earlier commands in the place of what follows a `!`.
 */
function post(path: string, body: JsonValue, { url, needsKey }: Endpoint): string {
  const key = needsKey ? `  -H "Authorization: Bearer $USAGE_METER_API_KEY" \\\n` : '';
  return `curl --fail-with-body ${shellWord(url + path)} \\
${key}  -H 'Content-Type: application/json' --data-binary @- <<'JSON'
${jsonValue(body).replaceAll('!', '\\u0021')}
JSON
`;
}

function bodyOf({ metadata, ...record }: NewRecord): JsonValue {
  return { ...record, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) };
}

function typescript(record: NewRecord, { url, needsKey }: Endpoint): string {
  const body = jsonValue(bodyOf(record), '  ').replaceAll(/^( +)"([A-Za-z]+)": /gm, '$1$2: ');
  return `// One usage record, as Submit sends it: by its id, both
// are the same record. (In an app, recordUsage() is one
// line; it sums, and takes the time of the clock.)
import { UsageMeterClient } from "otel-usage-meter/client";

const client = new UsageMeterClient({
  url: ${jsonText(url)},${needsKey ? '\n  apiKey: process.env.USAGE_METER_API_KEY!,' : ''}
});
const answer = await client.request("POST /api/v1/usage", {
  body: ${body},
});
console.log(answer);
`;
}

function python(record: NewRecord, { url, needsKey }: Endpoint): string {
  const attributes = attributesOf(record)
    .map(([key, value]) => `        ${wideText(key)}: ${wideText(value)},\n`)
    .join('');
  const headers = needsKey
    ? '\n    headers={"Authorization": "Bearer " + os.environ["USAGE_METER_API_KEY"]},'
    : '';
  const head = `${says('#', record)}
# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
${needsKey ? 'import os\n\n' : ''}`;
  if (isPeriod(record)) {
    return `${head}from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

exporter = OTLPSpanExporter(
    endpoint=${wideText(`${url}/v1/traces`)},${headers}
)
provider = TracerProvider(sampler=ALWAYS_ON)
provider.add_span_processor(SimpleSpanProcessor(exporter))
span = provider.get_tracer("usage").start_span(
    "usage",
    start_time=${unixNano(record.startTime!)},  # ${record.startTime}
    attributes={
${attributes}    },
)
span.end(end_time=${unixNano(record.timestamp)})  # ${record.timestamp}
provider.shutdown()
`;
  }
  return `${head}from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

exporter = OTLPLogExporter(
    endpoint=${wideText(`${url}/v1/logs`)},${headers}
)
provider = LoggerProvider()
provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
provider.get_logger("usage").emit(LogRecord(
    timestamp=${unixNano(record.timestamp)},  # ${record.timestamp}
    attributes={
${attributes}    },
))
provider.shutdown()
`;
}

function go(record: NewRecord, { url, needsKey }: Endpoint): string {
  const ofKey = needsKey
    ? (option: string) =>
        `\n\t\t${option}.WithHeaders(map[string]string{"Authorization": "Bearer " + os.Getenv("USAGE_METER_API_KEY")}),`
    : () => '';
  const os = needsKey ? '\n\t"os"' : '';
  const attributes = attributesOf(record)
    .map(([key, value]) => `\t\t\tattribute.String(${wideText(key)}, ${wideText(value)}),\n`)
    .join('');
  const head = says('//', record);
  const end = `	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
`;
  if (isPeriod(record)) {
    return `${head}
// go get go.opentelemetry.io/otel/sdk
// go get go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
package main

import (
	"context"
	"log"${os}
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(${wideText(`${url}/v1/traces`)}),${ofKey('otlptracehttp')}
	)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithSampler(sdk.AlwaysSample()))
	_, span := provider.Tracer("usage").Start(ctx, "usage",
		trace.WithTimestamp(time.Unix(0, ${unixNano(record.startTime!)})), // ${record.startTime}
		trace.WithAttributes(
${attributes}		),
	)
	span.End(trace.WithTimestamp(time.Unix(0, ${unixNano(record.timestamp)}))) // ${record.timestamp}
${end}`;
  }
  return `${head}
// go get go.opentelemetry.io/otel/sdk/log
// go get go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp
package main

import (
	"context"
	"log"${os}
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	otel "go.opentelemetry.io/otel/log"
	sdk "go.opentelemetry.io/otel/sdk/log"
)

func main() {
	ctx := context.Background()
	exporter, err := otlploghttp.New(ctx,
		otlploghttp.WithEndpointURL(${wideText(`${url}/v1/logs`)}),${ofKey('otlploghttp')}
	)
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewLoggerProvider(sdk.WithProcessor(sdk.NewSimpleProcessor(exporter)))
	var record otel.Record
	record.SetTimestamp(time.Unix(0, ${unixNano(record.timestamp)})) // ${record.timestamp}
	record.AddAttributes(
${attributes.replaceAll(/^\t/gm, '')}	)
	provider.Logger("usage").Emit(ctx, record)
${end}`;
}

function otlpRequest(record: NewRecord): JsonValue {
  const attributes = attributesOf(record).map(([key, value]) => ({ key, value: { stringValue: value } }));
  const timeUnixNano = String(unixNano(record.timestamp));
  if (record.startTime === undefined)
    return { resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano, attributes }] }] }] };
  // Spans must have ids: those of the record's own random bits.
  const traceId = record.id.slice(-32);
  const span = {
    traceId,
    spanId: traceId.slice(0, 16),
    name: 'usage',
    startTimeUnixNano: String(unixNano(record.startTime)),
    endTimeUnixNano: timeUnixNano,
    attributes,
  };
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}
