import { describe, expect, test } from 'vitest';
import { MAX_EVENT_PARTS } from '../../../receiver/otlp/event-signals.ts';
import { DecodeError, TooManySignalsError } from '../../../receiver/otlp/metric-columns.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesProtobuf } from '../../../receiver/otlp/traces-protobuf.ts';
import { compareDecoders } from './differential.ts';
import { bytes, encode, type Field, fixed32, fixed64, message, text, varint } from './otlp-generator.ts';
import { plainText, signalsOfMessage, TraceRequest } from './otlp-proto.ts';

const span = (...fields: Field[]) => [message(1, [message(2, [message(2, fields)])])];
const attribute = (key: string, ...value: Field[]) => [text(1, key), message(2, value)];
const id = (number: number, length: number, byte = 0xab) => bytes(number, new Uint8Array(length).fill(byte));
const kv = (key: string) => ({ key, value: { type: 'empty' } });
const traceId = 'ab'.repeat(16);
const spanId = 'ab'.repeat(8);

function nested(levels: number, innermost: Field = varint(3, 1n)): Field[] {
  let value: Field[] = [innermost];
  for (let level = 0; level < levels; level++) value = [message(5, [message(1, value)])];
  return value;
}

const decode = (encoded: Uint8Array) => decodeTracesProtobuf(encoded, new SignalGroups());

describe('what the messages mean', () => {
  test.each<[string, Field[], object[]]>([
    //  rule                        body                                                    signals in part
    ['an empty request', [], []],
    [
      'an empty span',
      span(),
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
    ['ids', span(id(1, 16), id(2, 8), id(4, 8)), [{ traceId, spanId, parentSpanId: spanId }]],
    [
      'ids of zeros are none',
      span(id(1, 16, 0), id(2, 8, 0), id(4, 8, 0)),
      [{ traceId: '', spanId: '', parentSpanId: '' }],
    ],
    [
      'ids of another length are none',
      span(id(1, 17), id(2, 0), id(4, 7)),
      [{ traceId: '', spanId: '', parentSpanId: '' }],
    ],
    [
      'uint64 times',
      span(fixed64(7, 1n), fixed64(8, 2n ** 64n - 1n)),
      [{ startTimeUnixNano: 1n, endTimeUnixNano: 2n ** 64n - 1n }],
    ],
    ['a name and state', span(text(3, 'k=v'), text(5, 'chat')), [{ traceState: 'k=v', name: 'chat' }]],
    ['a kind that OTLP does not know', span(varint(6, 9n)), [{ kind: 9 }]],
    ['flags, whose tag is two bytes', span(fixed32(16, 0x80000101)), [{ flags: 0x80000101 }]],
    [
      'counts',
      span(varint(10, 1n), varint(12, 2n), varint(14, 3n)),
      [{ droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 3 }],
    ],
    ['a status', span(message(15, [text(2, 'no'), varint(3, 2n)])), [{ statusCode: 2, statusMessage: 'no' }]],
    [
      'a status in two parts: merged',
      span(message(15, [text(2, 'no')]), message(15, [varint(3, 1n)])),
      [{ statusCode: 1, statusMessage: 'no' }],
    ],
    [
      'the deprecated code of a status',
      span(message(15, [varint(1, 2n)])),
      [{ statusCode: 0, statusMessage: '' }],
    ],
    [
      'a status is not that of the span before',
      [message(1, [message(2, [message(2, [message(15, [text(2, 'no'), varint(3, 2n)])]), message(2, [])])])],
      [
        { statusCode: 2, statusMessage: 'no' },
        { statusCode: 0, statusMessage: '' },
      ],
    ],
    [
      'events and links in their order, between other fields',
      span(
        message(11, [fixed64(1, 5n), text(2, 'first'), message(3, attribute('a')), varint(4, 1n)]),
        message(13, [
          id(1, 16),
          id(2, 8),
          text(3, 's'),
          message(4, attribute('b')),
          varint(5, 2n),
          fixed32(6, 1),
        ]),
        message(9, attribute('c')),
        message(11, []),
        message(13, []),
      ),
      [
        {
          attributes: [kv('c')],
          events: [
            { timeUnixNano: 5n, name: 'first', attributes: [kv('a')], droppedAttributesCount: 1 },
            { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 },
          ],
          links: [
            {
              traceId,
              spanId,
              traceState: 's',
              attributes: [kv('b')],
              droppedAttributesCount: 2,
              flags: 1,
            },
            { traceId: '', spanId: '', traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 },
          ],
        },
      ],
    ],
    [
      'known fields of another wire type',
      span(varint(1, 1n), fixed64(5, 1n), fixed64(6, 1n), varint(11, 1n), varint(15, 1n), varint(16, 1n)),
      [{ traceId: '', name: '', kind: 0, events: [], statusCode: 0, flags: 0 }],
    ],
    ['nesting of 100 levels, in an attribute', span(message(9, [message(2, nested(47))])), [{}]],
    [
      'nesting of 100 levels, in an event',
      span(message(11, [message(3, [message(2, nested(47))])])),
      [{ events: [{}] }],
    ],
  ])('%s', (_, fields, expected) => {
    const encoded = encode(fields);
    const signals = decode(encoded);
    expect(signals).toMatchObject(expected);
    expect(signals).toHaveLength(expected.length);
    expect(plainText(signals)).toBe(plainText(signalsOfMessage(TraceRequest.decode(encoded))));
  });
});

describe('what is refused', () => {
  const bad = new Uint8Array([0x61, 0xff]);
  test.each<[string, Uint8Array | Field[], string]>([
    ['a body that is cut', encode(span(fixed64(7, 1n))).slice(0, -1), 'runs past the end of its message'],
    ['wire type 7', new Uint8Array([0x0f, 0]), 'wire type 7'],
    ['a trace state', span(bytes(3, bad)), 'not UTF-8'],
    ['a name', span(bytes(5, bad)), 'not UTF-8'],
    ['an attribute', span(message(9, [message(2, [bytes(1, bad)])])), 'not UTF-8'],
    ['the name of an event', span(message(11, [bytes(2, bad)])), 'not UTF-8'],
    ['an attribute of an event', span(message(11, [message(3, [bytes(1, bad)])])), 'not UTF-8'],
    ['the state of a link', span(message(13, [bytes(3, bad)])), 'not UTF-8'],
    ['an attribute of a link', span(message(13, [message(4, [bytes(1, bad)])])), 'not UTF-8'],
    ['a status message', span(message(15, [bytes(2, bad)])), 'not UTF-8'],
    ['a cut time of an event', span(bytes(11, new Uint8Array([0x09, 0]))), 'a fixed-size field is cut off'],
    [
      'nesting of 101 levels, in an event',
      span(message(11, [message(3, [message(2, nested(47, message(5, [])))])])),
      'more than 100 levels',
    ],
    [
      'nesting of 102 levels, in a link',
      span(message(13, [message(4, [message(2, nested(48))])])),
      'more than 100 levels',
    ],
  ])('%s', (_, body, reason) => {
    const encoded = body instanceof Uint8Array ? body : encode(body);
    expect(() => TraceRequest.decode(encoded)).toThrow();
    expect(() => decode(encoded)).toThrow(DecodeError);
    expect(() => decode(encoded)).toThrow(reason);
  });

  test.each([
    ['events', 0x5a],
    ['links', 0x6a],
  ])('too many %s', (_, tag) => {
    const parts = new Uint8Array(2 * (MAX_EVENT_PARTS + 1));
    for (let i = 0; i < parts.length; i += 2) parts[i] = tag;
    const length = [0, 7, 14, 21].map((shift) => ((parts.length >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0));
    const spanField = Buffer.concat([Uint8Array.of(0x12, ...length), parts]);
    expect(() => decode(encode([message(1, [bytes(2, spanField)])]))).toThrow(TooManySignalsError);
  });
});

test('same spans or same refusal as a schema-compiled library, for random and damaged bodies', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`traces fuzz: seed ${seed} (npm run fuzz -- --seed ${seed} --count 2500)`);
  const outcome = compareDecoders('traces', seed, 2500);
  expect(outcome.disagreements, `seed ${seed}`).toEqual([]);
  // Otherwise the comparison would prove little.
  expect(outcome.accepted).toBeGreaterThan(800);
  expect(outcome.refused).toBeGreaterThan(400);
  expect(outcome.signals).toBeGreaterThan(2000);
});
