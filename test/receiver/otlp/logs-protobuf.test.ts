import { describe, expect, test } from 'vitest';
import { type LogSignal, MAX_EVENT_PARTS, MAX_EVENTS } from '../../../receiver/otlp/event-signals.ts';
import { decodeLogsProtobuf } from '../../../receiver/otlp/logs-protobuf.ts';
import { DecodeError, TooManySignalsError } from '../../../receiver/otlp/metric-columns.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { compareDecoders } from './differential.ts';
import {
  bytes,
  double,
  encode,
  type Field,
  fixed32,
  fixed64,
  message,
  text,
  varint,
} from './otlp-generator.ts';
import { LogsRequest, plainText, signalsOfMessage } from './otlp-proto.ts';

const record = (...fields: Field[]) => [message(1, [message(2, [message(2, fields)])])];
const attribute = (key: string, ...value: Field[]) => [text(1, key), message(2, value)];
const body = (...value: Field[]) => record(message(5, value));
const group = (number: number, ...value: Field[]): Field => ({ number, wire: 3, value });
const id = (number: number, length: number, byte = 0xab) => bytes(number, new Uint8Array(length).fill(byte));
const kv = (key: string) => ({ key, value: { type: 'empty' } });

function nested(levels: number, innermost: Field = varint(3, 1n)): Field[] {
  let value: Field[] = [innermost];
  for (let level = 0; level < levels; level++) value = [message(5, [message(1, value)])];
  return value;
}

const decode = (encoded: Uint8Array) => decodeLogsProtobuf(encoded, new SignalGroups());

describe('what the messages mean', () => {
  test.each<[string, Field[], object[]]>([
    //  rule                              body                                              signals in part
    ['an empty request', [], []],
    [
      'an empty record',
      record(),
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
    ['uint64 times', record(fixed64(1, 2n ** 64n - 1n)), [{ timeUnixNano: 2n ** 64n - 1n }]],
    ['an observed time', record(fixed64(11, 5n)), [{ timeUnixNano: 0n, observedTimeUnixNano: 5n }]],
    ['time twice: the last holds', record(fixed64(1, 1n), fixed64(1, 2n)), [{ timeUnixNano: 2n }]],
    ['a severity that OTLP does not know', record(varint(2, 99n)), [{ severityNumber: 99 }]],
    ['a negative severity', record(varint(2, -1n)), [{ severityNumber: -1 }]],
    ['a severity text', record(text(3, 'Zürich')), [{ severityText: 'Zürich' }]],
    ['flags of 32 bits', record(fixed32(8, 0xffffffff)), [{ flags: 0xffffffff }]],
    [
      'a count is cut to 32 bits',
      record(varint(7, 2n ** 32n + 3n)),
      [{ droppedAttributesCount: 3, attributes: [] }],
    ],
    [
      'ids',
      record(id(9, 16), id(10, 8)),
      [{ traceId: 'abababababababababababababababab', spanId: 'abababababababab' }],
    ],
    ['ids of zeros are none', record(id(9, 16, 0), id(10, 8, 0)), [{ traceId: '', spanId: '' }]],
    ['ids of another length are none', record(id(9, 15), id(10, 16)), [{ traceId: '', spanId: '' }]],
    ['an id that comes again: the last', record(id(9, 16), id(9, 8)), [{ traceId: '' }]],
    ['an event name', record(text(12, 'usage.orders')), [{ eventName: 'usage.orders' }]],
    ['the name of old protos', record(text(4, 'old')), [{ eventName: '' }]],
    ['a body: none', body(), [{ body: { type: 'empty' } }]],
    ['a body: a string', body(text(1, '🦆')), [{ body: { type: 'string', value: '🦆' } }]],
    ['a body: the empty string', body(text(1, '')), [{ body: { type: 'string', value: '' } }]],
    [
      'a body: a string that begins with U+FEFF',
      body(text(1, '\ufeffa')),
      [{ body: { type: 'string', value: '\ufeffa' } }],
    ],
    ['a body: false', body(varint(2, 0n)), [{ body: { type: 'bool', value: false } }]],
    [
      'a body: int64 beyond 2^53',
      body(varint(3, 2n ** 53n + 1n)),
      [{ body: { type: 'int', value: 9007199254740993n } }],
    ],
    [
      'a body: the smallest int64',
      body(varint(3, -(2n ** 63n))),
      [{ body: { type: 'int', value: -(2n ** 63n) } }],
    ],
    [
      'a body: an int of 32 bits',
      body(varint(3, 0xffffffffn)),
      [{ body: { type: 'int', value: 0xffffffffn } }],
    ],
    ['a body: minus one', body(varint(3, -1n)), [{ body: { type: 'int', value: -1n } }]],
    ['a body: minus zero', body(double(4, -0)), [{ body: { type: 'double', value: -0 } }]],
    ['a body: NaN', body(double(4, NaN)), [{ body: { type: 'double', value: NaN } }]],
    [
      'a body: an array',
      body(message(5, [message(1, []), message(1, [varint(3, 1n)])])),
      [{ body: { type: 'array', value: [{ type: 'empty' }, { type: 'int', value: 1n }] } }],
    ],
    ['a body: the empty array', body(message(5, [])), [{ body: { type: 'array', value: [] } }]],
    [
      'a body: a map, in its order and with what comes twice',
      body(
        message(
          6,
          ['b', 'a', 'b'].map((key) => message(1, attribute(key))),
        ),
      ),
      [{ body: { type: 'map', value: [kv('b'), kv('a'), kv('b')] } }],
    ],
    [
      'a body: bytes',
      body(bytes(7, new Uint8Array([0, 255]))),
      [{ body: { type: 'bytes', value: new Uint8Array([0, 255]) } }],
    ],
    ['a body: an index into a table', body(text(1, 'a'), varint(8, 1n)), [{ body: { type: 'empty' } }]],
    [
      'a body in two parts: arrays go on',
      record(
        message(5, [message(5, [message(1, [varint(3, 1n)])])]),
        message(5, [message(5, [message(1, [varint(3, 2n)])])]),
      ),
      [
        {
          body: {
            type: 'array',
            value: [
              { type: 'int', value: 1n },
              { type: 'int', value: 2n },
            ],
          },
        },
      ],
    ],
    [
      'attributes apart from each other, and twice',
      record(
        message(6, attribute('a')),
        fixed64(1, 5n),
        message(6, attribute('b')),
        message(6, attribute('a')),
      ),
      [{ attributes: [kv('a'), kv('b'), kv('a')], timeUnixNano: 5n }],
    ],
    [
      'a known field of another wire type',
      record(varint(1, 5n), text(2, 'x'), varint(8, 1n), varint(9, 1n)),
      [{ timeUnixNano: 0n, severityNumber: 0, flags: 0, traceId: '' }],
    ],
    ['unknown fields', record(group(99, varint(1, 1n), group(2)), text(12, 'n')), [{ eventName: 'n' }]],
    [
      'resource and scope behind their records, in two parts',
      [
        message(1, [
          message(1, [message(1, attribute('a'))]),
          message(2, [
            message(1, [text(1, 'first'), message(3, attribute('c')), text(2, '1')]),
            message(2, []),
            message(1, [text(1, 'second'), message(3, attribute('d'))]),
          ]),
          message(1, [message(1, attribute('b'))]),
        ]),
      ],
      [
        {
          group: {
            resourceAttributes: [kv('a'), kv('b')],
            scopeName: 'second',
            scopeVersion: '1',
            scopeAttributes: [kv('c'), kv('d')],
          },
        },
      ],
    ],
    [
      'records in the order of the wire',
      [1, 2].map((resource) =>
        message(
          1,
          [1, 2].map((scope) =>
            message(2, [
              message(1, [text(1, `s${scope}`)]),
              ...[1, 2].map((number) => message(2, [text(12, `${resource}${scope}${number}`)])),
            ]),
          ),
        ),
      ),
      ['111', '112', '121', '122', '211', '212', '221', '222'].map((eventName) => ({
        eventName,
        group: { scopeName: `s${eventName[1]}` },
      })),
    ],
    ['nesting of 100 levels, in an attribute', record(message(6, [message(2, nested(47))])), [{}]],
    ['nesting of 100 levels, in the body', body(...nested(48)), [{}]],
  ])('%s', (_, fields, expected) => {
    const encoded = encode(fields);
    const signals = decode(encoded);
    expect(signals).toMatchObject(expected);
    expect(signals).toHaveLength(expected.length);
    expect(plainText(signals)).toBe(plainText(signalsOfMessage(LogsRequest.decode(encoded))));
  });
});

describe('what is refused', () => {
  const bad = new Uint8Array([0x61, 0xff]);
  test.each<[string, Uint8Array | Field[], string]>([
    ['a body that is cut', encode(record(fixed64(1, 1n))).slice(0, -1), 'runs past the end of its message'],
    ['field number 0', [varint(0, 1n)], 'field number 0 at byte 1'],
    ['a cut time', record(bytes(99, bad), { number: 1, wire: 1, value: new Uint8Array(4) }), 'cut off'],
    ['cut flags', record({ number: 8, wire: 5, value: new Uint8Array(3) }), 'cut off'],
    ['a cut double', body({ number: 4, wire: 1, value: new Uint8Array(7) }), 'a fixed-size field is cut off'],
    ['a severity text', record(bytes(3, bad)), 'not UTF-8'],
    ['an event name', record(bytes(12, bad)), 'not UTF-8'],
    ['a body', body(bytes(1, bad)), 'not UTF-8'],
    [
      'a body that the next part replaces',
      record(message(5, [bytes(1, bad)]), message(5, [varint(2, 1n)])),
      'not UTF-8',
    ],
    ['a key', record(message(6, [bytes(1, bad)])), 'not UTF-8'],
    ['a long string', body(bytes(1, new Uint8Array(300).fill(0xff))), 'not UTF-8'],
    ['deep in a value', body(message(6, [message(1, [message(2, [bytes(1, bad)])])])), 'not UTF-8'],
    [
      'an attribute of a resource without records',
      [message(1, [message(1, [message(1, [bytes(1, bad)])])])],
      'not UTF-8',
    ],
    ['a scope without records', [message(1, [message(2, [message(1, [bytes(1, bad)])])])], 'not UTF-8'],
    ['a schema URL', [message(1, [message(2, [bytes(3, bad)])])], 'not UTF-8'],
    [
      'an id that runs past its record',
      [bytes(1, new Uint8Array([0x12, 4, 0x12, 2, 0x4a, 16]))],
      'runs past the end',
    ],
    [
      'nesting of 101 levels, in an attribute',
      record(message(6, [message(2, nested(48))])),
      'more than 100 levels',
    ],
    ['nesting of 102 levels, in the body', body(...nested(49)), 'more than 100 levels'],
    ['the same, 101 levels', body(...nested(48, message(5, []))), 'more than 100 levels'],
  ])('%s', (_, body, reason) => {
    const encoded = body instanceof Uint8Array ? body : encode(body);
    expect(() => LogsRequest.decode(encoded)).toThrow();
    expect(() => decode(encoded)).toThrow(DecodeError);
    expect(() => decode(encoded)).toThrow(reason);
  });

  // Large bodies, which encode() would take long for.
  const within = (number: number, ...contents: Uint8Array[]): Uint8Array => {
    const content = Buffer.concat(contents);
    // A length field of four bytes, whatever the length.
    const length = [0, 7, 14, 21].map(
      (shift) => ((content.length >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0),
    );
    return Buffer.concat([Uint8Array.of(number * 8 + 2, ...length), content]);
  };
  const empties = (number: number, count: number) => {
    const content = new Uint8Array(2 * count);
    for (let i = 0; i < count; i++) content[2 * i] = number * 8 + 2;
    return content;
  };
  const PARTS = `at most ${MAX_EVENT_PARTS} attributes, values`;
  test.each<[string, number, (count: number) => Uint8Array, string]>([
    [
      'log records',
      MAX_EVENTS,
      (count) => within(1, within(2, empties(2, count))),
      `at most ${MAX_EVENTS} log records`,
    ],
    [
      'attributes of a record',
      MAX_EVENT_PARTS,
      (count) => within(1, within(2, within(2, empties(6, count)))),
      PARTS,
    ],
    [
      'items of a body',
      MAX_EVENT_PARTS,
      (count) => within(1, within(2, within(2, within(5, within(5, empties(1, count)))))),
      PARTS,
    ],
    [
      'attributes of a resource',
      MAX_EVENT_PARTS,
      (count) => within(1, within(1, empties(1, count)), within(2, within(2))),
      PARTS,
    ],
  ])('too many %s', (_, most, bodyOf, reason) => {
    expect(decode(bodyOf(most)).length).toBeGreaterThan(0);
    expect(() => decode(bodyOf(most + 1))).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_SIGNALS', message: expect.stringContaining(reason) }),
    );
  });

  test('what a request may hold does not depend on what is cached', () => {
    const count = (MAX_EVENT_PARTS * 3) / 4;
    const once = within(1, within(1, empties(1, count)), within(2, within(2)));
    const twice = Buffer.concat([once, once]);
    const groups = new SignalGroups();
    for (let round = 0; round < 2; round++) {
      expect(() => decodeLogsProtobuf(twice, groups)).toThrow(TooManySignalsError);
      expect(decodeLogsProtobuf(once, groups)).toHaveLength(1);
    }
  });
});

test('values do not hold on to the body', () => {
  const encoded = encode(body(bytes(7, new Uint8Array([1, 2]))));
  const [signal] = decode(encoded) as [LogSignal];
  encoded.fill(0);
  expect(signal.body).toEqual({ type: 'bytes', value: new Uint8Array([1, 2]) });
});

test('same log records or same refusal as a schema-compiled library, for random and damaged bodies', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`logs fuzz: seed ${seed} (npm run fuzz -- --seed ${seed} --count 2500)`);
  const outcome = compareDecoders('logs', seed, 2500);
  expect(outcome.disagreements, `seed ${seed}`).toEqual([]);
  // Otherwise the comparison would prove little.
  expect(outcome.accepted).toBeGreaterThan(800);
  expect(outcome.refused).toBeGreaterThan(400);
  expect(outcome.signals).toBeGreaterThan(2000);
});
