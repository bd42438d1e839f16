import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { InflateError, inflate } from '../../receiver/inflate.ts';

const text = Buffer.from('usage '.repeat(10_000));
const lyingTrailer = (size: number) => {
  const bytes = gzipSync(text);
  bytes.writeUInt32LE(size, bytes.length - 4);
  return bytes;
};

test('what was compressed comes back', () => {
  expect(inflate(text, 'identity')).toBe(text);
  expect(text.equals(inflate(gzipSync(text), 'gzip'))).toBe(true);
  expect(text.equals(inflate(deflateSync(text), 'deflate'))).toBe(true);
  expect(inflate(gzipSync(''), 'gzip').length).toBe(0);
  const members = Buffer.concat([gzipSync('one '), gzipSync('two')]);
  expect(Buffer.from(inflate(members, 'gzip')).toString()).toBe('one two');
});

test.each([
  // body                                              compression  code
  ['not gzip', text, 'gzip', 'BROKEN'],
  ['nothing', Buffer.alloc(0), 'gzip', 'BROKEN'],
  ['a cut body', gzipSync(text).subarray(0, 50), 'gzip', 'BROKEN'],
  ['a body without its trailer', gzipSync(text).subarray(0, -8), 'gzip', 'BROKEN'],
  ['a trailer that says less', lyingTrailer(3), 'gzip', 'BROKEN'],
  ['a trailer that says 4 GiB', lyingTrailer(0xffffffff), 'gzip', 'BROKEN'],
  ['deflate without its header', deflateRawSync(text), 'deflate', 'BROKEN'],
  ['more than the limit', gzipSync(Buffer.alloc(1_000_001)), 'gzip', 'TOO_LARGE'],
  ['far more than the limit', gzipSync(Buffer.alloc(200_000_000)), 'gzip', 'TOO_LARGE'],
  ['more than the limit, deflated', deflateSync(Buffer.alloc(1_000_001)), 'deflate', 'TOO_LARGE'],
] as const)('%s is refused', (_, body, compression, code) => {
  expect(() => inflate(body, compression, 1_000_000)).toThrow(InflateError);
  expect(() => inflate(body, compression, 1_000_000)).toThrow(expect.objectContaining({ code }));
});

test('exactly the limit is taken', () => {
  expect(inflate(gzipSync(Buffer.alloc(1_000_000)), 'gzip', 1_000_000).length).toBe(1_000_000);
});
