import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CanonicalWriter } from '../../../receiver/metering/canonical.ts';
import { resourceIdentity, seriesHash } from '../../../receiver/metering/identity.ts';
import type { AnyValue, Attribute } from '../../../receiver/otlp/metric-columns.ts';

const text = (value: string): AnyValue => ({ type: 'string', value });
const attribute = (key: string, value: AnyValue | string): Attribute => ({
  key,
  value: typeof value === 'string' ? text(value) : value,
});

function canonical(attributes: Attribute[]): string {
  const writer = new CanonicalWriter();
  writer.map(attributes);
  return Buffer.from(writer.view()).toString('hex');
}

const anyValue: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant<AnyValue>({ type: 'empty' }),
    fc.string({ unit: 'grapheme' }).map((value): AnyValue => ({ type: 'string', value })),
    fc.boolean().map((value): AnyValue => ({ type: 'bool', value })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): AnyValue => ({ type: 'int', value })),
    fc.double().map((value): AnyValue => ({ type: 'double', value })),
    fc.uint8Array({ maxLength: 5 }).map((value): AnyValue => ({ type: 'bytes', value })),
    fc.array(tie('value'), { maxLength: 3 }).map((value): AnyValue => ({ type: 'array', value })),
    fc
      .array(fc.tuple(fc.string({ maxLength: 3 }), tie('value')), { maxLength: 3 })
      .map((entries): AnyValue => ({ type: 'map', value: entries.map(([key, value]) => ({ key, value })) })),
  ),
})).value;

test('the order of attributes, and of maps within them, does not count', () => {
  const attributes = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary', maxLength: 4 }), anyValue), {
    selector: ([key]) => key,
    maxLength: 6,
  });
  fc.assert(
    fc.property(attributes, fc.infiniteStream(fc.nat()), (pairs, order) => {
      const forward = pairs.map(([key, value]) => ({ key, value }));
      const shuffled = forward
        .map((entry) => ({ entry, rank: order.next().value as number }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ entry }) => entry);
      return canonical(forward) === canonical(shuffled);
    }),
    { numRuns: 3_000 },
  );
});

test('values of different types differ', () => {
  const values: AnyValue[] = [
    { type: 'empty' },
    text(''),
    text('1'),
    { type: 'int', value: 1n },
    { type: 'double', value: 1 },
    { type: 'bool', value: true },
    { type: 'bool', value: false },
    { type: 'bytes', value: Uint8Array.of(0x31) },
    { type: 'array', value: [text('1')] },
    { type: 'array', value: [] },
    { type: 'map', value: [] },
    { type: 'map', value: [attribute('1', '')] },
  ];
  expect(new Set(values.map((value) => canonical([{ key: 'k', value }]))).size).toBe(values.length);
});

test('keys that run into values, or into each other, differ', () => {
  const lists = [
    [attribute('ab', 'c')],
    [attribute('a', 'bc')],
    [attribute('a', 'b'), attribute('c', '')],
    [attribute('a', 'b'), attribute('c', ''), attribute('c', '')],
    [attribute('a', ''), attribute('b', 'c')],
  ];
  expect(new Set(lists.map(canonical)).size).toBe(lists.length);
});

test('keys are ordered by their UTF-8 bytes', () => {
  // U+FF5E sorts before U+1F600 in UTF-8, and behind it in UTF-16.
  const a = attribute('\u{ff5e}', 'x');
  const b = attribute('\u{1f600}', 'y');
  expect(canonical([b, a])).toBe(canonical([a, b]));
  expect(canonical([a, b]).indexOf('efbd9e')).toBeLessThan(canonical([a, b]).indexOf('f09f9880'));
});

test('the canonical form, and so every identity, does not change from release to release', () => {
  expect(canonical([attribute('b', { type: 'int', value: 2n }), attribute('a', '1')])).toBe(
    '0700000002' + '00000001' + '61' + '0100000001' + '31' + '00000001' + '62' + '03' + '0000000000000002',
  );
  expect(seriesHash('0'.repeat(32), [attribute('usage.customer.id', 'acme')])).toBe(
    '81a990cd1d75f3c5c3c0c7c23e92da71',
  );
});

test.each([
  // resource attributes                                                          weak
  ['all three', { 'service.namespace': 'shop', 'service.name': 'api', 'service.instance.id': 'i1' }, false],
  ['instance only', { 'service.instance.id': 'i1' }, false],
  ['no instance', { 'service.namespace': 'shop', 'service.name': 'api' }, true],
  ['empty instance', { 'service.name': 'api', 'service.instance.id': '' }, true],
  ['nothing', {}, true],
])('resource with %s', (_, attributes, weak) => {
  const list = Object.entries(attributes).map(([key, value]) => attribute(key, value));
  expect(resourceIdentity(list).weak).toBe(weak);
  const withMore = resourceIdentity([...list, attribute('host.name', 'h1')]);
  expect(withMore.hash === resourceIdentity(list).hash).toBe(!weak);
});
