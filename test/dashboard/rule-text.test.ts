/** Rules as text: what is written is what the receiver reads, whatever is in it; and what became of lines. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { pathOf, placeOf } from '../../dashboard/pages/meters/places.ts';
import { differenceOf, withoutDefaults, yamlText } from '../../dashboard/pages/meters/rule-text.ts';
import { parseMeterRule } from '../../receiver/metering/rules/meter-rule.ts';
import { parsePath } from '../../receiver/metering/rules/path.ts';
import { YamlDocument } from '../../receiver/yaml-document.ts';

const RULE = {
  id: 'orders',
  signals: ['logs', 'spans'],
  match: {
    all: [
      { path: 'name', regex: '^job\\.' },
      {
        any: [
          { path: 'kind', in: ['internal', 'consumer'] },
          { path: 'attributes["n"]', gt: '1' },
        ],
      },
    ],
    none: [{ path: 'status.code', eq: 'error' }],
  },
  customer: { path: ['attributes["tenant.id"]', 'resource["tenant.id"]'], default: 'nobody' },
  dimension: 'orders',
  metadata: { region: 'attributes["cloud.region"]' },
};

test('a rule is written as one would write it, without what goes without saying', () => {
  const text = yamlText(withoutDefaults(parseMeterRule(RULE)));
  expect(text).toBe(`id: orders
signals: [logs, spans]
match:
  all:
    - { path: name, regex: '^job\\.' }
    - any:
        - { path: kind, in: [internal, consumer] }
        - { path: 'attributes["n"]', gt: '1' }
  none:
    - { path: status.code, eq: error }
customer:
  path: ['attributes["tenant.id"]', 'resource["tenant.id"]']
  default: nobody
dimension: orders
metadata: { region: 'attributes["cloud.region"]' }
`);
  expect(parseMeterRule(parse(text))).toEqual(parseMeterRule(RULE));
});

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'true',
    'No',
    '~',
    '1',
    '0x1f',
    '1e3',
    '- a',
    'a: b',
    '# c',
    "it's",
    '"',
    '\\',
    ' x ',
    '<<',
    '=',
    '',
  ),
);
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    texts,
    fc.boolean(),
    fc.integer(),
    fc.constant(null),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(
    texts.filter((key) => key !== '__proto__' && key !== '<<'),
    tie('value'),
    { maxKeys: 4 },
  ),
}));

test('any plain values are read back as they were', () => {
  fc.assert(
    fc.property(
      plain.map.filter((map) => Object.keys(map as object).length > 0),
      (value) => {
        const text = yamlText(value as Record<string, unknown>);
        const read = new YamlDocument(text);
        expect(read.faults, text).toEqual([]);
        expect(JSON.stringify(read.value), text).toBe(JSON.stringify(value));
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  // path                             kind          key
  ['attributes["http.route"]', 'attribute', 'http.route'],
  ['attributes["a \\"b\\" \\\\"]', 'attribute', 'a "b" \\'],
  ['resource["service.name"]', 'resource', 'service.name'],
  ['resource.attributes["x"]', 'resource', 'x'],
  ['body', 'body', ''],
  ['body.user.id', 'body', 'user.id'],
  ['event_name', 'event_name', ''],
  ['attributes["a"].b', 'path', 'attributes["a"].b'],
  ['path', 'path', 'path'],
])('the form shows %s as %s', (path, kind, key) => {
  expect(placeOf(path)).toEqual({ kind, key });
  expect(placeOf(pathOf({ kind, key } as ReturnType<typeof placeOf>))).toEqual({ kind, key });
});

test('any key makes a path that the receiver reads', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40 }), (key) => {
      const path = pathOf({ kind: 'attribute', key });
      expect(placeOf(path)).toEqual({ kind: 'attribute', key });
      expect(parsePath(path)).toMatchObject({ field: 'attributes', steps: [key] });
    }),
  );
});

test.each([
  // before         after            lines
  ['a\nb\nc', 'a\nb\nc', ' a, b, c'],
  ['a\nb\nc', 'a\nx\nc', ' a,-b,+x, c'],
  ['a', 'a\nb', ' a,+b'],
  ['a\nb', 'b', '-a, b'],
  ['a\nb\na', 'b\na\nb', '-a, b, a,+b'],
])('%j to %j', (before, after, lines) => {
  expect(
    differenceOf(before, after)
      .map(({ sign, text }) => sign + text)
      .join(','),
  ).toBe(lines);
});
