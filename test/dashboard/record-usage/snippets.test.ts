/**
 * Any text in any language's code is that text again: by what reads the language. Whole snippets are run where they are
 * copied from the page (record-usage.test.ts), Python's and Go's by scripts/interop-snippets.ts.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { NewRecord } from '../../../dashboard/pages/customer/record-usage/draft.ts';
import {
  jsonText,
  jsonValue,
  shellWord,
  wideText,
} from '../../../dashboard/pages/customer/record-usage/literals.ts';
import { reservedKey, SNIPPETS, snippet } from '../../../dashboard/pages/customer/record-usage/snippets.ts';
import { hostileTexts } from '../support/hostile-texts.ts';

const ENDPOINT = { url: 'http://127.0.0.1:4318', needsKey: false };
const RECORD: NewRecord = {
  id: 'manual-5b8efff798038103d269b633813fc60c',
  customerId: 'acme',
  dimensionId: 'gpu.hours',
  recordValue: '12.5',
  timestamp: '2026-03-01T09:00:00.123456789+01:00',
  metadata: { region: 'eu' },
};

test.each([
  // text                   JSON, JavaScript                  Python, Go
  ['plain', '"plain"', '"plain"'],
  [`it's "x" \\ y`, `"it's \\"x\\" \\\\ y"`, `"it's \\"x\\" \\\\ y"`],
  ['a\nb\tc\rd', '"a\\nb\\tc\\rd"', '"a\\nb\\tc\\rd"'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is no template, which is the point
  ['$x `y` ${z}', '"$x `y` ${z}"', '"$x `y` ${z}"'],
  ['é 😀 ❤\ufe0f', '"é 😀 ❤\ufe0f"', '"é 😀 ❤\ufe0f"'],
  ['\0\x1b\x7f\x85', '"\\u0000\\u001b\\u007f\\u0085"', '"\\u0000\\u001b\\u007f\\u0085"'],
  ['\u202egnp.exe', '"\\u202egnp.exe"', '"\\u202egnp.exe"'],
  ['a\u00a0b\u200bc\u2028', '"a\\u00a0b\\u200bc\\u2028"', '"a\\u00a0b\\u200bc\\u2028"'],
  ['\u{e0041}', '"\\udb40\\udc41"', '"\\U000e0041"'],
])('%j is a literal', (text, json, wide) => {
  expect(jsonText(text)).toBe(json);
  expect(wideText(text)).toBe(wide);
  expect(JSON.parse(json)).toBe(text);
});

test.each(hostileTexts())('JSON, JavaScript and shells give %j back', (text) => {
  expect(JSON.parse(jsonText(text))).toBe(text);
  expect(new Function(`return ${jsonText(text)}`)()).toBe(text);
  expect(JSON.parse(jsonValue({ [text]: [text, { key: text, value: { stringValue: text } }] }))).toEqual({
    [text]: [text, { key: text, value: { stringValue: text } }],
  });
  // A word of a command cannot have NUL in it.
  const word = text.replaceAll('\0', '');
  expect(execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word);
});

test.each(SNIPPETS)('%s: the key is read from the environment, and only where one is needed', (name) => {
  const open = snippet(name, RECORD, ENDPOINT);
  const closed = snippet(name, RECORD, { ...ENDPOINT, needsKey: true });
  expect(open).not.toMatch(/USAGE_METER_API_KEY|Authorization|apiKey|import os|"os"/);
  expect(closed).toContain('USAGE_METER_API_KEY');
});

test.each(SNIPPETS)('%s: says what it sends, and the same id, value and customer as Submit', (name) => {
  const code = snippet(name, RECORD, ENDPOINT);
  expect(code.split('\n')[0]).toMatch(/^(#|\/\/) One (usage record|log record)/);
  for (const text of [RECORD.id, '"12.5"', '"acme"', '"gpu.hours"', 'eu', ENDPOINT.url])
    expect(code).toContain(text);
  expect(code).toContain(name === 'curl' || name === 'typescript' ? RECORD.timestamp : '1772352000123456789');
});

test.each(['python', 'go', 'otlp'] as const)('%s: with a start time it is a span', (name) => {
  const code = snippet(name, { ...RECORD, startTime: '2026-03-01T07:00:00Z' }, ENDPOINT);
  expect(code).toContain('/v1/traces');
  expect(code).toContain('1772348400000000000');
  expect(code).not.toContain('/v1/logs');
});

test('what the shell is given is no history expansion of any shell', () => {
  const code = snippet('curl', { ...RECORD, customerId: '!! !x' }, ENDPOINT);
  expect(code).not.toContain('!');
  const body = /<<'JSON'\n(.*)\nJSON\n$/s.exec(code)?.[1] ?? '';
  expect(JSON.parse(body).customerId).toBe('!! !x');
});

test.each([
  [{ region: 'eu' }, null],
  [{ 'usage.value': '3' }, 'usage.value'],
  [{ a: '', 'log.record.uid': 'x' }, 'log.record.uid'],
  [{ 'usage.value.x': '3' }, null],
])('%j has the reserved key %s', (metadata, key) => {
  expect(reservedKey({ ...RECORD, metadata: metadata as Record<string, string> })).toBe(key);
});
