import { expect, test } from 'vitest';
import { ZodError } from 'zod';
import type { EventClaim } from '../../../../receiver/metering/claims.ts';
import { compileMeter, PACK_NAMES, pack, parseMeterRule } from '../../../../receiver/metering/rules/index.ts';
import type { EventSignal } from '../../../../receiver/otlp/event-signals.ts';
import { KIND_HISTOGRAM } from '../../../../receiver/otlp/metric-columns.ts';
import { attributes, group, log, type Plain, series, span } from './signals.ts';

const CLIENT = 3;
const SERVER = 2;

const usage = { 'gen_ai.usage.input_tokens': 97, 'gen_ai.usage.output_tokens': 52 };
const chat = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.response.model': 'gpt-4o-2024-08-06',
  'tenant.id': 'acme',
  ...usage,
};
const call = (plain: { [key: string]: Plain }, kind = CLIENT) =>
  span({ kind, attributes: attributes(plain) });
const event = (plain: { [key: string]: Plain }, eventName = 'gen_ai.client.inference.operation.details') =>
  log({ eventName, attributes: attributes(plain) });

/** Claims of the pack's meters, by dimension. */
function tokens(signal: EventSignal, options: object = {}): Record<string, EventClaim> {
  const claims: Record<string, EventClaim> = {};
  for (const rule of pack('gen_ai', options).meters) {
    const claim = compileMeter(rule, { version: 1, sinceUnixNano: 0n }).claimEvent(signal, 5n);
    if (claim?.dimensionId) claims[claim.dimensionId] = claim;
  }
  return claims;
}

/** What is claimed as input and output tokens. */
function counts(signal: EventSignal, options: object = {}): unknown[] {
  const claims = tokens(signal, options);
  return ['gen_ai.input_tokens', 'gen_ai.output_tokens'].map((dimension) => {
    const value = claims[dimension]?.value;
    return value?.type === 'int' ? Number(value.value) : (value ?? 'not claimed');
  });
}

test('a span of a model call is tokens per customer and model', () => {
  const metadata = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.model': 'gpt-4o-2024-08-06',
  };
  const common = { customerId: 'acme', unit: '{token}', metadata, eventId: null };
  expect(tokens(call(chat))).toEqual({
    'gen_ai.input_tokens': expect.objectContaining({ ...common, value: { type: 'int', value: 97n } }),
    'gen_ai.output_tokens': expect.objectContaining({ ...common, value: { type: 'int', value: 52n } }),
  });
});

const NOT_CLAIMED = ['not claimed', 'not claimed'];

test.each<[string, EventSignal, object, unknown[]]>([
  ['current names', call(chat), {}, [97, 52]],
  [
    'names before 1.27',
    call({ 'gen_ai.system': 'openai', 'gen_ai.usage.prompt_tokens': 9, 'gen_ai.usage.completion_tokens': 5 }),
    {},
    [9, 5],
  ],
  ['both names count once', call({ ...usage, 'gen_ai.usage.prompt_tokens': 97 }), {}, [97, 52]],
  ['embeddings have no output', call({ 'gen_ai.usage.input_tokens': 8 }), {}, [8, 'not claimed']],
  ['a call that used nothing', call({ ...chat, 'gen_ai.usage.output_tokens': 0 }), {}, [97, 0]],
  ['a span without usage', call({ 'gen_ai.operation.name': 'chat' }), {}, NOT_CLAIMED],
  ['any other span', call({ 'http.route': '/x' }), {}, NOT_CLAIMED],
  ['within the process', call(chat, 1), {}, [97, 52]],
  ['of the model’s server', call(chat, SERVER), {}, NOT_CLAIMED],
  ['of the model’s server, wanted', call(chat, SERVER), { spanKinds: ['server'] }, [97, 52]],
  ['an agent', call({ ...chat, 'gen_ai.operation.name': 'invoke_agent' }), {}, NOT_CLAIMED],
  [
    'an agent, wanted',
    call({ ...chat, 'gen_ai.operation.name': 'invoke_agent' }),
    { ignoredOperations: [] },
    [97, 52],
  ],
  ['the log event', event(chat), {}, NOT_CLAIMED],
  ['the log event, wanted', event(chat), { signals: ['logs'] }, [97, 52]],
  [
    'the log event of older SDKs, wanted',
    event({ ...chat, 'event.name': 'gen_ai.client.inference.operation.details' }, ''),
    { signals: ['logs'] },
    [97, 52],
  ],
  ['another log event', event(chat, 'gen_ai.evaluation.result'), { signals: ['logs'] }, NOT_CLAIMED],
  ['a span where the log event is wanted', call(chat), { signals: ['logs'] }, NOT_CLAIMED],
  ['a span where both are wanted', call(chat), { signals: ['spans', 'logs'] }, [97, 52]],
  ['a log event where both are wanted', event(chat), { signals: ['spans', 'logs'] }, [97, 52]],
])('gen_ai: %s', (_, signal, options, expected) => {
  expect(counts(signal, options)).toEqual(expected);
});

test.each<[string, { [key: string]: Plain }, { [key: string]: Plain }, object, string | null]>([
  ['our own attribute first', { 'usage.customer.id': 'a', 'customer.id': 'b' }, {}, {}, 'a'],
  ['customer.id', { 'customer.id': 'b', 'tenant.id': 'c' }, {}, {}, 'b'],
  ['tenant.id', { 'tenant.id': 'c', 'enduser.id': 'd' }, { 'usage.customer.id': 'e' }, {}, 'c'],
  ['enduser.id', { 'enduser.id': 'd' }, {}, {}, 'd'],
  ['the resource', {}, { 'tenant.id': 'f' }, {}, 'f'],
  ['nobody', {}, {}, {}, null],
  ['who pays for nobody', {}, {}, { defaultCustomer: 'house' }, 'house'],
  ['another path', { 'customer.id': 'b', 'org.id': 'g' }, {}, { customer: 'attributes["org.id"]' }, 'g'],
])('customer: %s', (_, ofSignal, ofResource, options, expected) => {
  const signal = span({
    kind: CLIENT,
    group: group(ofResource),
    attributes: attributes({ ...usage, ...ofSignal }),
  });
  expect(tokens(signal, options)['gen_ai.input_tokens'].customerId).toBe(expected);
});

test('http_server: requests by route, method and status', () => {
  const { dimensions, meters } = pack('http_server', { metadata: { service: 'resource["service.name"]' } });
  expect(dimensions).toMatchObject([{ id: 'http.server.requests', unit: '{request}', aggregation: 'sum' }]);
  const [meter] = meters.map((rule) => compileMeter(rule, { version: 1, sinceUnixNano: 0n }));
  const duration = series({
    group: group({ 'service.name': 'shop' }),
    metricName: 'http.server.request.duration',
    unit: 's',
    kind: KIND_HISTOGRAM,
    attributes: attributes({
      'customer.id': 'acme',
      'http.route': '/x',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'https',
    }),
  });
  expect(meter.claimSeries(duration)).toEqual(
    expect.objectContaining({
      customerId: 'acme',
      dimensionId: 'http.server.requests',
      value: 'count',
      unit: '{request}',
      metadata: {
        'http.route': '/x',
        'http.request.method': 'GET',
        'http.response.status_code': '200',
        service: 'shop',
      },
    }),
  );
  expect(meter.claimSeries({ ...duration, metricName: 'http.client.request.duration' })).toBeNull();
});

test.each(PACK_NAMES)(
  'pack %s: its rules and dimensions stay the same when they are written as JSON',
  (name) => {
    const { meters } = pack(name);
    expect(JSON.parse(JSON.stringify(meters)).map(parseMeterRule)).toEqual(meters);
  },
);

test.each<[object, string]>([
  [{ customers: 'x' }, ''],
  [{ signals: ['metrics'] }, 'signals.0'],
  [{ spanKinds: [] }, 'spanKinds'],
  [{ customer: 'tenant.id' }, 'customer'],
  [{ metadata: { x: 'attributes.y' } }, 'metadata.x'],
])('options that are refused, with their place: %o', (options, place) => {
  let error: unknown;
  try {
    pack('gen_ai', options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ZodError);
  expect((error as ZodError).issues[0].path.join('.')).toBe(place);
});
