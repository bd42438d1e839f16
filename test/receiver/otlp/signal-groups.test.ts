import { expect, test } from 'vitest';
import { encodeAttributes } from '../../../receiver/otlp/attribute-blocks.ts';
import { decodeLogsJson } from '../../../receiver/otlp/logs-json.ts';
import { decodeLogsProtobuf } from '../../../receiver/otlp/logs-protobuf.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesProtobuf } from '../../../receiver/otlp/traces-protobuf.ts';
import { encode, message, text } from './otlp-generator.ts';

const attribute = (key: string, value: string) => [text(1, key), message(2, [text(1, value)])];
const request = (service: string, scope: string, eventName = '') =>
  encode([
    message(1, [
      message(1, [message(1, attribute('service.name', service))]),
      message(2, [
        message(1, [text(1, scope), message(3, attribute('k', 'v'))]),
        message(2, [text(12, eventName)]),
      ]),
    ]),
  ]);
const json = (service: string, scope: string) =>
  new TextEncoder().encode(
    JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
          scopeLogs: [
            {
              scope: { name: scope, attributes: [{ key: 'k', value: { stringValue: 'v' } }] },
              logRecords: [{}],
            },
          ],
        },
      ],
    }),
  );

test('the same resource and scope are the same object, from request to request', () => {
  const groups = new SignalGroups();
  const groupOf = (body: Uint8Array) => {
    groups.trim();
    return decodeLogsProtobuf(body, groups)[0].group;
  };
  const first = groupOf(request('a', 's'));
  expect(groupOf(request('a', 's', 'another record'))).toBe(first);
  expect(decodeTracesProtobuf(request('a', 's'), groups)[0].group).toBe(first);
  const [{ group: fromJson }] = decodeLogsJson(json('a', 's'), groups);
  expect(fromJson).toEqual(first);
  expect(decodeLogsJson(json('a', 's'), groups)[0].group).toBe(fromJson);
  expect(groupOf(request('b', 's'))).not.toBe(first);
  expect(groupOf(request('a', 't'))).not.toBe(first);
  expect(groupOf(request('a', 't')).resourceAttributes).toBe(first.resourceAttributes);
  expect(first).toEqual({
    resourceAttributes: [{ key: 'service.name', value: { type: 'string', value: 'a' } }],
    scopeName: 's',
    scopeVersion: '',
    scopeAttributes: [{ key: 'k', value: { type: 'string', value: 'v' } }],
  });
});

test('a name and a version never pass for others', () => {
  const groups = new SignalGroups();
  const made = [
    ['a', 'b'],
    ['ab', ''],
    ['', 'ab'],
    ['1 a', 'b'],
  ].map(([name, version]) => groups.group(0, name, version, 0));
  expect(new Set(made).size).toBe(4);
  expect(made.map(({ scopeName, scopeVersion }) => `${scopeName}|${scopeVersion}`)).toEqual([
    'a|b',
    'ab|',
    '|ab',
    '1 a|b',
  ]);
});

test.each([
  ['groups', { groups: 3 }, (i: number) => [`service`, `s${i}`]],
  ['bytes of attributes', { bytes: 4000 }, (i: number) => [`${i}`.padEnd(1000, 'x'), 's']],
  ['characters of names', { characters: 4000 }, (i: number) => ['a', `${i}`.padEnd(1000, 'x')]],
])('more than the limit of %s: all are forgotten at the next trim, and not before', (_, limits, names) => {
  const groups = new SignalGroups(limits);
  const [service, scope] = names(0);
  const body = request(service, scope);
  const [{ group }] = decodeLogsProtobuf(body, groups);
  groups.trim();
  expect(decodeLogsProtobuf(body, groups)[0].group).toBe(group);
  for (let i = 1; i < 6; i++) {
    const [service, scope] = names(i);
    expect(decodeLogsProtobuf(request(service, scope), groups)[0].group.scopeName).toBe(scope);
  }
  expect(decodeLogsProtobuf(body, groups)[0].group).toBe(group);
  groups.trim();
  const [{ group: again }] = decodeLogsProtobuf(body, groups);
  expect(again).not.toBe(group);
  expect(again).toEqual(group);
});

test('what a block counts towards the limit of a request', () => {
  const groups = new SignalGroups();
  const block = encodeAttributes([
    { key: 'a', value: { type: 'string', value: '1' } },
    {
      key: 'b',
      value: {
        type: 'array',
        value: [{ type: 'empty' }, { type: 'map', value: [{ key: 'c', value: { type: 'empty' } }] }],
      },
    },
  ]);
  const id = groups.interner.intern(block, 0, block.length, 3);
  // Two attributes, two items, one entry.
  expect(groups.objects(id)).toBe(5);
  expect(groups.objects(id)).toBe(5);
  expect(groups.objects(0)).toBe(0);
});
