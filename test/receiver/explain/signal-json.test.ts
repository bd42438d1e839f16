import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { signalsAsJson } from '../../../receiver/explain/signal-json.ts';
import {
  type BodyEncoding,
  encodingNumber,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_RECORDS,
  FRAME_TRACES,
  PLAIN_JSON,
} from '../../../receiver/frames.ts';
import type { JournalFrame } from '../../../storage/journal/journal.ts';
import { CUMULATIVE, DELTA, type OtlpPoint, stream } from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from '../../support/otlp-writer.ts';

function frame(kind: number, payload: Uint8Array, encoding: BodyEncoding = PLAIN_JSON): JournalFrame {
  return { sequence: 7, receivedAtUnixNano: 1n, kind, encoding: encodingNumber(encoding), payload };
}

const json = (kind: number, request: object) => frame(kind, Buffer.from(JSON.stringify(request)));

const ATTRIBUTES = [
  { key: 'usage.customer.id', value: { stringValue: 'acme' } },
  { key: 'flag', value: { boolValue: true } },
  { key: 'big', value: { intValue: '9007199254740993' } },
  { key: 'half', value: { doubleValue: 0.5 } },
  { key: 'none', value: { doubleValue: 'NaN' } },
  { key: 'raw', value: { bytesValue: 'AAEC' } },
  { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
  { key: 'map', value: { kvlistValue: { values: [{ key: 'a', value: { stringValue: '' } }] } } },
];
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
const scope = { name: 'checkout', version: '2', attributes: [{ key: 's', value: { stringValue: 't' } }] };

describe('what was sent is what is shown', () => {
  const metrics = (metric: object) => ({
    resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics: [metric] }] }],
  });
  const times = { startTimeUnixNano: '1', timeUnixNano: '18446744073709551615' };
  const point = { attributes: ATTRIBUTES, ...times };

  test.each([
    // what             kind           request
    [
      'an integer sum',
      FRAME_METRICS,
      metrics({
        name: 'usage.requests',
        unit: 'By',
        sum: {
          dataPoints: [{ ...point, asInt: '-9223372036854775808' }],
          aggregationTemporality: 2,
          isMonotonic: true,
        },
      }),
    ],
    [
      'a gauge that is no number',
      FRAME_METRICS,
      metrics({ name: 'g', unit: '', gauge: { dataPoints: [{ ...point, asDouble: '-Infinity' }] } }),
    ],
    [
      'a point without a value or a time',
      FRAME_METRICS,
      metrics({ name: 'g', unit: '', gauge: { dataPoints: [{ attributes: [], flags: 1 }] } }),
    ],
    [
      'a histogram',
      FRAME_METRICS,
      metrics({
        name: 'h',
        unit: 's',
        histogram: { dataPoints: [{ ...point, count: '3', sum: 1.5 }], aggregationTemporality: 1 },
      }),
    ],
    [
      'an exponential histogram without a sum',
      FRAME_METRICS,
      metrics({
        name: 'h',
        unit: 's',
        exponentialHistogram: { dataPoints: [{ ...point, count: '3' }], aggregationTemporality: 0 },
      }),
    ],
    [
      'a summary',
      FRAME_METRICS,
      metrics({ name: 'h', unit: 's', summary: { dataPoints: [{ ...point, count: '3', sum: 2 }] } }),
    ],
    [
      'a log record',
      FRAME_LOGS,
      {
        resourceLogs: [
          {
            resource,
            scopeLogs: [
              {
                scope,
                logRecords: [
                  {
                    timeUnixNano: '5',
                    observedTimeUnixNano: '6',
                    severityNumber: 9,
                    severityText: 'INFO',
                    body: { kvlistValue: { values: ATTRIBUTES } },
                    attributes: ATTRIBUTES,
                    droppedAttributesCount: 1,
                    flags: 1,
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: 'eee19b7ec3c1b174',
                    eventName: 'usage.tokens',
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    [
      'a span',
      FRAME_TRACES,
      {
        resourceSpans: [
          {
            resource,
            scopeSpans: [
              {
                scope: {},
                spans: [
                  {
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: 'eee19b7ec3c1b174',
                    traceState: 'a=b',
                    parentSpanId: 'eee19b7ec3c1b173',
                    flags: 1,
                    name: 'chat',
                    kind: 3,
                    startTimeUnixNano: '5',
                    endTimeUnixNano: '6',
                    attributes: ATTRIBUTES,
                    droppedAttributesCount: 1,
                    events: [{ timeUnixNano: '5', name: 'e', attributes: [], droppedAttributesCount: 2 }],
                    droppedEventsCount: 3,
                    links: [
                      {
                        traceId: '5b8efff798038103d269b633813fc60c',
                        spanId: 'eee19b7ec3c1b172',
                        traceState: 'c=d',
                        attributes: [],
                        droppedAttributesCount: 1,
                        flags: 1,
                      },
                    ],
                    droppedLinksCount: 4,
                    status: { message: 'm', code: 2 },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  ])('%s', (_, kind, request) => {
    expect(signalsAsJson(json(kind, request), [0, 1])).toEqual([request, null]);
  });
});

test('points are found by their ordinals, whatever the encoding', () => {
  const sum = stream({ temporality: DELTA });
  const other = stream({ temporality: CUMULATIVE, name: 'usage.other' });
  const points = [sum, sum, other].map(
    (one, i): OtlpPoint => ({
      stream: one,
      attributes: [['n', BigInt(i)]],
      startUnixNano: 1n,
      timeUnixNano: 2n,
      value: BigInt(i),
      flags: 0,
    }),
  );
  const request = requestOf(points);
  const protobuf = new ProtobufWriter().encode(request);
  const encodings: [Uint8Array, BodyEncoding][] = [
    [protobuf, { format: 'protobuf', compression: 'identity' }],
    [gzipSync(protobuf), { format: 'protobuf', compression: 'gzip' }],
    [Buffer.from(toJson(request)), PLAIN_JSON],
  ];
  for (const [payload, encoding] of encodings) {
    const shown = signalsAsJson(frame(FRAME_METRICS, payload, encoding), [2, 0, 3]);
    const name = (signal: unknown) =>
      // biome-ignore lint/suspicious/noExplicitAny: a path through OTLP
      (signal as any)?.resourceMetrics[0].scopeMetrics[0].metrics[0];
    expect(name(shown[0])).toMatchObject({ name: 'usage.other', sum: { dataPoints: [{ asInt: '2' }] } });
    expect(name(shown[1])).toMatchObject({
      name: 'usage.api.requests',
      sum: { dataPoints: [{ asInt: '0' }] },
    });
    expect(shown[2]).toBeNull();
  }
});

test('a record by hand is shown as the journal has it', () => {
  const record = { customerId: 'acme', dimensionId: 'd', recordValue: '1' };
  expect(signalsAsJson(json(FRAME_RECORDS, { records: [record] }), [0, 1])).toEqual([record, null]);
});
