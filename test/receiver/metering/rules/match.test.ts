import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileMatch } from '../../../../receiver/metering/rules/match.ts';
import { type MatchNode, parseMeterRule } from '../../../../receiver/metering/rules/meter-rule.ts';
import type { LogSignal } from '../../../../receiver/otlp/event-signals.ts';
import { anyValue, attributes, group, log, type Plain, series, span } from './signals.ts';

/** Whether a condition on the attribute "a" holds for its value; `undefined`: the attribute is not there. */
function holds(condition: MatchNode, value: Plain | undefined): boolean {
  const path = 'attributes["a"]';
  const { match } = parseMeterRule({
    id: 'm',
    signals: ['logs'],
    match: { all: [{ path, ...condition }] },
    customer: 'attributes["customer"]',
    dimension: 'd',
  });
  return compileMatch(
    match,
    'logs',
  )(log({ attributes: value === undefined ? [] : attributes({ a: value }) }));
}

const MISSING = undefined;
const BYTES = new Uint8Array([1]);

test.each<[MatchNode, Plain | undefined, boolean]>([
  // condition                        value                  holds
  // A text is compared with the value's text.
  [{ eq: 'x' }, 'x', true],
  [{ eq: 'x' }, 'X', false],
  [{ eq: 'x' }, MISSING, false],
  [{ eq: '' }, '', true],
  [{ eq: '' }, MISSING, false],
  [{ eq: '200' }, 200, true],
  [{ eq: '1.5' }, 1.5, true],
  [{ eq: 'true' }, true, true],
  [{ eq: '1' }, [1], false],
  [{ eq: '{}' }, {}, false],
  [{ eq: 'AQ==' }, BYTES, false],
  // A number with what is one, or spells one.
  [{ eq: 200 }, 200, true],
  [{ eq: 200 }, 200.5, false],
  [{ eq: 200 }, '200', true],
  [{ eq: 200 }, '200.000', true],
  [{ eq: 200 }, '2e2', true],
  [{ eq: 200 }, 'two hundred', false],
  [{ eq: 0 }, '', false],
  [{ eq: 1 }, true, false],
  [{ eq: 0.1 }, 0.1, true],
  [{ eq: 9007199254740992 }, 9007199254740993n, false],
  // A boolean with one, or its text.
  [{ eq: true }, true, true],
  [{ eq: true }, 'true', true],
  [{ eq: true }, 1, false],
  [{ eq: false }, MISSING, false],
  // notEq is all that eq is not.
  [{ notEq: 'x' }, 'x', false],
  [{ notEq: 'x' }, 'y', true],
  [{ notEq: 'x' }, MISSING, true],
  [{ notEq: 5 }, 5, false],
  [{ notEq: 5 }, '5', false],
  [{ notEq: 5 }, 6, true],
  [{ in: ['x', 'y'] }, 'y', true],
  [{ in: ['x', 'y'] }, 'z', false],
  [{ in: ['x', 200] }, 200, true],
  [{ in: ['x', 200] }, '200', true],
  [{ in: ['200'] }, 200, true],
  [{ in: [true] }, true, true],
  [{ in: ['x'] }, MISSING, false],
  [{ regex: 'b' }, 'abc', true],
  [{ regex: '^b' }, 'abc', false],
  [{ regex: '^api\\.(calls|hits)$' }, 'api.hits', true],
  [{ regex: '(?i)ABC' }, 'abc', true],
  [{ regex: '^2\\d\\d$' }, 204, true],
  [{ regex: '.*' }, MISSING, false],
  [{ regex: '.*' }, ['x'], false],
  [{ exists: true }, 'x', true],
  [{ exists: true }, '', true],
  [{ exists: true }, 0, true],
  [{ exists: true }, false, true],
  [{ exists: true }, [], true],
  [{ exists: true }, null, false],
  [{ exists: true }, MISSING, false],
  [{ exists: false }, 'x', false],
  [{ exists: false }, null, true],
  [{ exists: false }, MISSING, true],
  [{ gt: 5 }, 5, false],
  [{ gt: 5 }, 6, true],
  [{ gt: 5 }, 5.1, true],
  [{ gt: 5 }, '5.000000000001', true],
  [{ gt: 9007199254740992 }, 9007199254740993n, true],
  [{ gt: '9007199254740993' }, 9007199254740993n, false],
  [{ gt: '9007199254740992.5' }, 9007199254740993n, true],
  [{ gte: 5 }, 5, true],
  [{ gte: '0.3' }, 0.3, true],
  [{ gte: 5 }, 4, false],
  [{ lt: 5 }, 5, false],
  [{ lt: 5 }, -1, true],
  [{ lt: 0 }, '-0.5', true],
  [{ lte: 5 }, 5, true],
  [{ lte: 5 }, Number.NEGATIVE_INFINITY, true],
  [{ lte: 5 }, Number.NaN, false],
  [{ gt: 5 }, Number.NaN, false],
  [{ lte: 5 }, 'x', false],
  [{ lte: 5 }, true, false],
  [{ lte: 5 }, MISSING, false],
  [{ gt: 0 }, '9'.repeat(1 << 20), false],
])('attributes["a"] %o with %o: %s', (condition, value, expected) => {
  expect(holds(condition, value)).toBe(expected);
});

const rich = log({
  group: group({ 'service.name': 'shop', nested: { list: ['a', { b: 7 }] } }),
  body: anyValue({ user: { id: 'u1' }, 'a.b': [10, 20] }),
  attributes: attributes({ 'http.route': '/x', request: { user: { id: 42 } }, __proto__x: 1 }),
  eventName: 'order.placed',
  traceId: 'aa',
  spanId: 'bb',
});
const json = log({
  body: anyValue(
    '{"user":{"id":"u1"},"a.b":[10,20],"n":null,"__proto__":{"x":1},"ok":true,"big":12345678901234567890}',
  ),
});
const aSpan = span({ group: group({ 'service.name': 'shop' }) });
const aSeries = series({ attributes: attributes({ region: 'eu' }) });

test.each([
  // path                                  subject  signal     text of the value; undefined: none
  ['resource["service.name"]', rich, 'logs', 'shop'],
  ['resource["nested"].list[1].b', rich, 'logs', '7'],
  ['resource["nested"].list[2]', rich, 'logs', undefined],
  ['scope.name', rich, 'logs', 'app'],
  ['scope.version', rich, 'logs', '1.2'],
  ['scope.attributes["team"]', rich, 'logs', 'search'],
  ['attributes["http.route"]', rich, 'logs', '/x'],
  ['attributes["request"].user.id', rich, 'logs', '42'],
  ['attributes["request"][0]', rich, 'logs', undefined],
  ['attributes["http"].route', rich, 'logs', undefined],
  ['attributes["constructor"]', rich, 'logs', undefined],
  ['body.user.id', rich, 'logs', 'u1'],
  ['body["a.b"][1]', rich, 'logs', '20'],
  ['body.user.id', json, 'logs', 'u1'],
  ['body["a.b"][1]', json, 'logs', '20'],
  ['body["a.b"][2]', json, 'logs', undefined],
  ['body["a.b"].length', json, 'logs', undefined],
  ['body.n', json, 'logs', undefined],
  ['body.ok', json, 'logs', 'true'],
  ['body.big', json, 'logs', '12345678901234567890'],
  ['body.constructor', json, 'logs', undefined],
  ['body["__proto__"].x', json, 'logs', '1'],
  ['body["toString"]', json, 'logs', undefined],
  ['body.user["__proto__"]', json, 'logs', undefined],
  ['body["a.b"]["__proto__"]', json, 'logs', undefined],
  ['body.user.id.length', json, 'logs', undefined],
  ['body', log({ body: anyValue('plain text') }), 'logs', 'plain text'],
  ['body.a', log({ body: anyValue('plain text') }), 'logs', undefined],
  ['body.a', log({ body: anyValue('  {"a":1}') }), 'logs', '1'],
  ['body[0]', log({ body: anyValue('["x"]') }), 'logs', 'x'],
  ['body.a', log({ body: anyValue('{"a":1') }), 'logs', undefined],
  ['body.a', log({ body: anyValue('"{a:1}"') }), 'logs', undefined],
  ['body.a', log(), 'logs', undefined],
  ['body.a', log({ body: anyValue(new Uint8Array([123])) }), 'logs', undefined],
  ['event_name', rich, 'logs', 'order.placed'],
  ['event_name', json, 'logs', undefined],
  ['severity_text', rich, 'logs', 'INFO'],
  ['severity_number', rich, 'logs', '9'],
  ['severity_number', log({ severityNumber: 0 }), 'logs', undefined],
  ['severity_number', log({ severityNumber: 77 }), 'logs', '77'],
  ['trace_id', rich, 'logs', 'aa'],
  ['span_id', rich, 'logs', 'bb'],
  ['trace_id', aSpan, 'spans', '5b8efff798038103d269b633813fc60c'],
  ['span_id', aSpan, 'spans', 'eee19b7ec3c1b174'],
  ['name', aSpan, 'spans', 'GET /items'],
  ['kind', aSpan, 'spans', 'server'],
  ['kind', span({ kind: 0 }), 'spans', 'unspecified'],
  ['kind', span({ kind: 9 }), 'spans', '9'],
  ['status.code', aSpan, 'spans', 'ok'],
  ['status.code', span({ statusCode: 2 }), 'spans', 'error'],
  ['resource["service.name"]', aSpan, 'spans', 'shop'],
  ['metric.name', aSeries, 'metrics', 'http.requests'],
  ['metric.unit', aSeries, 'metrics', '{request}'],
  ['attributes["region"]', aSeries, 'metrics', 'eu'],
  // A field that the signal has not leads nowhere.
  ['event_name', aSpan, 'spans', undefined],
  ['kind', rich, 'logs', undefined],
] as const)('%s of %o', (path, subject, signal, expected) => {
  const exists = compileMatch({ path, exists: true }, signal)(subject);
  expect(exists).toBe(expected !== undefined);
  if (expected !== undefined) {
    expect(compileMatch({ path, eq: expected }, signal)(subject)).toBe(true);
    expect(compileMatch({ path, eq: `${expected}!` }, signal)(subject)).toBe(false);
  }
});

const yes = { path: 'attributes["a"]', exists: true };
const no = { path: 'attributes["b"]', exists: true };
const yesOfGroup = { path: 'resource["r"]', eq: '1' };
const noOfGroup = { path: 'resource["r"]', eq: '2' };

test.each<[string, MatchNode, boolean]>([
  ['all', { all: [yes, yesOfGroup] }, true],
  ['all, one fails', { all: [yes, no] }, false],
  ['all, the group fails', { all: [yes, noOfGroup] }, false],
  ['any', { any: [no, yes] }, true],
  ['any, by the group', { any: [no, yesOfGroup] }, true],
  ['any, none holds', { any: [no, noOfGroup] }, false],
  ['none', { none: [no, noOfGroup] }, true],
  ['none, one holds', { none: [no, yes] }, false],
  ['none, the group holds', { none: [no, yesOfGroup] }, false],
  ['together', { all: [yes], any: [no, yes], none: [no] }, true],
  ['together, any fails', { all: [yes], any: [no], none: [no] }, false],
  ['together, none fails', { all: [yes], any: [yes], none: [yes] }, false],
  ['nested', { all: [{ any: [no, { all: [yes, { none: [noOfGroup] }] }] }] }, true],
  ['nested, fails', { all: [{ any: [no, { all: [yes, { none: [yesOfGroup] }] }] }] }, false],
  ['of the group alone', { all: [yesOfGroup], none: [noOfGroup] }, true],
])('groups: %s', (_, match, expected) => {
  const subject = log({ group: group({ r: '1' }), attributes: attributes({ a: 1 }) });
  const matches = compileMatch(match, 'logs');
  expect([matches(subject), matches(subject)]).toEqual([expected, expected]);
});

test('conditions on resource and scope are evaluated once per group', () => {
  let looks = 0;
  const counting = group({ other: 'x' });
  const { resourceAttributes } = counting;
  Object.defineProperty(counting, 'resourceAttributes', {
    get: () => {
      looks += 1;
      return resourceAttributes;
    },
  });
  const matches = compileMatch(
    {
      all: [
        { any: [{ path: 'resource["service.name"]', eq: 'shop' }, yes] },
        { path: 'resource["other"]', eq: 'x' },
      ],
    },
    'logs',
  );
  const another = group({ other: 'x', 'service.name': 'shop' });
  for (let i = 0; i < 100; i++) {
    expect(matches(log({ group: counting }))).toBe(false);
    expect(matches(log({ group: another }))).toBe(true);
  }
  expect(looks).toBe(2);
});

test.each([
  ['nested quantifiers', '(a+)+$', 'a'],
  ['overlapping alternatives', '^(a|a)*$', 'a'],
  ['many optional', `^${'a?'.repeat(30)}${'a'.repeat(30)}$`, 'a'],
  ['several stars', '^.*a.*a.*a.*a.*a.*b$', 'a'],
])('a pattern that others take for ever over is answered: %s', (_, pattern, letter) => {
  expect(holds({ regex: pattern }, `${letter.repeat(30_000)}!`)).toBe(false);
});

test('text longer than a pattern may search does not match', () => {
  expect(holds({ regex: '^a' }, 'a'.repeat(32_768))).toBe(true);
  expect(holds({ regex: '^a' }, 'a'.repeat(32_769))).toBe(false);
});

test('a pattern answers the same for a text that it has seen before', () => {
  const matches = compileMatch({ path: 'attributes["a"]', regex: '7$' }, 'logs');
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 600; i++) {
      expect(matches(log({ attributes: attributes({ a: `v${i}` }) }))).toBe(i % 10 === 7);
    }
  }
});

test.each([
  ['deep arrays', `${'['.repeat(400_000)}${']'.repeat(400_000)}`],
  ['deep arrays and a long number', `${'['.repeat(400_000)}1234567890123456789${']'.repeat(400_000)}`],
  ['deep objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['longer than a body may be', `{"a":"${'x'.repeat(1 << 20)}"}`],
])('a hostile body is no JSON to a rule: %s', (_, body) => {
  expect(compileMatch({ path: 'body.b', exists: true }, 'logs')(log({ body: anyValue(body) }))).toBe(false);
  expect(compileMatch({ path: 'body.a', eq: 'x' }, 'logs')(log({ body: anyValue(body) }))).toBe(false);
});

const key = fc.constantFrom('a', 'b', 'c.d', 'e');
const plain = fc.oneof(
  fc.constantFrom('x', 'y', '', '1', 'true'),
  fc.integer({ min: -2, max: 2 }),
  fc.boolean(),
);
const condition = fc
  .record({ key, body: fc.boolean(), literal: plain, operator: fc.nat(4) })
  .map(({ key: name, body, literal, operator }): MatchNode => {
    const path = body ? `body["${name}"]` : `attributes["${name}"]`;
    return [
      { path, eq: literal },
      { path, in: [literal, 'x'] },
      { path, exists: true },
      { path, regex: '^[x1]' },
      { path, gte: 1 },
    ][operator];
  });
const match = fc.letrec<{ node: MatchNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    condition,
    fc
      .tuple(fc.constantFrom('all', 'any', 'none'), fc.array(tie('node'), { minLength: 1, maxLength: 3 }))
      .map(([join, nodes]): MatchNode => ({ [join]: nodes })),
  ),
})).node;
const values = fc.dictionary(key, plain, { maxKeys: 4 });

test('the answer is the same however attributes and conditions are ordered, and whatever form the body has', () => {
  const reversed = (node: MatchNode): MatchNode => ({
    ...node,
    ...(node.all && { all: node.all.map(reversed).reverse() }),
    ...(node.any && { any: node.any.map(reversed).reverse() }),
    ...(node.none && { none: node.none.map(reversed).reverse() }),
  });
  fc.assert(
    fc.property(match, values, values, (node, signalValues, bodyValues) => {
      const subject: LogSignal = log({ attributes: attributes(signalValues), body: anyValue(bodyValues) });
      const answer = compileMatch(node, 'logs')(subject);
      const shuffled = { ...subject, attributes: [...subject.attributes].reverse() };
      const asJson = { ...shuffled, body: anyValue(JSON.stringify(bodyValues)) };
      expect(compileMatch(node, 'logs')(shuffled)).toBe(answer);
      expect(compileMatch(reversed(node), 'logs')(asJson)).toBe(answer);
    }),
    { numRuns: 1000 },
  );
});

test('compiled conditions agree with the plain meaning of all, any and none', () => {
  const meaning = (node: MatchNode, subject: LogSignal): boolean =>
    (node.path === undefined || compileMatch(node, 'logs')(subject)) &&
    (node.all ?? []).every((inner) => meaning(inner, subject)) &&
    (node.any === undefined || node.any.some((inner) => meaning(inner, subject))) &&
    !(node.none ?? []).some((inner) => meaning(inner, subject));
  fc.assert(
    fc.property(match, values, values, (node, signalValues, bodyValues) => {
      const subject = log({ attributes: attributes(signalValues), body: anyValue(bodyValues) });
      expect(compileMatch(node, 'logs')(subject)).toBe(meaning(node, subject));
    }),
    { numRuns: 1000 },
  );
});
