import { describe, expect, test } from 'vitest';
import { encodeAttributes } from '../../../receiver/otlp/attribute-blocks.ts';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { type Attribute, DecodeError } from '../../../receiver/otlp/metric-columns.ts';

const block = (text: string) => encodeAttributes([{ key: 'k', value: { type: 'string', value: text } }]);
const intern = (interner: ByteInterner, bytes: Uint8Array) => interner.intern(bytes, 0, bytes.length);

const EVERYTHING: Attribute[] = [
  { key: 'string', value: { type: 'string', value: '\ufeffZürich 東京 🦆' } },
  { key: 'string', value: { type: 'string', value: '' } },
  { key: '', value: { type: 'empty' } },
  { key: 'bool', value: { type: 'bool', value: true } },
  { key: 'bool', value: { type: 'bool', value: false } },
  { key: 'int', value: { type: 'int', value: -(2n ** 63n) } },
  { key: 'int', value: { type: 'int', value: 2n ** 63n - 1n } },
  { key: 'double', value: { type: 'double', value: -0 } },
  { key: 'double', value: { type: 'double', value: Number.NaN } },
  { key: 'bytes', value: { type: 'bytes', value: new Uint8Array([0, 255]) } },
  {
    key: 'array',
    value: {
      type: 'array',
      value: [{ type: 'empty' }, { type: 'array', value: [] }, { type: 'int', value: 1n }],
    },
  },
  {
    key: 'map',
    value: {
      type: 'map',
      value: [
        { key: 'b', value: { type: 'string', value: 'x'.repeat(300) } },
        { key: 'a', value: { type: 'map', value: [] } },
      ],
    },
  },
];

describe('a block', () => {
  test('comes back as it was: all types, order and duplicates', () => {
    const interner = new ByteInterner();
    expect(interner.attributes(intern(interner, encodeAttributes(EVERYTHING)))).toEqual(EVERYTHING);
  });

  test('has one id, wherever it stands', () => {
    const interner = new ByteInterner();
    const bytes = block('value');
    const id = intern(interner, bytes);
    for (let shift = 0; shift < 8; shift++) {
      const body = new Uint8Array(shift + bytes.length + shift).fill(0xee);
      body.set(bytes, shift);
      expect(interner.intern(body, shift, shift + bytes.length)).toBe(id);
    }
    expect(interner.size).toBe(2);
    expect(interner.block(id)).toEqual(bytes);
  });

  test('that differs in one byte, or in zeros at its end, has another', () => {
    const interner = new ByteInterner();
    const ids = new Set<number>();
    for (let length = 0; length < 40; length++) ids.add(intern(interner, block('\0'.repeat(length))));
    for (let at = 0; at < 40; at++)
      ids.add(intern(interner, block(`${'a'.repeat(at)}b${'a'.repeat(39 - at)}`)));
    // Blocks that are hashed in pieces.
    for (let at = 0; at < 5000; at += 97) {
      ids.add(intern(interner, block(`${'a'.repeat(at)}b${'a'.repeat(4999 - at)}`)));
    }
    expect(ids.size).toBe(40 + 40 + Math.ceil(5000 / 97));
  });

  test('without bytes is block 0', () => {
    const interner = new ByteInterner();
    expect(interner.intern(new Uint8Array(3), 2, 2)).toBe(0);
    expect(interner.attributes(0)).toEqual([]);
    expect(interner.block(0)).toHaveLength(0);
  });

  test.each([
    ['not UTF-8', [0x0a, 0x03, 0x0a, 0x01, 0xff], 'not UTF-8'],
    ['cut', [0x0a, 0x03, 0x0a], 'runs past the end'],
    ['another field', [0x08, 0x01], 'another field'],
    ['a long tag', [0x8a, 0x00, 0x00], 'another field'],
  ])('that is malformed is refused each time: %s', (_, content, reason) => {
    const interner = new ByteInterner();
    for (let time = 0; time < 2; time++) {
      expect(() => intern(interner, Uint8Array.from(content))).toThrow(DecodeError);
      expect(() => intern(interner, Uint8Array.from(content))).toThrow(reason);
    }
    expect(interner.size).toBe(1);
  });
});

describe('limits', () => {
  test.each([
    ['entries', { entries: 10 }],
    ['bytes', { bytes: 100 }],
  ])('of %s: all is forgotten between requests, not within one', (_, limits) => {
    const interner = new ByteInterner(limits);
    for (let i = 0; i < 20; i++) intern(interner, block(`value ${i}`));
    expect(interner.attributes(1)).toEqual([{ key: 'k', value: { type: 'string', value: 'value 0' } }]);
    expect([interner.epoch, interner.size]).toEqual([0, 21]);
    interner.trim();
    expect([interner.epoch, interner.size]).toEqual([1, 1]);
    // Bytes of what was forgotten must not come back behind shorter blocks.
    for (let i = 0; i < 20; i++) {
      const id = intern(interner, block(String(i)));
      expect(intern(interner, block(String(i)))).toBe(id);
      expect(interner.attributes(id)).toEqual([{ key: 'k', value: { type: 'string', value: String(i) } }]);
    }
  });

  test('below them nothing is forgotten', () => {
    const interner = new ByteInterner();
    const id = intern(interner, block('a'));
    interner.trim();
    expect([interner.epoch, intern(interner, block('a'))]).toEqual([0, id]);
  });

  test('a million blocks of 100 bytes cost less than 200 MB, none of it in objects', () => {
    const interner = new ByteInterner();
    const bytes = block('0'.repeat(92));
    expect(bytes).toHaveLength(101);
    const before = process.memoryUsage();
    const digits = bytes.length - 7;
    for (let i = 0; i < 1_000_000; i++) {
      let rest = i;
      for (let at = digits + 6; at >= digits; at--) {
        bytes[at] = 0x30 + (rest % 10);
        rest = Math.floor(rest / 10);
      }
      interner.intern(bytes, 0, bytes.length);
    }
    const after = process.memoryUsage();
    expect(interner.size).toBe(1_000_001);
    expect(interner.allocated).toBeLessThan(200e6);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(20e6);
  });
});
