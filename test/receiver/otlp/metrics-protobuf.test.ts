import { describe, expect, test } from 'vitest';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { DecodeError, MetricColumns } from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { compareDecoders, ownRows, randomBody, rowsOfColumns } from './differential.ts';
import { bytes, double, encode, type Field, fixed64, message, text, varint } from './otlp-generator.ts';
import { plainText, referenceRows } from './otlp-proto.ts';

const attribute = (key: string, ...value: Field[]) => [text(1, key), message(2, value)];
const point = (...fields: Field[]) => message(1, fields);
const metric = (...fields: Field[]) => [message(1, [message(2, [message(2, fields)])])];
const sum = (...fields: Field[]) => metric(text(1, 'm'), message(7, fields));
const group = (number: number, ...value: Field[]): Field => ({ number, wire: 3, value });

function nested(levels: number): Field[] {
  let value: Field[] = [varint(3, 1n)];
  for (let level = 0; level < levels; level++) value = [message(5, [message(1, value)])];
  return value;
}

describe('what the messages mean', () => {
  test.each<[string, Field[], object[]]>([
    //  rule                                    body                                                  rows in part
    ['int64 beyond 2^53', sum(point(fixed64(6, 2n ** 53n + 1n))), [{ value: 'int 9007199254740993' }]],
    ['the smallest int64', sum(point(fixed64(6, -(2n ** 63n)))), [{ value: 'int -9223372036854775808' }]],
    ['a double', sum(point(double(4, 0.1))), [{ value: 'double 0x3fb999999999999a' }]],
    ['minus zero', sum(point(double(4, -0))), [{ value: 'double 0x8000000000000000' }]],
    ['no value', sum(point()), [{ value: 'none', start: 0n, time: 0n, flags: 0, count: 0n }]],
    ['int after double: the last holds', sum(point(double(4, 1), fixed64(6, 2n))), [{ value: 'int 2' }]],
    [
      'double after int: the last holds',
      sum(point(fixed64(6, 2n), double(4, 1))),
      [{ value: 'double 0x3ff0000000000000' }],
    ],
    ['time twice', sum(point(fixed64(3, 1n), fixed64(3, 2n))), [{ time: 2n }]],
    ['uint64 times', sum(point(fixed64(2, 2n ** 64n - 1n))), [{ start: 2n ** 64n - 1n }]],
    ['flags are cut to 32 bits', sum(point(varint(8, 2n ** 32n + 1n))), [{ flags: 1 }]],
    ['flags of ten bytes', sum(point(varint(8, 2n ** 64n - 1n))), [{ flags: 4294967295 }]],
    ['a temporality that OTLP does not know', sum(point(), varint(2, 7n)), [{ temporality: 7 }]],
    ['a negative temporality', sum(point(), varint(2, -1n)), [{ temporality: -1 }]],
    ['monotonic is any varint but zero', sum(point(), varint(3, 2n ** 63n)), [{ monotonic: true }]],
    ['monotonic, then not', sum(varint(3, 1n), point(), varint(3, 0n)), [{ monotonic: false }]],
    [
      'a name and unit behind the points',
      metric(message(7, [point()]), text(3, 'By'), text(1, 'late'), text(1, 'later')),
      [{ name: 'later', unit: 'By' }],
    ],
    [
      'the same oneof member twice: merged',
      metric(
        message(7, [point(fixed64(6, 1n)), varint(2, 1n)]),
        message(7, [point(fixed64(6, 2n)), varint(3, 1n)]),
      ),
      [
        { value: 'int 1', temporality: 1, monotonic: true },
        { value: 'int 2', temporality: 1, monotonic: true },
      ],
    ],
    [
      'another oneof member: the first is gone',
      metric(message(7, [point(fixed64(6, 1n)), varint(2, 1n)]), message(5, [point(fixed64(6, 2n))])),
      [{ value: 'int 2', kind: 0, temporality: 0 }],
    ],
    [
      'and back: nothing of the first comes back',
      metric(
        message(7, [point(fixed64(6, 1n)), varint(2, 1n)]),
        message(5, [point()]),
        message(7, [point()]),
      ),
      [{ value: 'none', kind: 1, temporality: 0 }],
    ],
    ['an empty member hides the other', metric(message(7, [point()]), message(5, [])), []],
    ['a metric without data', metric(text(1, 'm')), []],
    [
      'a resource behind its metrics, in two parts',
      [
        message(1, [
          message(1, [message(1, attribute('a'))]),
          message(2, [message(2, [message(5, [point()])])]),
          message(1, [message(1, attribute('b'))]),
        ]),
      ],
      [{ resource: '[{"key":"a","value":{"type":"empty"}},{"key":"b","value":{"type":"empty"}}]' }],
    ],
    [
      'a scope behind its metrics, in two parts',
      [
        message(1, [
          message(2, [
            message(1, [text(1, 'first'), message(3, attribute('a')), text(2, '1')]),
            message(2, [message(5, [point()])]),
            message(1, [text(1, 'second'), message(3, attribute('b'))]),
          ]),
        ]),
      ],
      [
        {
          scopeName: 'second',
          scopeVersion: '1',
          scope: '[{"key":"a","value":{"type":"empty"}},{"key":"b","value":{"type":"empty"}}]',
        },
      ],
    ],
    [
      'attributes apart from each other',
      sum(
        point(
          message(7, attribute('a')),
          fixed64(3, 5n),
          message(7, attribute('b')),
          message(7, attribute('c')),
        ),
      ),
      [
        {
          attributes:
            '[{"key":"a","value":{"type":"empty"}},{"key":"b","value":{"type":"empty"}},{"key":"c","value":{"type":"empty"}}]',
          time: 5n,
        },
      ],
    ],
    [
      'a value in two parts: arrays go on',
      sum(
        point(
          message(7, [
            text(1, 'k'),
            message(2, [message(5, [message(1, [varint(3, 1n)])])]),
            message(2, [message(5, [message(1, [varint(3, 2n)])])]),
          ]),
        ),
      ),
      [
        {
          attributes:
            '[{"key":"k","value":{"type":"array","value":[{"type":"int","value":"1n"},{"type":"int","value":"2n"}]}}]',
        },
      ],
    ],
    [
      'a value in two parts: the last member of the oneof',
      sum(point(message(7, [message(2, [varint(3, 1n)]), message(2, [varint(2, 1n)])]))),
      [{ attributes: '[{"key":"","value":{"type":"bool","value":true}}]' }],
    ],
    [
      'a string that begins with U+FEFF',
      metric(text(1, '\ufeffm'), message(5, [point()])),
      [{ name: '\ufeffm' }],
    ],
    [
      'a known field of another wire type',
      sum(point(varint(6, 5n), text(3, 'x'))),
      [{ value: 'none', time: 0n }],
    ],
    ['a name that is a varint', metric(varint(1, 1n), message(5, [point()])), [{ name: '' }]],
    ['unknown fields', sum(point(group(99, varint(1, 1n), group(2)), fixed64(6, 1n))), [{ value: 'int 1' }]],
    [
      'a histogram with a sum',
      metric(message(9, [point(fixed64(4, 3n), double(5, 1.5)), varint(2, 1n)])),
      [{ kind: 2, value: 'sum 0x3ff8000000000000', count: 3n, temporality: 1 }],
    ],
    ['a histogram without one', metric(message(9, [point(fixed64(4, 3n))])), [{ value: 'none', count: 3n }]],
    [
      'an exponential histogram',
      metric(message(10, [point(message(1, attribute('a')), fixed64(4, 3n), double(5, 0), varint(10, 1n))])),
      [
        {
          kind: 3,
          value: 'sum 0x0',
          count: 3n,
          flags: 1,
          attributes: '[{"key":"a","value":{"type":"empty"}}]',
        },
      ],
    ],
    [
      'a summary: a sum that is not written is zero',
      metric(message(11, [point(fixed64(4, 3n), varint(8, 1n))])),
      [{ kind: 4, value: 'sum 0x0', count: 3n, flags: 1 }],
    ],
    [
      'buckets packed and not',
      metric(message(9, [point(bytes(6, new Uint8Array(16)), fixed64(6, 1n), bytes(7, new Uint8Array(8)))])),
      [{ kind: 2 }],
    ],
    ['nesting of 100 levels', sum(point(message(7, [message(2, nested(46))]))), [{ value: 'none' }]],
    ['an empty request', [], []],
  ])('%s', (_, body, rows) => {
    const encoded = encode(body);
    expect(ownRows(encoded)).toMatchObject(rows);
    expect(ownRows(encoded)).toHaveLength(rows.length);
    expect(plainText(ownRows(encoded))).toBe(plainText(referenceRows(encoded)));
  });

  test('a point leaves nothing of the one that had its row before', () => {
    const interner = new ByteInterner();
    const columns = new MetricColumns();
    const full = encode(
      metric(
        message(9, [point(fixed64(2, 1n), fixed64(3, 2n), fixed64(4, 3n), double(5, 4), varint(10, 1n))]),
      ),
    );
    for (const kind of [5, 9, 10]) {
      ownRows(full, interner, columns);
      expect(ownRows(encode(metric(message(kind, [point()]))), interner, columns)).toMatchObject([
        { start: 0n, time: 0n, count: 0n, value: 'none', flags: 0 },
      ]);
    }
  });
});

describe('what is refused', () => {
  const bad = new Uint8Array([0x61, 0xff]);
  test.each<[string, Uint8Array | Field[], string]>([
    [
      'a body that is cut',
      encode(sum(point(fixed64(6, 1n)))).slice(0, -1),
      'runs past the end of its message',
    ],
    [
      'a length beyond its parent',
      [bytes(1, new Uint8Array([0x12, 0x05, 0]))],
      'a length of 5 runs past the end',
    ],
    ['field number 0', [varint(0, 1n)], 'field number 0 at byte 1'],
    ['wire type 6', new Uint8Array([0x0e, 0]), 'wire type 6'],
    ['a group that does not end', new Uint8Array([0x7b]), 'a tag is cut off'],
    ['a group that did not begin', new Uint8Array([0x7c]), 'the end of a group that did not begin'],
    ['a group that ends another', new Uint8Array([0x7b, 0x84, 0x01]), 'the end of group 16 within group 15'],
    [
      'a varint of eleven bytes',
      new Uint8Array([0x78, ...new Array(10).fill(0x80), 0]),
      'more than ten bytes',
    ],
    ['a tag of six bytes', new Uint8Array([0x8a, 0x80, 0x80, 0x80, 0x80, 0]), 'a tag of more than 32 bits'],
    [
      'a length of 2^31',
      new Uint8Array([0x0a, 0x80, 0x80, 0x80, 0x80, 0x08]),
      'a length of more than 31 bits',
    ],
    ['a name', metric(bytes(1, bad)), 'not UTF-8'],
    ['a description', metric(bytes(2, bad)), 'not UTF-8'],
    ['a schema URL', [message(1, [bytes(3, bad)])], 'not UTF-8'],
    ['an attribute key', sum(point(message(7, [bytes(1, bad)]))), 'not UTF-8'],
    ['an attribute value', sum(point(message(7, [message(2, [bytes(1, bad)])]))), 'not UTF-8'],
    ['an attribute of an exemplar', sum(point(message(5, [message(7, [bytes(1, bad)])]))), 'not UTF-8'],
    ['metadata of a metric', metric(message(12, [bytes(1, bad)])), 'not UTF-8'],
    ['an entity', [message(1, [message(1, [message(3, [bytes(3, bad)])])])], 'not UTF-8'],
    [
      'packed counts of 9 bytes',
      metric(message(9, [point(bytes(6, new Uint8Array(9)))])),
      'that 8 does not divide',
    ],
    [
      'a value that goes on in the next points, behind which it would fit again',
      sum(bytes(1, new Uint8Array([0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x31, 1, 0])), point(), point(), point()),
      'a fixed-size field is cut off',
    ],
    ['a cut time', sum(bytes(1, new Uint8Array([0x19, 0, 0]))), 'a fixed-size field is cut off'],
    ['nesting of 101 levels', sum(point(message(7, [message(2, nested(47))]))), 'more than 100 levels'],
    [
      'a point that is well-formed in a oneof member that another replaces',
      metric(message(7, [point(message(7, [bytes(1, bad)]))]), message(5, [])),
      'not UTF-8',
    ],
  ])('%s', (_, body, reason) => {
    const encoded = body instanceof Uint8Array ? body : encode(body);
    expect(() => referenceRows(encoded)).toThrow();
    expect(() => ownRows(encoded)).toThrow(DecodeError);
    expect(() => ownRows(encoded)).toThrow(reason);
  });

  test('the same block, where it nests too deep and where it does not', () => {
    const deep = message(1, attribute('k', ...nested(47)));
    const onResource = encode([
      message(1, [message(1, [deep]), message(2, [message(2, [message(5, [point()])])])]),
    ]);
    const onPoint = encode(metric(message(10, [point(deep)])));
    const interner = new ByteInterner();
    expect(ownRows(onResource, interner)).toHaveLength(1);
    expect(() => ownRows(onPoint, interner)).toThrow('more than 100 levels');
    expect(() => referenceRows(onPoint)).toThrow();
  });
});

test('points are appended behind those of an earlier request', () => {
  const interner = new ByteInterner();
  const columns = new MetricColumns();
  for (const value of [1n, 2n])
    decodeMetricsProtobuf(encode(sum(point(fixed64(6, value)))), interner, columns);
  expect(rowsOfColumns(columns, interner)).toMatchObject([{ value: 'int 1' }, { value: 'int 2' }]);
});

test('same columns or same refusal as a schema-compiled library, for random and damaged bodies', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`decoder fuzz: seed ${seed} (npm run fuzz -- --seed ${seed} --count 6000)`);
  const outcome = compareDecoders('metrics', seed, 6000);
  expect(outcome.disagreements, `seed ${seed}`).toEqual([]);
  // Otherwise the comparison would prove little.
  expect(outcome.accepted).toBeGreaterThan(2000);
  expect(outcome.refused).toBeGreaterThan(1000);
  expect(outcome.signals).toBeGreaterThan(10_000);
});

test('a body of the fuzz test is the same whenever it is asked for', () => {
  expect(randomBody('metrics', 1, 2)).toEqual(randomBody('metrics', 1, 2));
});
