import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { meterRuleJsonSchema } from '../../../../receiver/metering/rules/json-schema.ts';
import { MeterRule, parseMeterRule } from '../../../../receiver/metering/rules/meter-rule.ts';

const matchAny = { all: [{ path: 'attributes["a"]', exists: true }] };
const rule = {
  id: 'orders',
  signals: ['logs'],
  match: matchAny,
  customer: 'attributes["customer.id"]',
  dimension: 'orders',
};

/** What is wrong with a rule: `path: message` for each issue. */
function faults(changes: Record<string, unknown>): string[] {
  const result = MeterRule.safeParse({ ...rule, ...changes });
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('what a rule leaves out has a default', () => {
  expect(parseMeterRule(rule)).toEqual({
    ...rule,
    name: null,
    description: null,
    enabled: true,
    unit: null,
    metadata: [],
    eventId: [
      'attributes["usage.event.id"]',
      'attributes["log.record.uid"]',
      'attributes["cloudevents.event_id"]',
      'attributes["event.id"]',
    ],
    temporality: null,
    allowDuplicateAttributes: false,
    overflow: 'quarantine',
    replaces: [],
  });
});

test.each<[string, Record<string, unknown>]>([
  ['the shortest', {}],
  [
    'everything of logs',
    {
      customer: { path: ['body.customer', 'resource["customer"]'], default: 'house' },
      dimension: { path: 'event_name', default: 'events' },
      value: { path: ['body.amount', 'attributes["amount"]'], default: '0' },
      unit: 'By',
      metadata: { region: 'attributes["cloud.region"]', plan: ['body.plan', 'attributes["plan"]'] },
      time: [{ path: 'body.at', format: 'ms' }, 'body.time', 'time', 'observed_time', 'received'],
      startTime: 'body.began',
      eventId: ['body.id', 'trace_id'],
      replaces: ['builtin'],
    },
  ],
  ['spans', { signals: ['spans'], value: 'duration', unit: 'ms', time: 'start', startTime: 'none' }],
  [
    'metrics',
    {
      signals: ['metrics'],
      value: 'sum',
      time: ['time', 'received'],
      startTime: 'start',
      temporality: 'cumulative',
      overflow: 'accept',
      eventId: 'none',
    },
  ],
  [
    'all signals',
    { signals: ['metrics', 'logs', 'spans'], value: { constant: '0.5' }, time: ['time', 'end'] },
  ],
  ['all metadata', { metadata: 'all' }],
  ['keys of metadata', { metadata: ['cloud.region', 'plan'] }],
])('a rule is the same after it was parsed and written as JSON: %s', (_, changes) => {
  const parsed = parseMeterRule({ ...rule, ...changes });
  expect(parseMeterRule(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
});

test.each<[Record<string, unknown>, ...string[]]>([
  // what changes                     faults: path, message
  [{ id: '' }, 'id: must be letters, digits, dots, dashes and underscores'],
  [{ id: 'builtin' }, 'id: must be none of builtin, api'],
  [{ id: 'api' }, 'id: must be none of builtin, api'],
  [{ extra: 1 }, ': Unrecognized key: "extra"'],
  [{ signals: [] }, 'signals: must name at least one of metrics, logs, spans'],
  [{ signals: ['log'] }, 'signals.0: Invalid option: expected one of "metrics"|"logs"|"spans"'],
  [{ signals: ['logs', 'logs'] }, 'signals: names a signal twice'],
  [{ match: {} }, 'match: must have at least one condition'],
  [{ match: { all: [] } }, 'match.all: must have at least one condition'],
  [
    { match: { all: [{}] } },
    'match.all.0: must be a condition {path, eq: …} or a group {all|any|none: [...]}',
    'match: must have at least one condition',
  ],
  [
    { match: { all: [{ path: 'body' }] } },
    'match.all.0: a condition has exactly one of eq, notEq, in, regex, exists, gt, gte, lt, lte (got none)',
  ],
  [
    { match: { any: [{ path: 'body', gt: 1, lt: 5 }] } },
    'match.any.0: a condition has exactly one of eq, notEq, in, regex, exists, gt, gte, lt, lte (got gt, lt)',
  ],
  [
    { match: { ...matchAny, none: [{ eq: 1 }] } },
    'match.none.0.eq: "eq" needs the path whose value it looks at',
  ],
  [
    { match: { all: [{ path: 'body', eq: 'x', any: [{ path: 'body', eq: 'y' }] }] } },
    'match.all.0.any: a condition on a path has no "any": write it as a group of its own',
  ],
  [
    { match: { all: [{ path: 'body', equals: 1 }] } },
    'match.all.0: Unrecognized key: "equals"',
    'match.all.0: a condition has exactly one of eq, notEq, in, regex, exists, gt, gte, lt, lte (got none)',
  ],
  [
    { match: { all: [{ path: 'attributes.http.route', eq: 'x' }] } },
    'match.all.0.path: the path must name an attribute by its whole key in brackets: attributes["http.route"] (got "attributes.http.route")',
  ],
  [
    {
      match: {
        all: [
          {
            any: [
              { path: 'body', eq: 'x' },
              { path: 'metric.name', eq: 'x' },
            ],
          },
        ],
      },
    },
    'match.all.0.any.1.path: metric.name is a field of metrics, not of logs',
  ],
  [
    { match: { all: [{ path: 'body', regex: '(a' }] } },
    'match.all.0.regex: the pattern is no RE2 pattern: error parsing regexp: missing closing ): `(a`',
  ],
  [
    { match: { all: [{ path: 'body', regex: '(?=a)b' }] } },
    'match.all.0.regex: the pattern is no RE2 pattern: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  ],
  [
    { match: { all: [{ path: 'body', regex: 'a'.repeat(1001) }] } },
    'match.all.0.regex: the pattern must have at most 1000 characters',
  ],
  [{ match: { all: [{ path: 'body', eq: null }] } }, 'match.all.0.eq: must be a text, a number or a boolean'],
  [
    { match: { all: [{ path: 'body', gt: 'many' }] } },
    'match.all.0.gt: must be a decimal of at most 26 integer and 12 fraction digits, like "12.5"',
  ],
  [
    { match: { all: Array.from({ length: 201 }, () => ({ path: 'body', eq: 'x' })) } },
    'match: has 201 conditions, at most 200 are allowed',
  ],
  [{ customer: undefined }, 'customer: must be a path, a list of paths, or {path, default}'],
  [
    { customer: 'customer.id' },
    'customer: the path begins with "customer", which is none of resource, scope.attributes, scope.name, scope.version, attributes, body, event_name, severity_number, severity_text, trace_id, span_id, name, kind, status.code, metric.name, metric.unit (got "customer.id")',
  ],
  [{ customer: ['body.id', 'name'] }, 'customer.1: name is a field of spans, not of logs'],
  [{ customer: { path: ['body.id', 'kind'] } }, 'customer.path.1: kind is a field of spans, not of logs'],
  [{ dimension: '' }, 'dimension: must not be empty'],
  [{ dimension: { path: 'kind' } }, 'dimension.path: kind is a field of spans, not of logs'],
  [{ value: 'total' }, 'value: must be point, count, sum, duration, {constant: "1"}, or {path, default}'],
  [{ value: 'count' }, 'value: "count" is of metrics alone (signals: logs)'],
  [
    { value: 'point', signals: ['metrics', 'logs'] },
    'value: "point" is of metrics alone (signals: metrics, logs)',
  ],
  [{ value: 'duration' }, 'value: only spans have a duration (signals: logs)'],
  [
    { value: 'duration', signals: ['spans'], unit: 'h' },
    'unit: a duration is given in one of ns, us, ms, s (got "h"); it converts to the dimension\'s unit',
  ],
  [{ value: { path: 'kind' } }, 'value.path: kind is a field of spans, not of logs'],
  [
    { value: { path: 'attributes["n"]' }, signals: ['metrics'] },
    'value: the value of a metric is its point’s: point, count, sum or {constant}',
  ],
  [{ unit: 'bytes' }, 'unit: "bytes" is no unit that is known here; did you mean "By"?'],
  [
    { metadata: { region: 'region' } },
    'metadata.region: the path begins with "region", which is none of resource, scope.attributes, scope.name, scope.version, attributes, body, event_name, severity_number, severity_text, trace_id, span_id, name, kind, status.code, metric.name, metric.unit (got "region")',
  ],
  [{ metadata: { kind: ['body.kind', 'kind'] } }, 'metadata.kind.1: kind is a field of spans, not of logs'],
  [{ metadata: 'none' }, 'metadata: must be a list of attribute keys, a map of names to paths, or "all"'],
  [{ time: 'end' }, 'time: "end" is a time of spans, not of logs'],
  [{ time: ['time', 'kind'] }, 'time.1: kind is a field of spans, not of logs'],
  [{ time: [{ path: 'kind', format: 's' }] }, 'time.0.path: kind is a field of spans, not of logs'],
  [{ startTime: 'start' }, 'startTime: "start" is a time of metrics, spans, not of logs'],
  [{ signals: ['metrics'], time: 'received' }, 'time: of metrics must be time, or time and then received'],
  [
    { signals: ['metrics'], time: ['received', 'time'] },
    'time: of metrics must be time, or time and then received',
  ],
  [{ signals: ['metrics'], startTime: 'time' }, 'startTime: of metrics must be start or none'],
  [
    { signals: ['metrics'], time: ['time', 'attributes["at"]'] },
    'time.1: the times of a metric are its point’s: the path of an attribute cannot stand for them',
  ],
  [{ eventId: ['body.id', 'name'] }, 'eventId.1: name is a field of spans, not of logs'],
  [{ temporality: 'delta' }, 'temporality: only metrics have a temporality'],
  [{ overflow: 'accept' }, 'overflow: only metrics have overflow points'],
  [{ replaces: ['orders'] }, 'replaces: a meter cannot replace itself'],
])('refused with its place: %o', (changes, ...expected) => {
  expect(faults(changes)).toEqual(expected);
});

/** Conditions in `depth` groups, one in the other. */
function nested(depth: number): Record<string, unknown> {
  let node: Record<string, unknown> = { path: 'body', eq: 'x' };
  for (let level = 0; level < depth; level++) node = { any: [node] };
  return node;
}

test('groups nest as deep as five, and no input makes the check recurse further', () => {
  expect(faults({ match: nested(5) })).toEqual([]);
  expect(faults({ match: nested(6) })).toEqual([
    'match.any.0.any.0.any.0.any.0.any.0.any: groups nest at most 5 deep',
  ]);
  expect(faults({ match: nested(200_000) })).toHaveLength(1);
});

test('the JSON Schema for editors is up to date: node scripts/meter-schema.ts writes it', () => {
  const file = new URL('../../../../schemas/meter-rule.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(meterRuleJsonSchema())));
});
