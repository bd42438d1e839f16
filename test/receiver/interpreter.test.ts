import { expect, test, vi } from 'vitest';
import {
  FRAME_CHANGES,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_RECORDS,
  FRAME_TRACES,
} from '../../receiver/frames.ts';
import { Interpreter } from '../../receiver/interpreter.ts';
import { BatchQueue } from '../../receiver/metering/batch-queue.ts';
import { ChangeError, Registry } from '../../receiver/metering/registry.ts';
import type { Change, RecordInput, SignalReference } from '../../storage/changes.ts';
import { readBigInt, textFromScaled } from '../../storage/decimal.ts';
import type { JournalFrame } from '../../storage/journal/journal.ts';
import { type LedgerBatch, VALUE_DECIMAL } from '../../storage/ledger-batch.ts';
import { codeName } from '../../storage/quarantine-codes.ts';

const NOW = 1_800_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

interface Row {
  sequence: number;
  origin: number | null;
  ordinal: number;
  meter: string;
  customer: string | null;
  dimension: string | null;
  value: string;
  time: bigint;
  start: bigint;
  metadata: Record<string, string>;
  role: string;
  code: string;
  /** 128 bits as text; '' for points. */
  event: string;
  series: string;
}

/** The journal and the ledger's end, without either. */
class Bench {
  readonly registry = new Registry();
  readonly queue = new BatchQueue();
  readonly interpreter = new Interpreter(this.registry, this.queue);
  readonly frames = new Map<number, JournalFrame>();
  readonly batches: LedgerBatch[] = [];
  #sequence = 0;

  take(kind: number, body: unknown, receivedAtUnixNano = NOW): Row[] {
    const sequence = ++this.#sequence;
    const payload = Buffer.from(JSON.stringify(body));
    const frame: JournalFrame = { sequence, receivedAtUnixNano, kind, encoding: 1, payload };
    this.frames.set(sequence, frame);
    this.interpreter.frame(frame, this.frames);
    this.queue.endFrame(sequence, receivedAtUnixNano);
    if (kind === FRAME_CHANGES) this.queue.endChanges();
    return this.#rows();
  }

  change(...changes: Change[]): Row[] {
    this.registry.check(changes);
    return this.take(FRAME_CHANGES, { changes });
  }

  #slots = new Map<number, LedgerBatch['slots'][number]>();
  #rows(): Row[] {
    const rows: Row[] = [];
    for (;;) {
      const batch = this.queue.take(this.#sequence);
      if (batch === null) return rows;
      this.batches.push(batch);
      if (batch.reset) this.#slots = new Map();
      for (const slot of batch.slots) this.#slots.set(slot.slot, slot);
      for (let row = 0; row < batch.length; row++) {
        const slot = this.#slots.get(batch.slot[row])!;
        rows.push({
          sequence: batch.frames.sequence[0],
          origin: batch.originSequence.length === 0 ? null : batch.originSequence[row],
          ordinal: batch.ordinal[row],
          meter: slot.meterId,
          customer: slot.customerId,
          dimension: slot.dimensionId,
          value:
            batch.valueKind[row] === VALUE_DECIMAL
              ? textFromScaled(readBigInt(batch.quantity, row * 4))
              : `kind ${batch.valueKind[row]}`,
          time: nano(batch.timeUnixNano, row),
          start: nano(batch.startUnixNano, row),
          metadata: JSON.parse(slot.metadata),
          role: slot.role,
          code: batch.code[row] === 0 ? '' : codeName(batch.code[row]),
          event:
            batch.event.length === 0 || slot.role !== 'event'
              ? ''
              : batch.event.subarray(row * 4, row * 4 + 4).join(' '),
          series: slot.seriesHash,
        });
      }
    }
  }
}

function nano(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}

type Value = string | number | boolean;

function attributes(pairs: Record<string, Value>) {
  return Object.entries(pairs).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : Number.isInteger(value)
            ? { intValue: String(value) }
            : { doubleValue: value },
  }));
}

const resource = { attributes: attributes({ 'service.name': 'shop', 'service.instance.id': 'one' }) };

function logs(...records: object[]) {
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'shop' }, logRecords: records }] }] };
}

function log(pairs: Record<string, Value>, more: object = {}) {
  return { timeUnixNano: String(NOW), attributes: attributes(pairs), ...more };
}

const usage = (more: Record<string, Value> = {}) => ({
  'usage.customer.id': 'acme',
  'usage.dimension.id': 'tokens',
  'usage.value': 5,
  'usage.event.id': 'e1',
  ...more,
});

function traces(...spans: object[]) {
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'shop' }, spans }] }] };
}

function metrics(metric: object) {
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'shop' }, metrics: [metric] }] }] };
}

function counter(name: string, points: object[], more: object = {}) {
  return metrics({
    name,
    unit: '1',
    sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: points },
    ...more,
  });
}

function point(value: number, pairs: Record<string, Value>, more: object = {}) {
  return {
    startTimeUnixNano: String(NOW - SECOND),
    timeUnixNano: String(NOW),
    asInt: String(value),
    attributes: attributes(pairs),
    ...more,
  };
}

const dimension = (id: string, more: object = {}): Change => ({
  type: 'dimension_put',
  managedBy: 'api',
  dimension: {
    id,
    name: null,
    unit: '1',
    aggregation: 'sum',
    uniqueKey: null,
    levelTtl: null,
    interval: 'none',
    usageIncrement: null,
    unitPrice: null,
    rounding: null,
    creditsAllowed: false,
    ...more,
  },
});

const customer = (id: string, aliases: string[] = []): Change => ({
  type: 'customer_put',
  managedBy: 'api',
  customer: { id, name: null, email: null, timeZone: null, aliases, metadata: {} },
});

const meter = (id: string, rule: Record<string, unknown>): Change => ({
  type: 'meter_put',
  id,
  managedBy: 'api',
  rule: { id, ...rule },
});

test('a log that carries our attributes is an event', () => {
  const bench = new Bench();
  const [row] = bench.take(FRAME_LOGS, logs(log(usage({ region: 'eu' }))));
  expect(row).toMatchObject({
    meter: 'builtin',
    customer: 'acme',
    dimension: 'tokens',
    value: '5',
    time: NOW,
    role: 'event',
    code: '',
    metadata: { region: 'eu' },
  });
  expect(bench.batches[0].events).toEqual([
    { type: 'customer_discovered', sequence: 1, customerId: 'acme' },
    { type: 'dimension_discovered', sequence: 1, dimensionId: 'tokens', unit: '1' },
  ]);
});

test.each<[string, object, object, boolean]>([
  // what is sent twice                 first                               second                        same key
  ['the same event id', log(usage()), log(usage({ 'usage.value': 6 })), true],
  ['another event id', log(usage()), log(usage({ 'usage.event.id': 'e2' })), false],
  ['an id for another dimension', log(usage()), log(usage({ 'usage.dimension.id': 'calls' })), false],
  [
    'no id, equal but for the observed time',
    log({ ...usage(), 'usage.event.id': '' }, { observedTimeUnixNano: '1' }),
    log({ ...usage(), 'usage.event.id': '' }, { observedTimeUnixNano: '2' }),
    true,
  ],
  [
    'no id, another body',
    log({ ...usage(), 'usage.event.id': '' }, { body: { stringValue: 'a' } }),
    log({ ...usage(), 'usage.event.id': '' }, { body: { stringValue: 'b' } }),
    false,
  ],
])('key: %s', (_, first, second, isSame) => {
  const bench = new Bench();
  const [a, b] = [bench.take(FRAME_LOGS, logs(first))[0], bench.take(FRAME_LOGS, logs(second))[0]];
  expect(a.event).toMatch(/^\d+ \d+ \d+ \d+$/);
  expect(a.event === b.event).toBe(isSame);
});

test('a key does not depend on the Collector that carried the event', () => {
  const bench = new Bench();
  const one = logs(log(usage()));
  const other = structuredClone(one);
  other.resourceLogs[0].resource.attributes.push(...attributes({ 'k8s.pod.name': 'p' }));
  const [a] = bench.take(FRAME_LOGS, one);
  const [b] = bench.take(FRAME_LOGS, other);
  expect([b.event, b.series]).toEqual([a.event, a.series]);
});

test.each<[string, object]>([
  // code                log
  ['missing_customer', log({ 'usage.dimension.id': 'tokens' })],
  ['duplicate_attribute', { ...log(usage()), attributes: attributes(usage()).concat(attributes(usage())) }],
  ['time_zero', log(usage(), { timeUnixNano: '0' })],
  ['time_in_future', log(usage(), { timeUnixNano: String(NOW + 601n * SECOND) })],
  ['not_a_number', log(usage({ 'usage.value': 'many' }))],
  ['not_a_number', log(usage({ 'usage.value': '1e3' }))],
  ['not_a_number', log(usage({ 'usage.value': true }))],
  [
    'not_a_number',
    log(
      {},
      {
        attributes: [
          ...attributes({ ...usage(), 'usage.value': 1 }).slice(0, 2),
          { key: 'usage.value', value: { doubleValue: 'NaN' } },
        ],
      },
    ),
  ],
  ['out_of_range', log(usage({ 'usage.value': `1${'0'.repeat(26)}` }))],
  ['credits_not_allowed', log(usage({ 'usage.value': -1 }))],
  ['unknown_dimension', log({ 'usage.customer.id': 'acme' }, { eventName: 'usage.' })],
  ['id_too_long', log(usage({ 'usage.customer.id': 'c'.repeat(1025) }))],
])('a log with %s is quarantined, its neighbours count', (code, bad) => {
  const bench = new Bench();
  const rows = bench.take(FRAME_LOGS, logs(log(usage()), bad, log(usage({ 'usage.event.id': 'e2' }))));
  expect(rows.map((row) => row.code)).toEqual(['', code, '']);
  expect(rows.map((row) => row.ordinal)).toEqual([0, 1, 2]);
});

test.each([
  ['12.5', '12.5'],
  ['-0', '0'],
  ['0.1234567890125', '0.123456789012'],
  ['9007199254740993', '9007199254740993'],
  [0.1, '0.1'],
  ['9223372036854775807', '9223372036854775807'],
])('usage.value %s counts %s', (value, counted) => {
  expect(new Bench().take(FRAME_LOGS, logs(log(usage({ 'usage.value': value }))))[0].value).toBe(counted);
});

test('logs that no meter claims are ignored', () => {
  const bench = new Bench();
  expect(bench.take(FRAME_LOGS, logs(log({ message: 'hello' })))).toEqual([]);
});

test('a span counts once, by its ids, at its end and from its start', () => {
  const bench = new Bench();
  const span = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    name: 'chat',
    startTimeUnixNano: String(NOW - SECOND),
    endTimeUnixNano: String(NOW),
    attributes: attributes({ 'usage.customer.id': 'acme', 'usage.dimension.id': 'calls' }),
  };
  const [a] = bench.take(FRAME_TRACES, traces(span));
  const [b] = bench.take(FRAME_TRACES, traces({ ...span, name: 'other' }));
  const [c] = bench.take(FRAME_TRACES, traces({ ...span, spanId: 'b7ad6b7169203332' }));
  expect(a).toMatchObject({ value: '1', time: NOW, start: NOW - SECOND, code: '' });
  expect(b.event).toBe(a.event);
  expect(c.event).not.toBe(a.event);
});

const record = (more: Partial<RecordInput> = {}): RecordInput => ({
  customerId: 'acme',
  dimensionId: 'tokens',
  recordValue: '12.5',
  timeUnixNano: String(NOW),
  startUnixNano: '0',
  metadata: { region: 'eu' },
  id: null,
  ...more,
});

test('records by hand: by their id, or each for itself', () => {
  const bench = new Bench();
  const rows = [
    ...bench.take(FRAME_RECORDS, { records: [record(), record(), record({ id: 'a' })] }),
    ...bench.take(FRAME_RECORDS, { records: [record({ id: 'a', recordValue: '1' })] }),
  ];
  expect(rows.map(({ meter, value, code }) => [meter, value, code])).toEqual([
    ['api', '12.5', ''],
    ['api', '12.5', ''],
    ['api', '12.5', ''],
    ['api', '1', ''],
  ]);
  expect(new Set(rows.map((row) => row.event)).size).toBe(3);
  expect(rows[3].event).toBe(rows[2].event);
});

test('an alias means its customer from its declaration on', () => {
  const bench = new Bench();
  const before = bench.take(FRAME_LOGS, logs(log(usage({ 'usage.customer.id': 'acme-old' }))))[0];
  bench.change(customer('acme', ['acme-old']));
  const after = bench.take(FRAME_LOGS, logs(log(usage({ 'usage.customer.id': 'acme-old' }))))[0];
  expect([before.customer, after.customer]).toEqual(['acme-old', 'acme']);
  // A repetition is the same event, with the same content.
  expect([after.event, after.series]).toEqual([before.event, before.series]);
  expect(bench.registry.customers).toEqual(new Set(['acme']));
});

test.each<[string, Change[], Change]>([
  ['an alias of another', [customer('acme', ['a'])], customer('umbrella', ['a'])],
  ['an id that is an alias', [customer('acme', ['a'])], customer('a')],
  ['its own alias', [], customer('acme', ['acme'])],
  ['an alias that has aliases', [customer('acme', ['a'])], customer('umbrella', ['acme'])],
])('refused: %s', (_, before, change) => {
  const bench = new Bench();
  if (before.length > 0) bench.change(...before);
  expect(() => bench.registry.check([change])).toThrow(ChangeError);
});

test.each<[string, Change[]]>([
  ['let go by one, then taken by another', [customer('acme'), customer('umbrella', ['a'])]],
  ['of a customer that goes', [{ type: 'customer_deleted', id: 'acme' }, customer('umbrella', ['a'])]],
  ['becomes a customer', [customer('acme'), customer('a')]],
])('changes of one request follow each other: an alias %s', (_, changes) => {
  const bench = new Bench();
  bench.change(customer('acme', ['a']));
  bench.change(...changes);
  expect(bench.registry.customerOf('a')).not.toBe('acme');
  // The other way round the alias is still taken.
  const other = new Bench();
  other.change(customer('acme', ['a']));
  expect(() => other.registry.check(changes.toReversed())).toThrow(ChangeError);
  expect(other.registry.customerOf('a')).toBe('acme');
});

test('without discovery, what nobody declared is quarantined', () => {
  const bench = new Bench();
  bench.change({ type: 'settings_put', settings: { discovery: false, maxFutureSeconds: 600 } });
  expect(bench.take(FRAME_LOGS, logs(log(usage())))[0].code).toBe('unknown_dimension');
  bench.change(dimension('tokens'));
  expect(bench.take(FRAME_LOGS, logs(log(usage())))[0].code).toBe('unknown_customer');
  bench.change(customer('acme'));
  expect(bench.take(FRAME_LOGS, logs(log(usage())))[0].code).toBe('');
});

test('a configured meter and the built-in one both count what both claim, unless one replaces the other', () => {
  const bench = new Bench();
  const rule = {
    signals: ['metrics'],
    match: { all: [{ path: 'metric.name', eq: 'usage.tokens' }] },
    customer: 'attributes["usage.customer.id"]',
    dimension: 'big-tokens',
    metadata: ['region'],
  };
  const body = (at: bigint) =>
    counter('usage.tokens', [
      point(5, { 'usage.customer.id': 'acme', region: 'eu', route: '/' }, { timeUnixNano: String(at) }),
    ]);
  bench.change(meter('big', rule));
  const both = bench.take(FRAME_METRICS, body(NOW));
  expect(both.map((row) => [row.meter, row.dimension, row.value, row.metadata])).toEqual([
    ['big', 'big-tokens', '5', { region: 'eu' }],
    ['builtin', 'tokens', '5', { region: 'eu', route: '/' }],
  ]);
  expect(new Set(both.map((row) => row.series)).size).toBe(2);
  bench.change(meter('big', { ...rule, replaces: ['builtin'] }));
  expect(bench.take(FRAME_METRICS, body(NOW + 1n)).map((row) => row.meter)).toEqual(['big']);
  bench.change({ type: 'meter_deleted', id: 'big' });
  expect(bench.take(FRAME_METRICS, body(NOW + 2n)).map((row) => row.meter)).toEqual(['builtin']);
});

test('many points that two meters claim all become rows', () => {
  const bench = new Bench();
  bench.change(
    meter('twice', {
      signals: ['metrics'],
      match: { all: [{ path: 'metric.name', eq: 'usage.tokens' }] },
      customer: 'attributes["usage.customer.id"]',
      dimension: 'calls',
      value: { constant: '1' },
    }),
  );
  const points = Array.from({ length: 10_000 }, (_, i) =>
    point(i, { 'usage.customer.id': 'acme' }, { timeUnixNano: String(NOW + BigInt(i)) }),
  );
  const rows = bench.take(FRAME_METRICS, counter('usage.tokens', points));
  expect(rows.length).toBe(20_000);
  const sum = (name: string) =>
    rows.filter((row) => row.meter === name).reduce((total, row) => total + Number(row.value), 0);
  expect([sum('twice'), sum('builtin')]).toEqual([10_000, (9_999 * 10_000) / 2]);
});

test('a meter looks at a series once, however many points it has and whether it claims it', () => {
  const bench = new Bench();
  bench.change(
    meter('europe', {
      signals: ['metrics'],
      match: { all: [{ path: 'attributes["region"]', eq: 'eu' }] },
      customer: 'attributes["tenant"]',
      dimension: 'calls',
    }),
  );
  const looks = bench.registry.meters.map((one) => vi.spyOn(one, 'claimSeries'));
  for (let request = 0; request < 3; request++) {
    const points = ['eu', 'us'].flatMap((region) =>
      Array.from({ length: 10 }, (_, i) =>
        point(1, { tenant: 'acme', region }, { timeUnixNano: String(NOW + BigInt(request * 10 + i)) }),
      ),
    );
    expect(bench.take(FRAME_METRICS, counter('http.calls', points))).toHaveLength(10);
  }
  expect(looks.map((look) => look.mock.calls.length)).toEqual([2, 2]);
});

const histogram = (more: object = {}) =>
  metrics({
    name: 'http.server.request.duration',
    unit: 's',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          startTimeUnixNano: String(NOW - SECOND),
          timeUnixNano: String(NOW),
          count: '3',
          sum: 4.5,
          attributes: attributes({ tenant: 'acme' }),
          ...more,
        },
      ],
    },
  });

test.each<[string, string, string, string]>([
  // value      dimension's unit   counted   code
  ['count', '1', '3', ''],
  ['sum', 's', '4.5', ''],
  ['sum', 'ms', '4500', ''],
  ['sum', 'min', '0.075', ''],
  ['sum', 'By', '4.5', 'wrong_unit'],
])('a histogram by its %s, in %s', (value, unit, counted, code) => {
  const bench = new Bench();
  bench.change(
    dimension('requests', { unit }),
    meter('requests', {
      signals: ['metrics'],
      match: { all: [{ path: 'metric.name', eq: 'http.server.request.duration' }] },
      customer: 'attributes["tenant"]',
      dimension: 'requests',
      value,
    }),
  );
  const [row] = bench.take(FRAME_METRICS, histogram());
  expect([row.value, row.code, row.role]).toEqual([counted, code, 'delta']);
});

test('a histogram without a sum has no value for a meter of its sum', () => {
  const bench = new Bench();
  bench.change(
    meter('seconds', {
      signals: ['metrics'],
      match: { all: [{ path: 'metric.name', exists: true }] },
      customer: 'attributes["tenant"]',
      dimension: 'seconds',
      value: 'sum',
    }),
  );
  expect(bench.take(FRAME_METRICS, histogram({ sum: undefined }))[0].code).toBe('no_value');
});

test('units of our own metrics convert to the declared one', () => {
  const bench = new Bench();
  bench.change(dimension('storage', { unit: 'GiBy' }));
  const body = counter('usage.storage', [point(3 * 2 ** 30, { 'usage.customer.id': 'acme' })], {
    unit: 'By',
  });
  expect(bench.take(FRAME_METRICS, body)[0]).toMatchObject({ value: '3', code: '' });
});

test.each<[string, string, string]>([
  // unit of what comes   code           value in the unit that was kept
  ['By', '', '2'],
  ['{file}', 'wrong_unit', '2000'],
])('a deleted dimension with usage has its unit again when %s comes', (unit, code, value) => {
  const bench = new Bench();
  bench.change(dimension('storage', { unit: 'kBy' }));
  bench.change({ type: 'dimension_deleted', id: 'storage', keptUnit: 'kBy' });
  const body = counter('usage.storage', [point(2000, { 'usage.customer.id': 'acme' })], { unit });
  expect(bench.take(FRAME_METRICS, body)[0]).toMatchObject({ code, value });
  const events = bench.batches.at(-1)!.events.filter(({ type }) => type === 'dimension_discovered');
  expect(events).toMatchObject(code === '' ? [{ dimensionId: 'storage', unit: 'kBy' }] : []);
  // A record by hand is in the dimension's unit, whether it is known or was.
  const byHand: RecordInput = record({ dimensionId: 'storage' });
  expect(bench.take(FRAME_RECORDS, { records: [byHand] })[0]).toMatchObject({ code: '', value: '12.5' });
  // A new declaration may say another unit: whoever makes it has asked for usage.
  bench.change({ type: 'dimension_deleted', id: 'storage', keptUnit: 'kBy' });
  bench.change(dimension('storage', { unit: '{file}' }), { type: 'dimension_deleted', id: 'storage' });
  expect(bench.take(FRAME_METRICS, body)[0]).toMatchObject({ code: '', value: '2000' });
});

test('levels and credits count where the dimension takes them', () => {
  const bench = new Bench();
  bench.change(dimension('seats', { aggregation: 'max' }), dimension('credit', { creditsAllowed: true }));
  const gauge = metrics({
    name: 'usage.seats',
    unit: '',
    gauge: { dataPoints: [point(7, { 'usage.customer.id': 'a' })] },
  });
  expect(bench.take(FRAME_METRICS, gauge)[0]).toMatchObject({ role: 'level', value: '7', code: '' });
  const credit = metrics({
    name: 'usage.credit',
    sum: {
      aggregationTemporality: 1,
      isMonotonic: false,
      dataPoints: [point(-7, { 'usage.customer.id': 'a' })],
    },
  });
  expect(bench.take(FRAME_METRICS, credit)[0]).toMatchObject({ role: 'delta', value: '-7', code: '' });
  const log7 = logs(log({ ...usage({ 'usage.dimension.id': 'credit', 'usage.value': '-0.5' }) }));
  expect(bench.take(FRAME_LOGS, log7)[0]).toMatchObject({ value: '-0.5', code: '' });
});

test('a meter’s running totals begin with the meter, and again where it measures something else', () => {
  const bench = new Bench();
  const rule = {
    signals: ['metrics'],
    match: { all: [{ path: 'metric.name', eq: 'requests' }] },
    customer: 'attributes["tenant"]',
    dimension: 'requests',
  };
  const body = counter('requests', [point(5, { tenant: 'acme' })], {
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point(5, { tenant: 'acme' })] },
  });
  const slotOf = () => bench.batches.at(-1)!.slots.at(-1)!;
  bench.change(meter('m', rule));
  const [first] = bench.take(FRAME_METRICS, body);
  expect([slotOf().sinceUnixNano, slotOf().meterVersion, first.role]).toEqual([NOW, 1, 'cumulative']);
  const later = NOW + 60n * SECOND;
  bench.take(FRAME_CHANGES, { changes: [meter('m', { ...rule, metadata: ['route'] })] }, later);
  const [same] = bench.take(FRAME_METRICS, body);
  expect([slotOf().sinceUnixNano, slotOf().meterVersion]).toEqual([NOW, 2]);
  expect(same.series).toBe(first.series);
  bench.take(FRAME_CHANGES, { changes: [meter('m', { ...rule, unit: '{request}' })] }, later);
  const [other] = bench.take(FRAME_METRICS, body);
  expect(slotOf().sinceUnixNano).toBe(later);
  expect(other.series).not.toBe(first.series);
});

const reference = (sequence: number, ordinal: number, meterId = 'builtin'): SignalReference => ({
  sequence,
  ordinal,
  meterId,
});
const replay = (signals: SignalReference[], correction: object | null = null): Change => ({
  type: 'quarantine_replayed',
  signals,
  correction,
  note: null,
});

test('a replay judges the named signals again, at their own time, and leaves their neighbours', () => {
  const bench = new Bench();
  bench.change(
    { type: 'settings_put', settings: { discovery: false, maxFutureSeconds: 600 } },
    dimension('tokens'),
  );
  const body = logs(
    log(usage()),
    log(usage({ 'usage.event.id': 'e2' })),
    log(usage({ 'usage.event.id': 'e3' })),
  );
  const first = bench.take(FRAME_LOGS, body);
  expect(first.map((row) => row.code)).toEqual(Array(3).fill('unknown_customer'));
  bench.change(customer('acme'));
  const rows = bench.change(replay([reference(2, 2), reference(2, 0)]));
  expect(rows.map(({ origin, ordinal, event, code, time }) => [origin, ordinal, event, code, time])).toEqual([
    [2, 0, first[0].event, '', NOW],
    [2, 2, first[2].event, '', NOW],
  ]);
  expect(bench.batches.at(-1)!.changes).toEqual([
    {
      type: 'quarantine_rejudged',
      signals: [reference(2, 0), reference(2, 2)].sort((a, b) => b.ordinal - a.ordinal),
    },
  ]);
});

test('a replay of points goes through the same meters', () => {
  const bench = new Bench();
  const points = [point(1, { tenant: 'acme' }), point(5, { 'usage.dimension.id': 'tokens' })];
  const [bad] = bench.take(FRAME_METRICS, counter('requests', points));
  expect([bad.ordinal, bad.code]).toEqual([1, 'missing_customer']);
  bench.change(
    meter('orphans', {
      signals: ['metrics'],
      match: { all: [{ path: 'metric.name', eq: 'requests' }] },
      customer: { path: 'attributes["usage.customer.id"]', default: 'unattributed' },
      dimension: 'tokens',
      replaces: ['builtin'],
    }),
  );
  const rows = bench.change(replay([reference(1, 1)]));
  expect(rows).toMatchObject([
    { meter: 'orphans', customer: 'unattributed', value: '5', origin: 1, ordinal: 1, code: '' },
  ]);
});

test('what nobody claims any more stays in quarantine', () => {
  const bench = new Bench();
  bench.change(
    meter('m', {
      signals: ['logs'],
      match: { all: [{ path: 'attributes["kind"]', eq: 'call' }] },
      customer: 'attributes["tenant"]',
      dimension: 'calls',
    }),
  );
  const [bad] = bench.take(FRAME_LOGS, logs(log({ kind: 'call' })));
  expect([bad.meter, bad.code, bad.value]).toEqual(['m', 'missing_customer', '1']);
  bench.change({ type: 'meter_deleted', id: 'm' });
  expect(bench.change(replay([reference(2, 0, 'm')]))).toEqual([]);
  expect(bench.batches.at(-1)!.changes).toEqual([]);
});

test.each<[string, Record<string, Value>, object, object | null]>([
  // what            log                                    correction                          counted as
  [
    'a customer',
    { 'usage.dimension.id': 'tokens', 'usage.value': 3 },
    { customerId: 'acme' },
    { value: '3' },
  ],
  ['a value', usage({ 'usage.value': 'three' }), { recordValue: '3' }, { value: '3' }],
  ['a value that is still missing', usage({ 'usage.value': 'three' }), { customerId: 'acme' }, null],
  ['a time', usage(), { timeUnixNano: '5' }, { time: 5n, value: '5' }],
  ['a dimension', usage(), { dimensionId: 'calls' }, { dimension: 'calls', value: '5' }],
  ['a credit where there are none', usage(), { recordValue: '-3' }, null],
])('a correction gives %s', (_, pairs, correction, counted) => {
  const bench = new Bench();
  bench.take(FRAME_LOGS, logs(log(pairs)));
  const rows = bench.change(replay([reference(1, 0)], correction));
  if (counted === null) {
    expect(rows).toEqual([]);
    expect(bench.batches.at(-1)!.changes).toEqual([]);
  } else {
    expect(rows).toMatchObject([
      { customer: 'acme', origin: 1, ordinal: 0, code: '', meter: 'builtin', ...counted },
    ]);
    expect(bench.batches.at(-1)!.changes).toEqual([
      { type: 'quarantine_corrected', signals: [reference(1, 0)], note: null },
    ]);
    // The same correction again is the same event.
    expect(bench.change(replay([reference(1, 0)], correction))[0].event).toBe(rows[0].event);
  }
});

test.each<[string, number, object, boolean]>([
  // what               temporality  correction                                   counts
  ['a delta', 1, { customerId: 'acme' }, true],
  ['a running total', 2, { customerId: 'acme' }, false],
  ['a running total', 2, { customerId: 'acme', recordValue: '5' }, true],
])('%s (temporality %i) corrected by %j counts: %s', (_, aggregationTemporality, correction, counts) => {
  const bench = new Bench();
  const sum = { aggregationTemporality, isMonotonic: true, dataPoints: [point(5, {})] };
  bench.take(FRAME_METRICS, metrics({ name: 'usage.calls', unit: '1', sum }));
  const rows = bench.change(replay([reference(1, 0)], correction));
  expect(rows.map(({ value, role, code }) => [value, role, code])).toEqual(
    counts ? [['5', 'event', '']] : [],
  );
});

test('a corrected record brings its replacement', () => {
  const bench = new Bench();
  const rows = bench.change({
    type: 'record_corrected',
    recordId: 'r',
    timeUnixNano: String(NOW),
    reason: 'typo',
    replacement: record({ recordValue: '1.25' }),
  });
  expect(rows).toMatchObject([{ value: '1.25', meter: 'api', origin: 1, code: '' }]);
  expect(bench.batches[0].changes).toMatchObject([{ type: 'record_corrected', recordId: 'r' }]);
});

test('changes stand alone in their batch, between what came before and after', () => {
  const bench = new Bench();
  const { queue, interpreter } = bench;
  const body = Buffer.from(JSON.stringify(logs(log(usage()))));
  const json = { format: 'json', compression: 'identity' } as const;
  interpreter.signals(FRAME_LOGS, body, json, 1, NOW);
  queue.endFrame(1, NOW);
  interpreter.changes({ changes: [customer('acme', ['a'])] }, 2, NOW, new Map());
  queue.endFrame(2, NOW);
  queue.endChanges();
  interpreter.signals(FRAME_LOGS, body, json, 3, NOW);
  queue.endFrame(3, NOW);
  const taken = [];
  for (let batch = queue.take(9); batch !== null; batch = queue.take(9)) {
    taken.push([[...batch.frames.sequence], batch.changes.length, batch.length, batch.reset]);
  }
  // An alias may change whom a slot means: all are defined anew.
  expect(taken).toEqual([
    [[1], 0, 1, true],
    [[2], 1, 0, true],
    [[3], 0, 1, false],
  ]);
});
