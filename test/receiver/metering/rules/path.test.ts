import { expect, test } from 'vitest';
import { parsePath } from '../../../../receiver/metering/rules/path.ts';

test.each([
  // text                                    field                steps
  ['attributes["http.route"]', 'attributes', ['http.route']],
  ["attributes['http.route']", 'attributes', ['http.route']],
  ['attributes["request"].user.id', 'attributes', ['request', 'user', 'id']],
  ['attributes["items"][0]["a.b"]', 'attributes', ['items', 0, 'a.b']],
  ['attributes["a\\"b\\\\c"]', 'attributes', ['a"b\\c']],
  ['attributes["__proto__"]', 'attributes', ['__proto__']],
  ['attributes[""]', 'attributes', ['']],
  ['resource["service.name"]', 'resource', ['service.name']],
  ['resource.attributes["service.name"]', 'resource', ['service.name']],
  ['resource["attributes"]', 'resource', ['attributes']],
  ['scope.attributes["team"]', 'scope.attributes', ['team']],
  ['scope.name', 'scope.name', []],
  ['scope.version', 'scope.version', []],
  ['body', 'body', []],
  ['body.user-id.x_1', 'body', ['user-id', 'x_1']],
  ['body["a.b"][12]', 'body', ['a.b', 12]],
  ['event_name', 'event_name', []],
  ['severity_number', 'severity_number', []],
  ['severity_text', 'severity_text', []],
  ['trace_id', 'trace_id', []],
  ['span_id', 'span_id', []],
  ['name', 'name', []],
  ['kind', 'kind', []],
  ['status.code', 'status.code', []],
  ['metric.name', 'metric.name', []],
  ['metric.unit', 'metric.unit', []],
])('%s', (text, field, steps) => {
  expect(parsePath(text)).toEqual({ field, steps });
});

test.each([
  // text                        what is wrong with it
  ['', /must begin with a field/],
  ['["a"]', /must begin with a field/],
  ['attributes', /whole key in brackets: attributes\["key"\]/],
  ['attributes.http.route', /whole key in brackets: attributes\["http\.route"\]/],
  ['attributes[0]', /whole key in brackets/],
  ['resource', /whole key in brackets/],
  ['resource.service.name', /resource\["service\.name"\]/],
  ['resource.attributes.service', /resource\["service"\]/],
  ['scope', /one of scope\.name, scope\.version, scope\.attributes/],
  ['scope["name"]', /one of scope\.name/],
  ['metric.kind', /one of metric\.name, metric\.unit/],
  ['status', /one of status\.code/],
  ['event_name.x', /must end after event_name/],
  ['scope.name["x"]', /must end after scope\.name/],
  ['constructor', /begins with "constructor", which is none of/],
  ['valueOf.name', /begins with "valueOf", which is none of/],
  ['eventName', /begins with "eventName", which is none of .*event_name/],
  ['body.', /not understood from "\."/],
  ['body..a', /not understood from "\.\.a"/],
  ['body["a]', /not understood from "\["a\]"/],
  ['body["a\\n"]', /not understood/],
  ['body[-1]', /not understood from "\[-1\]"/],
  ['body a', /not understood from " a"/],
])('refused: %s', (text, problem) => {
  const path = parsePath(text);
  expect('problem' in path ? path.problem : '').toMatch(problem);
});

test.each([
  ['steps', `body${'.a'.repeat(20)}`, `body${'.a'.repeat(21)}`, /at most 20 steps/],
  ['characters', `body["${'a'.repeat(1016)}"]`, `body["${'a'.repeat(1017)}"]`, /at most 1024 characters/],
])('a path has so many %s and no more', (_, longest, tooLong, problem) => {
  expect(parsePath(longest)).toHaveProperty('field', 'body');
  expect(parsePath(tooLong)).toEqual({ problem: expect.stringMatching(problem) });
});
