import { readFileSync } from 'node:fs';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { usageMeterConfig } from '../../instrumentation/config.ts';
import * as semconv from '../../instrumentation/semconv.ts';
import { VERSION } from '../../instrumentation/version.ts';

const warn = vi.fn();
const ignore = () => {};
beforeEach(() => {
  warn.mockReset();
  diag.setLogger(
    { warn, error: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
});
afterEach(() => diag.disable());

test.each<[string, object, Record<string, string>, object]>([
  //  what        options  environment  result
  [
    'defaults',
    {},
    {},
    {
      disabled: false,
      url: undefined,
      headers: {},
      exportIntervalMillis: 10_000,
      flushTimeoutMillis: 30_000,
      shutdownTimeoutMillis: 5_000,
      maxSeries: 50_000,
      maxPendingPoints: 200_000,
      handleProcessEnd: true,
    },
  ],
  [
    'standard variables',
    {},
    { OTEL_METRIC_EXPORT_INTERVAL: '60000', OTEL_METRIC_EXPORT_TIMEOUT: ' 5000 ', OTEL_SDK_DISABLED: 'TRUE' },
    { exportIntervalMillis: 60_000, flushTimeoutMillis: 5_000, disabled: true },
  ],
  [
    'our variables',
    {},
    {
      OTEL_USAGE_ENDPOINT: 'https://usage.example/base/',
      OTEL_USAGE_HEADERS: 'authorization=Bearer%20x, a=b=c',
      OTEL_USAGE_SHUTDOWN_TIMEOUT: '100',
      OTEL_USAGE_MAX_SERIES: '7',
      OTEL_USAGE_MAX_PENDING_POINTS: '8',
    },
    {
      url: 'https://usage.example/base/v1/metrics',
      headers: { authorization: 'Bearer x', a: 'b=c' },
      shutdownTimeoutMillis: 100,
      maxSeries: 7,
      maxPendingPoints: 8,
    },
  ],
  [
    'options before variables',
    { endpoint: 'http://127.0.0.1:1', exportIntervalMillis: 5, headers: { b: '3' } },
    {
      OTEL_USAGE_ENDPOINT: 'http://127.0.0.1:2',
      OTEL_METRIC_EXPORT_INTERVAL: '6',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1,c=1,d=1',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'b=2,c=2,d=2',
      OTEL_USAGE_HEADERS: 'd=9',
    },
    {
      url: 'http://127.0.0.1:1/v1/metrics',
      exportIntervalMillis: 5,
      headers: { a: '1', b: '3', c: '2', d: '9' },
    },
  ],
  ['a whole path', { endpoint: 'http://h/v1/metrics' }, {}, { url: 'http://h/v1/metrics' }],
  [
    'blank variables are unset',
    {},
    { OTEL_METRIC_EXPORT_INTERVAL: ' ', OTEL_USAGE_ENDPOINT: '' },
    { exportIntervalMillis: 10_000 },
  ],
])('%s', (_, options, env, expected) => {
  expect(usageMeterConfig(options, env)).toMatchObject(expected);
  expect(warn).not.toHaveBeenCalled();
});

test.each<[string, Record<string, string>, RegExp]>([
  [
    'a number that is none',
    { OTEL_METRIC_EXPORT_INTERVAL: 'soon' },
    /OTEL_METRIC_EXPORT_INTERVAL="soon" is ignored/,
  ],
  ['a number that is too small', { OTEL_USAGE_MAX_SERIES: '0' }, /OTEL_USAGE_MAX_SERIES="0"/],
  [
    'a header without a value',
    { OTEL_USAGE_HEADERS: 'secret' },
    /^usage: one pair of OTEL_USAGE_HEADERS is ignored/,
  ],
])('a wrong variable warns, and the default holds: %s', (_, env, message) => {
  expect(usageMeterConfig({}, env)).toMatchObject({
    exportIntervalMillis: 10_000,
    maxSeries: 50_000,
    url: undefined,
  });
  expect(warn.mock.calls.map(([line]) => line)).toEqual([expect.stringMatching(message)]);
});

test.each<[string, Record<string, string>, string | null]>([
  //  which    environment                                                       fault
  ['none', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, null],
  ['an address', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4999' }, null],
  [
    'no scheme',
    { OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:4999' },
    'OTEL_EXPORTER_OTLP_ENDPOINT="127.0.0.1:4999": expected an http or https URL, like http://127.0.0.1:4999',
  ],
  [
    'a name that reads as a scheme',
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'localhost:4999' },
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="localhost:4999": expected an http or https URL, like http://localhost:4999',
  ],
  [
    'another scheme',
    { OTEL_USAGE_ENDPOINT: 'grpc://h:4317' },
    'OTEL_USAGE_ENDPOINT="grpc://h:4317": expected an http or https URL, like http://127.0.0.1:4318',
  ],
  [
    'the nearest is wrong: the next one is somebody else’s',
    { OTEL_USAGE_ENDPOINT: 'h', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4999' },
    'OTEL_USAGE_ENDPOINT="h": expected an http or https URL, like http://h',
  ],
  [
    'a farther one is wrong, and not used',
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://h/v1/metrics', OTEL_EXPORTER_OTLP_ENDPOINT: 'h' },
    null,
  ],
])('the address of the environment: %s', (_, env, endpointFault) => {
  expect(usageMeterConfig({}, env)).toMatchObject({ endpointFault });
  expect(usageMeterConfig({ endpoint: 'http://h' }, env)).toMatchObject({
    url: 'http://h/v1/metrics',
    endpointFault: null,
  });
});

test.each<[string, object, RegExp]>([
  ['unknown', { endpint: 'http://h' }, /endpint/],
  ['not an address', { endpoint: 'h:1' }, /expected an http or https URL/],
  ['a negative interval', { exportIntervalMillis: -1 }, /exportIntervalMillis/],
  ['a unit with a blank', { dimensions: { x: { unit: 'per month' } } }, /UCUM[\s\S]*dimensions\.x\.unit/],
])('a wrong option throws: %s', (_, options, message) => {
  expect(() => usageMeterConfig(options, {})).toThrow(message);
});

test('the version is the package’s', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(version);
});

test('the names on the wire', () => {
  expect({ ...semconv }).toEqual({
    ATTR_USAGE_CUSTOMER_ID: 'usage.customer.id',
    ATTR_USAGE_DIMENSION_ID: 'usage.dimension.id',
    ATTR_USAGE_RECORD_ID: 'usage.record.id',
    ATTR_USAGE_VALUE: 'usage.value',
    ATTR_USAGE_EVENT_ID: 'usage.event.id',
    ATTR_LOG_RECORD_UID: 'log.record.uid',
    ATTR_OTEL_METRIC_OVERFLOW: 'otel.metric.overflow',
    USAGE_METRIC_PREFIX: 'usage.',
    USAGE_SCOPE_NAME: 'otel-usage-meter',
    UNIT_ONE: '1',
  });
});
