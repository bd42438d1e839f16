import { describe, expect, test } from 'vitest';
import type { SpanSignal } from '../../../receiver/otlp/event-signals.ts';
import { DecodeError } from '../../../receiver/otlp/metric-columns.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesJson } from '../../../receiver/otlp/traces-json.ts';
import { encode, Random, randomRequest } from './otlp-generator.ts';
import { toJson, withValidIds } from './otlp-json.ts';
import { plainText, signalsOfMessage, TraceRequest } from './otlp-proto.ts';

const utf8 = new TextEncoder();

function decode(body: string): SpanSignal[] {
  return decodeTracesJson(utf8.encode(body), new SignalGroups());
}

const span = (fields: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${fields}}]}]}]}`;
const SPAN = 'resourceSpans[0].scopeSpans[0].spans[0]';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

describe('what is read', () => {
  test.each<[string, string, object[]]>([
    //  case                      body                                                  signals in part
    ['an empty request', '{"resourceSpans":[]}', []],
    [
      'an empty span',
      span(''),
      [
        {
          type: 'span',
          group: { resourceAttributes: [], scopeName: '', scopeVersion: '', scopeAttributes: [] },
          traceId: '',
          spanId: '',
          parentSpanId: '',
          traceState: '',
          flags: 0,
          name: '',
          kind: 0,
          startTimeUnixNano: 0n,
          endTimeUnixNano: 0n,
          attributes: [],
          droppedAttributesCount: 0,
          events: [],
          droppedEventsCount: 0,
          links: [],
          droppedLinksCount: 0,
          statusCode: 0,
          statusMessage: '',
        },
      ],
    ],
    [
      'ids',
      span(`"traceId":"${traceId.toUpperCase()}","spanId":"${spanId}","parentSpanId":""`),
      [{ traceId, spanId, parentSpanId: '' }],
    ],
    [
      'times',
      span('"startTimeUnixNano":1700000000123456789,"endTimeUnixNano":"18446744073709551615"'),
      [{ startTimeUnixNano: 1_700_000_000_123_456_789n, endTimeUnixNano: 2n ** 64n - 1n }],
    ],
    ['a kind by number', span('"kind":5'), [{ kind: 5 }]],
    ['a kind by name', span('"kind":"SPAN_KIND_CLIENT"'), [{ kind: 3 }]],
    ['the last kind', span('"kind":"SPAN_KIND_CONSUMER"'), [{ kind: 5 }]],
    [
      'a status by number',
      span('"status":{"code":2,"message":"no"}'),
      [{ statusCode: 2, statusMessage: 'no' }],
    ],
    [
      'a status by name',
      span('"status":{"code":"STATUS_CODE_ERROR"}'),
      [{ statusCode: 2, statusMessage: '' }],
    ],
    ['no status', span('"status":null'), [{ statusCode: 0 }]],
    ['the deprecated code', span('"status":{"deprecatedCode":"X"}'), [{ statusCode: 0 }]],
    [
      'events and links',
      span(
        `"events":[{"timeUnixNano":"5","name":"e","attributes":[{"key":"a"}],"droppedAttributesCount":1},{}],"links":[{"traceId":"${traceId}","spanId":"${spanId}","traceState":"s","flags":257}],"droppedEventsCount":2,"droppedLinksCount":3`,
      ),
      [
        {
          events: [
            {
              timeUnixNano: 5n,
              name: 'e',
              attributes: [{ key: 'a', value: { type: 'empty' } }],
              droppedAttributesCount: 1,
            },
            { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 },
          ],
          links: [
            { traceId, spanId, traceState: 's', attributes: [], droppedAttributesCount: 0, flags: 257 },
          ],
          droppedEventsCount: 2,
          droppedLinksCount: 3,
        },
      ],
    ],
    [
      'names as in the .proto file',
      `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"${traceId}","parent_span_id":"${spanId}","trace_state":"s","start_time_unix_nano":"1","end_time_unix_nano":"2","dropped_events_count":3,"dropped_links_count":4}]}]}]}`,
      [
        {
          traceId,
          parentSpanId: spanId,
          traceState: 's',
          startTimeUnixNano: 1n,
          endTimeUnixNano: 2n,
          droppedEventsCount: 3,
          droppedLinksCount: 4,
        },
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(decode(text)).toMatchObject(expected);
    expect(decode(text)).toHaveLength(expected.length);
  });
});

describe('what is refused, and where', () => {
  test.each<[string, string, string]>([
    [
      'no spans',
      '{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
      'spans: expected an array (got an object)',
    ],
    ['a trace id', span('"traceId":"0af7"'), `${SPAN}.traceId: expected 32 hex digits (got "0af7")`],
    ['a parent', span('"parentSpanId":"zzzzzzzzzzzzzzzz"'), `${SPAN}.parentSpanId: expected 16 hex digits`],
    ['a name', span('"name":null,"traceState":1'), `${SPAN}.traceState: expected a string (got 1)`],
    ['a kind', span('"kind":"CLIENT"'), `${SPAN}.kind: expected one of SPAN_KIND_UNSPECIFIED, `],
    ['a kind of a fraction', span('"kind":1.5'), `${SPAN}.kind: expected a 32-bit integer (got 1.5)`],
    ['a status', span('"status":2'), `${SPAN}.status: expected an object (got 2)`],
    [
      'a status code',
      span('"status":{"code":"OK"}'),
      `${SPAN}.status.code: expected one of STATUS_CODE_UNSET, STATUS_CODE_OK, STATUS_CODE_ERROR or a number (got "OK")`,
    ],
    [
      'an end',
      span('"endTimeUnixNano":true'),
      `${SPAN}.endTimeUnixNano: expected an unsigned 64-bit integer`,
    ],
    ['an event', span('"events":[{},null]'), `${SPAN}.events[1]: expected an object (got null)`],
    [
      'the time of an event',
      span('"events":[{"timeUnixNano":"x"}]'),
      `${SPAN}.events[0].timeUnixNano: expected`,
    ],
    [
      'an attribute of a link',
      span('"links":[{"attributes":[{"value":1}]}]'),
      `${SPAN}.links[0].attributes[0].value: expected an object (got 1)`,
    ],
  ])('%s', (_, text, reason) => {
    expect(() => decode(text)).toThrow(DecodeError);
    expect(() => decode(text)).toThrow(reason);
  });
});

test('random requests mean the same in JSON and in protobuf', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`traces, JSON: seed ${seed}`);
  let signals = 0;
  for (let index = 0; index < 800; index++) {
    const random = new Random(seed + index);
    const message = withValidIds(TraceRequest.decode(encode(randomRequest(random, 'traces'))));
    const expected = signalsOfMessage(message);
    expect(plainText(decode(toJson(TraceRequest, message, random))), `seed ${seed + index}`).toBe(
      plainText(expected),
    );
    signals += expected.length;
  }
  expect(signals).toBeGreaterThan(1000);
});
