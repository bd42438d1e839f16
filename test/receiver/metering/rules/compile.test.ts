import { expect, test } from 'vitest';
import { BuiltinMeter } from '../../../../receiver/metering/builtin-meter.ts';
import type { EventClaim, Meter, SeriesClaim } from '../../../../receiver/metering/claims.ts';
import { compileMeter, parseMeterRule } from '../../../../receiver/metering/rules/index.ts';
import type { EventSignal } from '../../../../receiver/otlp/event-signals.ts';
import { anyValue, attributes, group, log, type Plain, series, span } from './signals.ts';

const RECEIVED = 1_800_000_000_000_000_000n;
const TIME = 1_700_000_000_000_000_001n;
const OBSERVED = 1_700_000_000_000_000_002n;
const START = 1_700_000_000_000_000_000n;
const END = 1_700_000_001_500_000_001n;

/** A meter that takes every signal that carries the attribute "use". */
function meter(changes: Record<string, unknown> = {}): Meter {
  const rule = {
    id: 'm',
    signals: ['logs'],
    match: { all: [{ path: 'attributes["use"]', exists: true }] },
    customer: 'attributes["customer"]',
    dimension: 'd',
    ...changes,
  };
  return compileMeter(parseMeterRule(rule), { version: 3, sinceUnixNano: 5n });
}

const logOf = (plain: { [key: string]: Plain }, changes: Parameters<typeof log>[0] = {}) =>
  log({ attributes: attributes({ use: 1, ...plain }), ...changes });
const spanOf = (plain: { [key: string]: Plain }, changes: Parameters<typeof span>[0] = {}) =>
  span({ attributes: attributes({ use: 1, ...plain }), ...changes });

function claimed(changes: Record<string, unknown>, signal: EventSignal): EventClaim {
  const claim = meter(changes).claimEvent(signal, RECEIVED);
  if (claim === null) throw new Error('the meter does not claim the signal');
  return claim;
}

test('what a meter says of a log record', () => {
  const signal = logOf({ customer: 'acme', 'log.record.uid': 'e1', region: 'eu' });
  expect(meter({ metadata: ['region', 'plan'] }).claimEvent(signal, RECEIVED)).toEqual({
    customerId: 'acme',
    dimensionId: 'd',
    metadata: { region: 'eu' },
    allowsDuplicateAttributes: false,
    value: { type: 'decimal', value: '1' },
    unit: '1',
    timeUnixNano: TIME,
    startUnixNano: 0n,
    eventId: 'e1',
  });
});

test('what a meter says of a span', () => {
  expect(meter({ signals: ['spans'] }).claimEvent(spanOf({ customer: 'acme' }), RECEIVED)).toEqual({
    customerId: 'acme',
    dimensionId: 'd',
    metadata: {},
    allowsDuplicateAttributes: false,
    value: { type: 'decimal', value: '1' },
    unit: '1',
    timeUnixNano: END,
    startUnixNano: START,
    eventId: null,
  });
});

test('a compiled meter is known by its id, version and since when', () => {
  expect(meter({ replaces: ['builtin'] })).toMatchObject({
    id: 'm',
    version: 3,
    sinceUnixNano: 5n,
    replaces: ['builtin'],
  });
});

test.each([
  ['the condition fails', {}, log()],
  ['another signal', {}, spanOf({ customer: 'acme' })],
  ['not enabled', { enabled: false }, logOf({ customer: 'acme' })],
])('a signal that is not its business is not claimed: %s', (_, changes, signal) => {
  expect(meter(changes).claimEvent(signal, RECEIVED)).toBeNull();
  expect(meter(changes).claimSeries(series({ attributes: attributes({ use: 1 }) }))).toBeNull();
});

test.each<[Plain | undefined, string | null]>([
  // found     customer id
  ['acme', 'acme'],
  [' acme ', ' acme '],
  [42, '42'],
  [-9223372036854775808n, '-9223372036854775808'],
  [true, 'true'],
  ['', null],
  [undefined, null],
  [null, null],
  [4.5, null],
  [['acme'], null],
  [{ id: 'acme' }, null],
  [new Uint8Array([1]), null],
])('an id of %o is %o', (found, id) => {
  const signal = logOf(found === undefined ? {} : { customer: found });
  expect(claimed({}, signal).customerId).toBe(id);
  expect(claimed({ dimension: { path: 'attributes["customer"]' } }, signal).dimensionId).toBe(id);
  expect(claimed({ eventId: 'attributes["customer"]' }, signal).eventId).toBe(id);
});

test.each<[string, unknown, { [key: string]: Plain }, string | null]>([
  ['the first of several', ['attributes["a"]', 'attributes["b"]'], { a: 'x', b: 'y' }, 'x'],
  ['an empty one is passed over', ['attributes["a"]', 'attributes["b"]'], { a: '', b: 'y' }, 'y'],
  ['one of another type too', ['attributes["a"]', 'attributes["b"]'], { a: 1.5, b: 'y' }, 'y'],
  ['the resource', ['attributes["a"]', 'resource["tenant"]'], {}, 'house'],
  ['the default', { path: 'attributes["a"]', default: 'nobody' }, {}, 'nobody'],
  ['before the default', { path: ['attributes["a"]'], default: 'nobody' }, { a: 'x' }, 'x'],
  ['none', ['attributes["a"]'], {}, null],
])('customer: %s', (_, customer, plain, expected) => {
  const signal = logOf(plain, { group: group({ tenant: 'house' }) });
  expect(claimed({ customer }, signal).customerId).toBe(expected);
  expect(
    claimed(
      { dimension: typeof customer === 'object' && !Array.isArray(customer) ? customer : { path: customer } },
      signal,
    ).dimensionId,
  ).toBe(expected);
});

test.each<[string, unknown, EventSignal, unknown]>([
  ['one, where nothing is said', undefined, logOf({}), { type: 'decimal', value: '1' }],
  ['a constant', { constant: '0.000000000001' }, logOf({}), { type: 'decimal', value: '0.000000000001' }],
  [
    'an integer',
    { path: 'attributes["n"]' },
    logOf({ n: 9007199254740993n }),
    { type: 'int', value: 9007199254740993n },
  ],
  ['a double', { path: 'attributes["n"]' }, logOf({ n: 0.5 }), { type: 'double', value: 0.5 }],
  [
    'a decimal in text',
    { path: 'attributes["n"]' },
    logOf({ n: '12.500' }),
    { type: 'string', value: '12.500' },
  ],
  ['text that is none', { path: 'attributes["n"]' }, logOf({ n: 'many' }), { type: 'string', value: 'many' }],
  ['a boolean as it came', { path: 'attributes["n"]' }, logOf({ n: true }), { type: 'bool', value: true }],
  ['not there', { path: 'attributes["n"]' }, logOf({}), null],
  ['JSON null', { path: 'body.n' }, logOf({}, { body: anyValue('{"n":null}') }), null],
  ['the empty text', { path: 'attributes["n"]' }, logOf({ n: '' }), null],
  [
    'the first of several',
    { path: ['attributes["m"]', 'attributes["n"]'] },
    logOf({ m: '', n: 7 }),
    { type: 'int', value: 7n },
  ],
  [
    'zero is a value',
    { path: ['attributes["m"]', 'attributes["n"]'] },
    logOf({ m: 0, n: 7 }),
    { type: 'int', value: 0n },
  ],
  ['the default', { path: 'attributes["n"]', default: '3' }, logOf({}), { type: 'decimal', value: '3' }],
  [
    'JSON integer',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":12}') }),
    { type: 'int', value: 12n },
  ],
  [
    'JSON double',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":0.1}') }),
    { type: 'double', value: 0.1 },
  ],
  [
    'JSON text',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":"1.50"}') }),
    { type: 'string', value: '1.50' },
  ],
  [
    'a long JSON integer, exact',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":12345678901234567890123}') }),
    { type: 'decimal', value: '12345678901234567890123' },
  ],
  [
    'a long JSON fraction, exact',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":-1234567890.123456789012}') }),
    { type: 'decimal', value: '-1234567890.123456789012' },
  ],
  [
    'a long JSON number with an exponent, plain',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":1.2345678901234567e3}') }),
    { type: 'decimal', value: '1234.567890123457' },
  ],
  [
    'a JSON number beyond doubles',
    { path: 'body.n' },
    logOf({}, { body: anyValue('{"n":1e999}') }),
    { type: 'double', value: Number.POSITIVE_INFINITY },
  ],
])('value of an event: %s', (_, value, signal, expected) => {
  expect(claimed({ value }, signal).value).toEqual(expected);
});

test.each<[string | undefined, bigint, bigint, string | null]>([
  // unit       start  end             value
  [undefined, START, END, '1.500000001'],
  ['s', START, START, '0'],
  ['ms', START, END, '1500.000001'],
  ['us', START, END, '1500000.001'],
  ['ns', START, END, '1500000001'],
  ['s', 1n, 0xffff_ffff_ffff_ffffn, '18446744073.709551614'],
  ['s', END, START, '-1.500000001'],
  ['s', 0n, END, null],
  ['s', START, 0n, null],
])('duration in %s from %d to %d', (unit, startTimeUnixNano, endTimeUnixNano, expected) => {
  const rule = { signals: ['spans'], value: 'duration', ...(unit && { unit }) };
  const claim = claimed(rule, spanOf({}, { startTimeUnixNano, endTimeUnixNano }));
  expect(claim.unit).toBe(unit ?? 's');
  expect(claim.value).toEqual(expected === null ? null : { type: 'decimal', value: expected });
});

const at = (plain: Plain) => logOf({ at: plain }, { timeUnixNano: 0n, observedTimeUnixNano: 0n });

test.each<[string, unknown, EventSignal, bigint]>([
  ['a log’s own', undefined, logOf({}), TIME],
  ['a log’s observed one where it has none', undefined, logOf({}, { timeUnixNano: 0n }), OBSERVED],
  ['none', undefined, logOf({}, { timeUnixNano: 0n, observedTimeUnixNano: 0n }), 0n],
  ['a span’s end', undefined, spanOf({}), END],
  ['a span’s start', 'start', spanOf({}), START],
  ['when it came', 'received', logOf({}), RECEIVED],
  ['the first that there is', ['time', 'received'], logOf({}, { timeUnixNano: 0n }), RECEIVED],
  ['one that the signal has', ['time', 'end'], spanOf({}), END],
  ['RFC 3339', 'attributes["at"]', at('2023-11-14T22:13:20Z'), 1_700_000_000_000_000_000n],
  ['RFC 3339 with nanoseconds', 'attributes["at"]', at('2023-11-14T22:13:20.000000001Z'), TIME],
  ['RFC 3339 finer than that', 'attributes["at"]', at('2023-11-14T22:13:20.0000000019Z'), TIME],
  [
    'RFC 3339 with an offset',
    'attributes["at"]',
    at('2023-11-15t03:43:20.5+05:30'),
    1_700_000_000_500_000_000n,
  ],
  ['RFC 3339 west of it', 'attributes["at"]', at('2023-11-14 17:13:20-05:00'), 1_700_000_000_000_000_000n],
  ['RFC 3339, a leap second', 'attributes["at"]', at('2016-12-31T23:59:60Z'), 1_483_228_800_000_000_000n],
  ['no such day', 'attributes["at"]', at('2023-02-29T00:00:00Z'), 0n],
  ['no such month', 'attributes["at"]', at('2023-13-01T00:00:00Z'), 0n],
  ['no such century', 'attributes["at"]', at('0099-01-01T00:00:00Z'), 0n],
  ['no such hour', 'attributes["at"]', at('2023-02-28T24:00:00Z'), 0n],
  ['without an offset', 'attributes["at"]', at('2023-11-14T22:13:20'), 0n],
  ['before 1970', 'attributes["at"]', at('1969-12-31T23:59:59Z'), 0n],
  ['a number where text is expected', 'attributes["at"]', at(1_700_000_000), 0n],
  ['seconds', { path: 'attributes["at"]', format: 's' }, at(1_700_000_000), 1_700_000_000_000_000_000n],
  ['seconds with a fraction', { path: 'attributes["at"]', format: 's' }, at('1700000000.000000001'), TIME],
  [
    'milliseconds',
    { path: 'attributes["at"]', format: 'ms' },
    at(1_700_000_000_000),
    1_700_000_000_000_000_000n,
  ],
  [
    'microseconds',
    { path: 'attributes["at"]', format: 'us' },
    at(1_700_000_000_000_000n),
    1_700_000_000_000_000_000n,
  ],
  ['nanoseconds', { path: 'attributes["at"]', format: 'ns' }, at(TIME), TIME],
  ['nanoseconds in text', { path: 'attributes["at"]', format: 'ns' }, at(String(TIME)), TIME],
  ['a negative number', { path: 'attributes["at"]', format: 's' }, at(-1), 0n],
  ['a number beyond 64 bits', { path: 'attributes["at"]', format: 's' }, at(1e11), 0n],
  ['no number', { path: 'attributes["at"]', format: 's' }, at('soon'), 0n],
  ['a very long text', { path: 'attributes["at"]', format: 's' }, at('9'.repeat(1 << 20)), 0n],
  ['past what is no time', ['attributes["at"]', 'received'], at('soon'), RECEIVED],
])('time: %s', (_, time, signal, expected) => {
  const rule = { signals: ['logs', 'spans'], ...(time !== undefined && { time }) };
  expect(claimed(rule, signal).timeUnixNano).toBe(expected);
});

test.each<[string, unknown, EventSignal, boolean | undefined]>([
  ['its own', ['time', 'received'], logOf({}), undefined],
  ['none of its own', ['time', 'received'], logOf({}, { timeUnixNano: 0n }), true],
  ['its own, which is not asked for', ['received', 'time'], logOf({}), true],
  ['nothing but its own', 'time', logOf({}, { timeUnixNano: 0n }), undefined],
])('the time is that of the arrival: %s', (_, time, signal, expected) => {
  expect(claimed({ time }, signal).timeIsArrival).toBe(expected);
});

test.each<[string, unknown, EventSignal, bigint]>([
  ['a span’s start', undefined, spanOf({}), START],
  ['none of a log', undefined, logOf({}), 0n],
  ['none, as the rule says', 'none', spanOf({}), 0n],
  ['a path', { path: 'attributes["at"]', format: 's' }, logOf({ at: 7 }), 7_000_000_000n],
])('start time: %s', (_, startTime, signal, expected) => {
  const rule = { signals: ['logs', 'spans'], ...(startTime !== undefined && { startTime }) };
  expect(claimed(rule, signal).startUnixNano).toBe(expected);
});

test.each<[string, unknown, { [key: string]: Plain }, string | null]>([
  ['our own first', undefined, { 'event.id': 'd', 'log.record.uid': 'b', 'usage.event.id': 'a' }, 'a'],
  ['the log’s uid', undefined, { 'event.id': 'd', 'cloudevents.event_id': 'c', 'log.record.uid': 'b' }, 'b'],
  ['that of CloudEvents', undefined, { 'event.id': 'd', 'cloudevents.event_id': 'c' }, 'c'],
  ['event.id', undefined, { 'event.id': 7 }, '7'],
  ['none there', undefined, {}, null],
  ['none wanted', 'none', { 'event.id': 'd' }, null],
  ['one of its own', 'attributes["order"]', { order: 'o', 'event.id': 'd' }, 'o'],
])('event id: %s', (_, eventId, plain, expected) => {
  expect(claimed(eventId === undefined ? {} : { eventId }, logOf(plain)).eventId).toBe(expected);
});

test.each<[string, unknown, { [key: string]: Plain }, Record<string, string>]>([
  ['none, where nothing is said', [], { region: 'eu' }, {}],
  ['keys', ['b', 'a', 'c'], { a: 1, b: 'x' }, { a: '1', b: 'x' }],
  ['a key that is any text', ['a"b\\\n'], { 'a"b\\\n': 'x' }, { 'a"b\\\n': 'x' }],
  [
    'names',
    { region: 'attributes["cloud.region"]', app: 'scope.name' },
    { 'cloud.region': 'eu' },
    { app: 'app', region: 'eu' },
  ],
  ['the first of several', { r: ['attributes["a"]', 'attributes["b"]'] }, { a: '', b: 'x' }, { r: 'x' }],
  [
    'an empty text where there is no other',
    { r: ['attributes["a"]', 'attributes["b"]'] },
    { a: '' },
    { r: '' },
  ],
  ['an empty text is a value', ['a'], { a: '' }, { a: '' }],
  ['no value is none', ['a'], { a: null }, {}],
  [
    'values as text',
    ['a', 'b', 'c', 'd', 'e'],
    { a: true, b: 0.5, c: [1, 'x'], d: { k: null }, e: new Uint8Array([1, 2]) },
    { a: 'true', b: '0.5', c: '[1,"x"]', d: '{"k":null}', e: 'AQI=' },
  ],
  [
    'all but what the rule reads for something else',
    'all',
    { customer: 'acme', 'event.id': 'e', n: 5, region: 'eu', gone: null },
    { region: 'eu', use: '1' },
  ],
])('metadata: %s', (_, metadata, plain, expected) => {
  const { metadata: found } = claimed(
    { metadata, value: { path: 'attributes["n"]', default: '1' } },
    logOf(plain),
  );
  expect(found).toEqual(expected);
  expect(Object.keys(found)).toEqual(Object.keys(expected).sort());
});

test('a key "__proto__" is a key like any other', () => {
  const signal = logOf(
    {},
    { attributes: [...attributes({ use: 1 }), { key: '__proto__', value: anyValue('x') }] },
  );
  const { metadata } = claimed({ metadata: ['__proto__'] }, signal);
  expect(JSON.stringify(metadata)).toBe('{"__proto__":"x"}');
  expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  expect(claimed({ customer: 'attributes["__proto__"]' }, signal).customerId).toBe('x');
});

test('of a key that stands twice, the first one is read', () => {
  const twice = [
    ...attributes({ use: 1, customer: 'a', region: 'eu' }),
    ...attributes({ customer: 'b', region: 'us' }),
  ];
  const claim = { customerId: 'a', metadata: { region: 'eu' }, allowsDuplicateAttributes: true };
  const rule = { allowDuplicateAttributes: true, value: { path: 'attributes["use"]' } };
  expect(claimed({ ...rule, metadata: 'all' }, logOf({}, { attributes: twice }))).toEqual(
    expect.objectContaining(claim),
  );
  expect(claimed({ ...rule, metadata: ['region'] }, logOf({}, { attributes: twice }))).toEqual(
    expect.objectContaining(claim),
  );
});

test.each<[string, string]>([
  [String.raw`"a\ud83d"`, 'a\ufffd'],
  [String.raw`"a\ud83d\ude00"`, 'a\u{1f600}'],
  [String.raw`{"b\udc00":["\ud800"]}`, '{"b\ufffd":["\ufffd"]}'],
])('JSON text as it can be written: %s', (json, text) => {
  const signal = logOf({}, { body: anyValue(`{"a":${json}}`) });
  expect(claimed({ metadata: { a: 'body.a' } }, signal).metadata).toEqual({ a: text });
});

test('a value nested too deep in JSON is none', () => {
  const nested = (depth: number) => anyValue(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  const metadata = { a: 'body.a' };
  expect(claimed({ metadata }, logOf({}, { body: nested(100) })).metadata).toEqual({
    a: `${'['.repeat(100)}${']'.repeat(100)}`,
  });
  expect(claimed({ metadata }, logOf({}, { body: nested(102) })).metadata).toEqual({});
});

const theSeries = series({ attributes: attributes({ use: 1, customer: 'acme', region: 'eu' }), unit: 'By' });
const seriesClaim: SeriesClaim = {
  customerId: 'acme',
  resourceCustomerId: null,
  dimensionId: 'd',
  metadata: {},
  allowsDuplicateAttributes: false,
  value: 'point',
  unit: 'By',
  assumedTemporality: null,
  ignoresStart: false,
  fallsBackToReceived: false,
  takesOverflow: false,
};

test.each<[string, Record<string, unknown>, Partial<SeriesClaim>]>([
  ['as it stands', {}, {}],
  ['another unit', { unit: 'KiBy' }, { unit: 'KiBy' }],
  ['the sum of a histogram', { value: 'sum' }, { value: 'sum', unit: 'By' }],
  ['the count of a histogram has not its unit', { value: 'count' }, { value: 'count', unit: '1' }],
  ['a constant', { value: { constant: '2' } }, { value: { constant: '2' }, unit: '1' }],
  ['metadata', { metadata: ['region'] }, { metadata: { region: 'eu' } }],
  ['a temporality', { temporality: 'delta' }, { assumedTemporality: 1 }],
  ['the other temporality', { temporality: 'cumulative' }, { assumedTemporality: 2 }],
  ['without start', { startTime: 'none' }, { ignoresStart: true }],
  ['received', { time: ['time', 'received'] }, { fallsBackToReceived: true }],
  ['duplicates', { allowDuplicateAttributes: true }, { allowsDuplicateAttributes: true }],
  ['overflow', { overflow: 'accept' }, { takesOverflow: true }],
])('what a meter says of a series: %s', (_, changes, expected) => {
  expect(meter({ signals: ['metrics'], ...changes }).claimSeries(theSeries)).toEqual({
    ...seriesClaim,
    ...expected,
  });
});

test('a rule for several signals', () => {
  const both = meter({ signals: ['metrics', 'logs', 'spans'] });
  expect(both.claimSeries(theSeries)).toMatchObject({ value: 'point' });
  expect(both.claimEvent(logOf({}), RECEIVED)).toMatchObject({ timeUnixNano: TIME });
  expect(both.claimEvent(spanOf({}), RECEIVED)).toMatchObject({ timeUnixNano: END });
});

const builtin = new BuiltinMeter();

test.each<[string, EventSignal, Partial<EventClaim> | null]>([
  [
    'a log by its attribute',
    log({ attributes: attributes({ 'usage.dimension.id': 'd' }) }),
    { dimensionId: 'd' },
  ],
  ['a log by its event name', log({ eventName: 'usage.orders' }), { dimensionId: 'orders' }],
  ['a log called usage. and nothing more', log({ eventName: 'usage.' }), { dimensionId: null }],
  [
    'the attribute before the name',
    log({ eventName: 'usage.orders', attributes: attributes({ 'usage.dimension.id': 'd' }) }),
    { dimensionId: 'd' },
  ],
  [
    'a log with neither',
    log({ eventName: 'orders', attributes: attributes({ 'usage.customer.id': 'x' }) }),
    null,
  ],
  [
    'a span by its attribute',
    span({ attributes: attributes({ 'usage.dimension.id': 'd' }) }),
    { dimensionId: 'd', timeUnixNano: END, startUnixNano: START },
  ],
  ['a span is not claimed by its name', span({ name: 'usage.orders' }), null],
  [
    'all that it reads',
    log({
      eventName: 'usage.orders',
      attributes: attributes({
        'usage.customer.id': 7,
        'usage.value': '2.5',
        'usage.event.id': 'e',
        'log.record.uid': 'u',
        region: 'eu',
      }),
    }),
    {
      customerId: '7',
      dimensionId: 'orders',
      metadata: { region: 'eu' },
      value: { type: 'string', value: '2.5' },
      unit: '1',
      timeUnixNano: TIME,
      startUnixNano: 0n,
      eventId: 'e',
    },
  ],
  [
    'the customer of the resource',
    log({ eventName: 'usage.orders', group: group({ 'usage.customer.id': 'house' }) }),
    { customerId: 'house' },
  ],
  [
    'nobody',
    log({ eventName: 'usage.orders' }),
    { customerId: null, value: { type: 'int', value: 1n }, eventId: null },
  ],
  [
    'the log’s uid',
    log({ eventName: 'usage.x', attributes: attributes({ 'log.record.uid': 'u' }) }),
    { eventId: 'u', metadata: {} },
  ],
  [
    'a value that was never set',
    log({ eventName: 'usage.x', attributes: attributes({ 'usage.value': null }) }),
    { value: null },
  ],
  ['the observed time', log({ eventName: 'usage.x', timeUnixNano: 0n }), { timeUnixNano: OBSERVED }],
])('the built-in meter claims %s', (_, signal, expected) => {
  const claim = builtin.claimEvent(signal);
  if (expected === null) expect(claim).toBeNull();
  else expect(claim).toEqual(expect.objectContaining(expected));
});

test('the built-in meter of a series', () => {
  const claim = builtin.claimSeries(
    series({
      metricName: 'usage.orders',
      unit: 'By',
      attributes: attributes({ 'usage.customer.id': 'acme', 'usage.value': 2, region: 'eu' }),
    }),
  );
  // On metrics, usage.value is an attribute like any other.
  expect(claim).toEqual({
    ...seriesClaim,
    dimensionId: 'orders',
    metadata: { region: 'eu', 'usage.value': '2' },
  });
  expect(builtin.claimSeries(series())).toBeNull();
});
