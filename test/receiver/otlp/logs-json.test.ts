import { describe, expect, test } from 'vitest';
import { type LogSignal, MAX_EVENT_PARTS, MAX_EVENTS } from '../../../receiver/otlp/event-signals.ts';
import { decodeLogsJson } from '../../../receiver/otlp/logs-json.ts';
import { DecodeError, TooManySignalsError } from '../../../receiver/otlp/metric-columns.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { encode, Random, randomRequest } from './otlp-generator.ts';
import { toJson, withValidIds } from './otlp-json.ts';
import { LogsRequest, plainText, signalsOfMessage } from './otlp-proto.ts';

const utf8 = new TextEncoder();

function decode(body: string | Uint8Array): LogSignal[] {
  return decodeLogsJson(typeof body === 'string' ? utf8.encode(body) : body, new SignalGroups());
}

const record = (fields: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${fields}}]}]}]}`;
const body = (any: string) => record(`"body":${any}`);
const RECORD = 'resourceLogs[0].scopeLogs[0].logRecords[0]';

function nestedArrays(levels: number, innermost = '{"intValue":1}'): string {
  return `${'{"arrayValue":{"values":['.repeat(levels)}${innermost}${']}}'.repeat(levels)}`;
}

describe('what is read', () => {
  test.each<[string, string, object[]]>([
    //  case                          body                                            signals in part
    ['an empty request', '{}', []],
    ['null is absent', '{"resourceLogs":null}', []],
    [
      'null everywhere',
      '{"resourceLogs":[{"resource":null,"schemaUrl":null,"scopeLogs":[{"scope":null,"logRecords":[{"timeUnixNano":null,"severityNumber":null,"severityText":null,"body":null,"attributes":null,"flags":null,"traceId":null,"eventName":null}]}]}]}',
      [
        {
          type: 'log',
          group: { resourceAttributes: [], scopeName: '', scopeVersion: '', scopeAttributes: [] },
          timeUnixNano: 0n,
          observedTimeUnixNano: 0n,
          severityNumber: 0,
          severityText: '',
          body: { type: 'empty' },
          attributes: [],
          droppedAttributesCount: 0,
          flags: 0,
          traceId: '',
          spanId: '',
          eventName: '',
        },
      ],
    ],
    [
      'resource and scope',
      '{"resourceLogs":[{"resource":{"attributes":[{"key":"r","value":{"intValue":"1"}}]},"scopeLogs":[{"scope":{"name":"n","version":"v","attributes":[{"key":"s"}]},"logRecords":[{}]}]}]}',
      [
        {
          group: {
            resourceAttributes: [{ key: 'r', value: { type: 'int', value: 1n } }],
            scopeName: 'n',
            scopeVersion: 'v',
            scopeAttributes: [{ key: 's', value: { type: 'empty' } }],
          },
        },
      ],
    ],
    [
      'times as strings',
      record('"timeUnixNano":"18446744073709551615","observedTimeUnixNano":"1700000000123456789"'),
      [{ timeUnixNano: 2n ** 64n - 1n, observedTimeUnixNano: 1_700_000_000_123_456_789n }],
    ],
    [
      'times as bare numbers, exact',
      record('"timeUnixNano":1700000000123456789,"observedTimeUnixNano":5'),
      [{ timeUnixNano: 1_700_000_000_123_456_789n, observedTimeUnixNano: 5n }],
    ],
    ['a severity by number', record('"severityNumber":9'), [{ severityNumber: 9 }]],
    ['by name', record('"severityNumber":"SEVERITY_NUMBER_INFO"'), [{ severityNumber: 9 }]],
    ['the last name', record('"severityNumber":"SEVERITY_NUMBER_FATAL4"'), [{ severityNumber: 24 }]],
    ['the first name', record('"severityNumber":"SEVERITY_NUMBER_UNSPECIFIED"'), [{ severityNumber: 0 }]],
    ['one that OTLP does not know', record('"severityNumber":99'), [{ severityNumber: 99 }]],
    [
      'ids in hex of either case',
      record('"traceId":"0AF7651916cd43dd8448eb211c80319C","spanId":"B7AD6B7169203331"'),
      [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }],
    ],
    [
      'ids of zeros, and empty ones, are none',
      record('"traceId":"00000000000000000000000000000000","spanId":""'),
      [{ traceId: '', spanId: '' }],
    ],
    ['flags', record('"flags":4294967295'), [{ flags: 4294967295 }]],
    [
      'names as in the .proto file',
      '{"resource_logs":[{"scope_logs":[{"log_records":[{"time_unix_nano":"5","observed_time_unix_nano":"6","severity_number":1,"severity_text":"T","dropped_attributes_count":2,"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","event_name":"e","body":{"string_value":"b"}}]}]}]}',
      [
        {
          timeUnixNano: 5n,
          observedTimeUnixNano: 6n,
          severityNumber: 1,
          severityText: 'T',
          droppedAttributesCount: 2,
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          eventName: 'e',
          body: { type: 'string', value: 'b' },
        },
      ],
    ],
    [
      'unknown names, however they nest',
      record('"name":"old","x":{"y":[[{}]]},"eventName":"e"'),
      [{ eventName: 'e' }],
    ],
    ['a name that comes twice: the last', record('"eventName":"a","eventName":"b"'), [{ eventName: 'b' }]],
    ['a byte-order mark', `\ufeff${record('')}`, [{}]],
    ['a body: none', body('{}'), [{ body: { type: 'empty' } }]],
    ['a body: null', body('{"stringValue":null}'), [{ body: { type: 'empty' } }]],
    [
      'a body: a string',
      body('{"stringValue":"ü\\ud83e\\udd86"}'),
      [{ body: { type: 'string', value: 'ü🦆' } }],
    ],
    ['a body: the empty string', body('{"stringValue":""}'), [{ body: { type: 'string', value: '' } }]],
    ['a body: false', body('{"boolValue":false}'), [{ body: { type: 'bool', value: false } }]],
    [
      'a body: an integer',
      body('{"intValue":"-9223372036854775808"}'),
      [{ body: { type: 'int', value: -(2n ** 63n) } }],
    ],
    [
      'a body: a bare one beyond 2^53',
      body('{"intValue":9007199254740993}'),
      [{ body: { type: 'int', value: 9007199254740993n } }],
    ],
    ['a body: a double', body('{"doubleValue":0.1}'), [{ body: { type: 'double', value: 0.1 } }]],
    ['a body: minus zero', body('{"doubleValue":-0}'), [{ body: { type: 'double', value: -0 } }]],
    [
      'a body: infinity',
      body('{"doubleValue":"-Infinity"}'),
      [{ body: { type: 'double', value: -Infinity } }],
    ],
    [
      'a body: bytes',
      body('{"bytesValue":"AP8="}'),
      [{ body: { type: 'bytes', value: new Uint8Array([0, 255]) } }],
    ],
    ['a body: the empty array', body('{"arrayValue":{}}'), [{ body: { type: 'array', value: [] } }]],
    [
      'a body: a map, in its order and with what comes twice',
      body(
        '{"kvlistValue":{"values":[{"key":"b"},{"key":"a","value":{"arrayValue":{"values":[{}]}}},{"key":"b"}]}}',
      ),
      [
        {
          body: {
            type: 'map',
            value: [
              { key: 'b', value: { type: 'empty' } },
              { key: 'a', value: { type: 'array', value: [{ type: 'empty' }] } },
              { key: 'b', value: { type: 'empty' } },
            ],
          },
        },
      ],
    ],
    ['an index into a table', body('{"stringValueStrindex":1}'), [{ body: { type: 'empty' } }]],
    ['nesting of 100 levels', body(nestedArrays(48)), [{}]],
  ])('%s', (_, text, expected) => {
    expect(decode(text)).toMatchObject(expected);
    expect(decode(text)).toHaveLength(expected.length);
  });
});

describe('what is refused, and where', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{"resourceLogs":', 'JSON: '],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'JSON: the body is not UTF-8'],
    ['no object', '7', 'JSON: expected an object (got 7)'],
    ['a list that is none', '{"resourceLogs":{}}', 'JSON: resourceLogs: expected an array (got an object)'],
    [
      'a record that is none',
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[[]]}]}]}',
      `${RECORD}: expected an object (got an array)`,
    ],
    [
      'a resource',
      '{"resourceLogs":[{"resource":[]}]}',
      'resourceLogs[0].resource: expected an object (got an array)',
    ],
    [
      'a scope',
      '{"resourceLogs":[{"scopeLogs":[{"scope":{"name":1}}]}]}',
      'scopeLogs[0].scope.name: expected a string (got 1)',
    ],
    [
      'a time',
      record('"timeUnixNano":"-1"'),
      `${RECORD}.timeUnixNano: expected an unsigned 64-bit integer (got "-1")`,
    ],
    [
      'a time of a fraction',
      record('"timeUnixNano":1.5'),
      '.timeUnixNano: expected an unsigned 64-bit integer',
    ],
    [
      'a time beyond 64 bits',
      record('"timeUnixNano":"18446744073709551616"'),
      '.timeUnixNano: expected an unsigned',
    ],
    ['a fraction beyond 2^53', record('"timeUnixNano":9007199254740993.5'), 'too large to be exact'],
    [
      'a severity',
      record('"severityNumber":"INFO"'),
      `${RECORD}.severityNumber: expected one of SEVERITY_NUMBER_UNSPECIFIED, `,
    ],
    ['a severity text', record('"severityText":5'), '.severityText: expected a string (got 5)'],
    ['an event name', record('"eventName":{}'), '.eventName: expected a string (got an object)'],
    [
      'half a surrogate pair',
      body('{"stringValue":"\\ud83e"}'),
      `${RECORD}.body.stringValue: expected valid Unicode`,
    ],
    [
      'a trace id in base64',
      record('"traceId":"CvdlGRbNQ92ESOshHIAxnA=="'),
      `${RECORD}.traceId: expected 32 hex digits`,
    ],
    [
      'a trace id that is too long',
      record(`"traceId":"${'a'.repeat(34)}"`),
      '.traceId: expected 32 hex digits',
    ],
    [
      'a span id that is too short',
      record('"spanId":"b7ad6b71692033"'),
      '.spanId: expected 16 hex digits (got "b7ad6b71692033")',
    ],
    ['a span id that is no hex', record('"spanId":"x7ad6b7169203331"'), '.spanId: expected 16 hex digits'],
    ['a span id that is a number', record('"spanId":5'), '.spanId: expected 16 hex digits (got 5)'],
    ['flags', record('"flags":4294967296'), '.flags: expected an unsigned 32-bit integer'],
    [
      'both spellings',
      record('"eventName":"a","event_name":"b"'),
      `${RECORD}: a field comes in both spellings`,
    ],
    ['a body that is no value', body('"text"'), `${RECORD}.body: expected an object (got "text")`],
    [
      'two members of a body',
      body('{"intValue":1,"stringValue":""}'),
      `${RECORD}.body: expected one value (got intValue and stringValue)`,
    ],
    [
      'two spellings of a member',
      body('{"intValue":1,"int_value":1}'),
      'expected one value (got intValue and int_value)',
    ],
    [
      'an integer',
      body('{"intValue":"9223372036854775808"}'),
      `${RECORD}.body.intValue: expected a 64-bit integer`,
    ],
    ['base64', body('{"bytesValue":"a"}'), '.body.bytesValue: expected base64 (got "a")'],
    [
      'a key',
      record('"attributes":[{},{"key":1}]'),
      `${RECORD}.attributes[1].key: expected a string (got 1)`,
    ],
    ['nesting of 101 levels', body(nestedArrays(48, '{"arrayValue":{}}')), 'more than 100 levels of nesting'],
    ['nesting of 102 levels', body(nestedArrays(49)), 'more than 100 levels of nesting'],
    ['brackets and nothing else', '['.repeat(1_000_000), 'nested brackets'],
  ])('%s', (_, text, reason) => {
    expect(() => decode(text)).toThrow(DecodeError);
    expect(() => decode(text)).toThrow(reason);
  });

  test.each([
    [
      'log records',
      MAX_EVENTS,
      (items: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":${items}}]}]}`,
    ],
    ['attributes', MAX_EVENT_PARTS, (items: string) => record(`"attributes":${items}`)],
    ['items of a body', MAX_EVENT_PARTS, (items: string) => body(`{"arrayValue":{"values":${items}}}`)],
  ])('too many %s', (_, most, text) => {
    expect(() => decode(text(`[{}${',{}'.repeat(most)}]`))).toThrow(TooManySignalsError);
  });

  test('as many log records as there may be', () => {
    const records = `[{}${',{}'.repeat(MAX_EVENTS - 1)}]`;
    const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":${records}}]}]}`;
    expect(decode(body)).toHaveLength(MAX_EVENTS);
  });
});

test('random requests mean the same in JSON and in protobuf', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`logs, JSON: seed ${seed}`);
  let signals = 0;
  for (let index = 0; index < 800; index++) {
    const random = new Random(seed + index);
    const message = withValidIds(LogsRequest.decode(encode(randomRequest(random, 'logs'))));
    const expected = signalsOfMessage(message);
    expect(plainText(decode(toJson(LogsRequest, message, random))), `seed ${seed + index}`).toBe(
      plainText(expected),
    );
    signals += expected.length;
  }
  expect(signals).toBeGreaterThan(1000);
});
