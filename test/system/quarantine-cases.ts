/** Every way into quarantine that these tests know, and how a user comes out of it. */
import type { QuarantineCode } from '../../storage/quarantine-codes.ts';
import {
  type Entry,
  log,
  type MetricFields,
  metric,
  NOW,
  type Pairs,
  type PointFields,
  SECOND,
  type SignalKind,
  span,
  timeText,
  WRITER,
} from './quarantine-signals.ts';

/** Whose signals: those that are repaired, or those that are dismissed. */
export interface Names {
  dimension: string;
  customer: string;
}

/** PUT /api/v1/{path} */
export interface Declaration {
  path: string;
  body: object;
}

/** What a user does about it; a replay follows. */
export interface Repair {
  /** Declared over the API. Dimensions are declared for the dismissed signals too: they stay dismissed. */
  declare?: (dimension: string) => Declaration[];
  /** The receiver is started with another usage-meter.yaml. */
  settings?: string;
  /** Sent with the replay. */
  correction?: object;
  /** What the replay leaves in quarantine, by reason. */
  remains?: { reason: QuarantineCode; signals: number }[];
}

/** Quantity by `customer / dimension`. */
export type Totals = Readonly<Record<string, string>>;

export interface QuarantineCase {
  code: QuarantineCode;
  kind: SignalKind;
  how: string;
  /** Also the name of the metric, behind `usage.`. */
  dimension: string;
  /** usage-meter.yaml while the signals come; default: none. */
  settings?: string;
  given?: (dimension: string) => Declaration[];
  /** Signals that come first, are listed, and are corrected to 100. */
  settled?: (names: Names) => Entry[];
  /** Signals that are counted, and that come with the faulty ones; default: another customer's 7. */
  good?: (names: Names) => Entry[];
  /** One signal each. */
  faulty: (names: Names) => Entry[];
  /** What GET /quarantine says of them, where it is not what the names say. */
  listed: { customerId?: string | null; dimensionId?: string; quantity: string | null };
  counted: Totals;
  repairs: Repair[];
  repaired: Totals;
  /** Levels: the values of the records, oldest first, stand for the quantity, which GET /usage does not tell yet. */
  isLevel?: boolean;
}

export const DISCOVERY_OFF = 'discovery: off\n';
export const FUTURE_ALLOWED = 'maxFuture: 2d\n';

const HOUR = 3600n * SECOND;
const YEAR = 366n * 24n * HOUR;
const LONG = 'x'.repeat(1024);

const of = ({ customer }: Names, ...more: Pairs): Pairs => [['usage.customer.id', customer], ...more];
const named = ({ dimension, customer }: Names, ...more: Pairs): Pairs => [
  ['usage.dimension.id', dimension],
  ['usage.customer.id', customer],
  ...more,
];
/** A point of the customer's own counter. */
const point = (names: Names, fields: Partial<MetricFields>, ...points: PointFields[]): Entry =>
  metric({ name: `usage.${names.dimension}`, attributes: of(names), ...fields }, ...points);

const dimension = (id: string, body: object): Declaration => ({ path: `dimensions/${id}`, body });
const customer = (id: string, body: object = {}): Declaration => ({ path: `customers/${id}`, body });
/** A meter that takes signals of one metric name, or with one dimension, from the built-in one. */
const meter = (
  signals: 'metrics' | 'logs' | 'spans',
  id: string,
  rule: { also?: object[]; [field: string]: unknown } = {},
): Declaration => {
  const { also = [], ...fields } = rule;
  const isOurs =
    signals === 'metrics'
      ? { path: 'metric.name', eq: `usage.${id}` }
      : { path: 'attributes["usage.dimension.id"]', eq: id };
  const body = {
    signals: [signals],
    match: { all: [isOurs, ...also] },
    customer: 'attributes["usage.customer.id"]',
    dimension: id,
    replaces: ['builtin'],
    ...(signals === 'metrics' ? {} : { value: { path: 'attributes["usage.value"]' } }),
    ...fields,
  };
  return { path: `meters/${id}`, body };
};

const OVERFLOW = 'attributes["otel.metric.overflow"]';
const histogram = { kind: 'histogram', unit: 's' } as const;

export const CASES: readonly QuarantineCase[] = [
  // Where discovery is off, before anything is discovered.
  {
    code: 'unknown_customer',
    kind: 'metrics',
    how: 'a counter of a customer that nobody declared, who is declared then',
    dimension: 'undeclared',
    settings: DISCOVERY_OFF,
    given: (id) => [dimension(id, {}), customer('neighbour')],
    faulty: (names) => [point({ ...names, customer: `new-${names.customer}` }, {}, { value: 5n })],
    listed: { customerId: 'new-acme', quantity: '5' },
    counted: { 'neighbour / undeclared': '7' },
    repairs: [{ declare: () => [customer('new-acme')] }],
    repaired: { 'neighbour / undeclared': '7', 'new-acme / undeclared': '5' },
  },
  {
    code: 'unknown_customer',
    kind: 'logs',
    how: 'a log that names a customer otherwise, which becomes an alias',
    dimension: 'alias',
    settings: DISCOVERY_OFF,
    given: (id) => [dimension(id, {}), customer('neighbour'), customer('known')],
    faulty: (names) => [log(named({ ...names, customer: `other-${names.customer}` }, ['usage.value', 5n]))],
    listed: { customerId: 'other-acme', quantity: '5' },
    counted: { 'neighbour / alias': '7' },
    repairs: [{ declare: () => [customer('known', { aliases: ['other-acme'] })] }],
    repaired: { 'known / alias': '5', 'neighbour / alias': '7' },
  },
  {
    code: 'unknown_dimension',
    kind: 'metrics',
    how: 'a counter into a dimension that nobody declared, which is declared then',
    dimension: 'requests',
    settings: DISCOVERY_OFF,
    given: () => [customer('neighbour'), dimension('requests.known', {})],
    good: () => [point({ dimension: 'requests.known', customer: 'neighbour' }, {}, { value: 7n })],
    faulty: (names) => [point({ ...names, customer: 'neighbour' }, {}, { value: 5n })],
    listed: { customerId: 'neighbour', quantity: '5' },
    counted: { 'neighbour / requests.known': '7' },
    repairs: [{ declare: (id) => [dimension(id, { unit: '{request}' })] }],
    repaired: { 'neighbour / requests': '5', 'neighbour / requests.known': '7' },
  },
  {
    code: 'unknown_dimension',
    kind: 'traces',
    how: 'a span into a dimension that nobody declared, and what discovery would do is not wanted',
    dimension: 'jobs',
    settings: DISCOVERY_OFF,
    given: () => [customer('neighbour'), dimension('jobs.known', {})],
    good: () => [span('jobs.known', named({ dimension: 'jobs.known', customer: 'neighbour' }))],
    faulty: (names) => [span(names.dimension, named({ ...names, customer: 'neighbour' }))],
    listed: { customerId: 'neighbour', quantity: '1' },
    counted: { 'neighbour / jobs.known': '1' },
    repairs: [
      { declare: (id) => [meter('spans', id, { dimension: 'jobs.known', value: { constant: '1' } })] },
    ],
    repaired: { 'neighbour / jobs.known': '2' },
  },
  {
    code: 'unknown_customer',
    kind: 'traces',
    how: 'a span of a customer that nobody declared, and discovery is turned on',
    dimension: 'discovery',
    settings: DISCOVERY_OFF,
    given: (id) => [dimension(id, {}), customer('neighbour')],
    faulty: (names) => [span('discovery', named({ ...names, customer: `span-${names.customer}` }))],
    listed: { customerId: 'span-acme', quantity: '1' },
    counted: { 'neighbour / discovery': '7' },
    repairs: [{ settings: '' }],
    repaired: { 'neighbour / discovery': '7', 'span-acme / discovery': '1' },
  },

  {
    code: 'sdk_overflow',
    kind: 'metrics',
    how: 'points that the SDK merged, which become the usage of a customer for the rest',
    dimension: 'overflow',
    faulty: ({ dimension }) => [
      metric({ name: `usage.${dimension}`, attributes: [['otel.metric.overflow', true]] }, { value: 5n }),
      metric(
        { name: `usage.${dimension}`, attributes: [['otel.metric.overflow', true]] },
        { value: 6n, start: NOW, time: NOW + SECOND },
      ),
    ],
    listed: { customerId: null, quantity: '11' },
    counted: { 'neighbour / overflow': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: OVERFLOW, eq: true }],
            customer: { path: 'attributes["usage.customer.id"]', default: 'everybody-else' },
            overflow: 'accept',
          }),
        ],
      },
    ],
    repaired: { 'everybody-else / overflow': '11', 'neighbour / overflow': '7' },
  },
  {
    code: 'missing_customer',
    kind: 'metrics',
    how: 'a counter whose customer stands under another key',
    dimension: 'tenant',
    faulty: ({ dimension, customer }) => [
      metric({ name: `usage.${dimension}`, attributes: [['tenant', customer]] }, { value: 5n }),
    ],
    listed: { customerId: null, quantity: '5' },
    counted: { 'neighbour / tenant': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["tenant"]', exists: true }],
            customer: ['attributes["usage.customer.id"]', 'attributes["tenant"]'],
          }),
        ],
      },
    ],
    repaired: { 'acme / tenant': '5', 'neighbour / tenant': '7' },
  },
  {
    code: 'missing_customer',
    kind: 'logs',
    how: 'a log of somebody whom only a person knows',
    dimension: 'anonymous',
    faulty: ({ dimension }) => [
      log([
        ['usage.dimension.id', dimension],
        ['usage.value', 2.5],
      ]),
    ],
    listed: { customerId: null, quantity: '2.5' },
    counted: { 'neighbour / anonymous': '7' },
    repairs: [{ correction: { customerId: 'acme' } }],
    repaired: { 'acme / anonymous': '2.5', 'neighbour / anonymous': '7' },
  },
  {
    code: 'missing_customer',
    kind: 'traces',
    how: 'a span without a customer, who has a default',
    dimension: 'default',
    faulty: ({ dimension }) => [span(dimension, [['usage.dimension.id', dimension]])],
    listed: { customerId: null, quantity: '1' },
    counted: { 'neighbour / default': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('spans', id, {
            also: [{ path: 'attributes["usage.customer.id"]', exists: false }],
            customer: { path: 'attributes["usage.customer.id"]', default: 'acme' },
            value: { constant: '1' },
          }),
        ],
      },
    ],
    repaired: { 'acme / default': '1', 'neighbour / default': '7' },
  },
  {
    code: 'duplicate_attribute',
    kind: 'metrics',
    how: 'a counter whose plan stands twice, of which the first holds',
    dimension: 'plan',
    faulty: (names) => [point(names, { attributes: of(names, ['plan', 'a'], ['plan', 'b']) }, { value: 5n })],
    listed: { quantity: '5' },
    counted: { 'neighbour / plan': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["plan"]', exists: true }],
            allowDuplicateAttributes: true,
          }),
        ],
      },
    ],
    repaired: { 'acme / plan': '5', 'neighbour / plan': '7' },
  },
  {
    code: 'duplicate_attribute',
    kind: 'logs',
    how: 'a log whose customer stands twice, and a person knows which is right',
    dimension: 'twice',
    faulty: (names) => [log(named(names, ['usage.customer.id', 'other'], ['usage.value', 5n]))],
    listed: { quantity: '5' },
    counted: { 'neighbour / twice': '7' },
    repairs: [{ correction: { customerId: 'other' } }],
    repaired: { 'neighbour / twice': '7', 'other / twice': '5' },
  },
  {
    code: 'time_zero',
    kind: 'metrics',
    how: 'a counter without a time, which a person says',
    dimension: 'timeless',
    faulty: (names) => [point(names, {}, { value: 5n, start: 0n, time: 0n })],
    listed: { quantity: '5' },
    counted: { 'neighbour / timeless': '7' },
    repairs: [{ correction: { timestamp: timeText(NOW) } }],
    repaired: { 'acme / timeless': '5', 'neighbour / timeless': '7' },
  },
  {
    code: 'time_zero',
    kind: 'logs',
    how: 'a log without a time, which counts when it was received',
    dimension: 'received',
    faulty: (names) => [
      log(named(names, ['usage.event.id', `${names.dimension} 1`], ['usage.value', '5']), { time: 0n }),
    ],
    listed: { quantity: '5' },
    counted: { 'neighbour / received': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('logs', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            time: ['time', 'observed_time', 'received'],
          }),
        ],
      },
    ],
    repaired: { 'acme / received': '5', 'neighbour / received': '7' },
  },
  {
    code: 'time_zero',
    kind: 'traces',
    how: 'a span that never ended, of which a person knows when',
    dimension: 'endless',
    faulty: (names) => [span(names.dimension, named(names), { end: 0n })],
    listed: { quantity: '1' },
    counted: { 'neighbour / endless': '7' },
    repairs: [{ correction: { timestamp: timeText(NOW) } }],
    repaired: { 'acme / endless': '1', 'neighbour / endless': '7' },
  },
  {
    code: 'start_after_time',
    kind: 'metrics',
    how: 'a counter that ends before it begins, whose start is left out of account',
    dimension: 'backwards',
    faulty: (names) => [point(names, {}, { value: 5n, start: NOW + SECOND })],
    listed: { quantity: '5' },
    counted: { 'neighbour / backwards': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            startTime: 'none',
          }),
        ],
      },
    ],
    repaired: { 'acme / backwards': '5', 'neighbour / backwards': '7' },
  },
  {
    code: 'start_after_time',
    kind: 'traces',
    how: 'a span of a clock that was set back, whose start a person takes out',
    dimension: 'clock',
    faulty: (names) => [span(names.dimension, named(names), { start: NOW + SECOND })],
    listed: { quantity: '1' },
    counted: { 'neighbour / clock': '7' },
    repairs: [{ correction: { startTime: null } }],
    repaired: { 'acme / clock': '1', 'neighbour / clock': '7' },
  },
  {
    code: 'time_in_future',
    kind: 'logs',
    how: 'a log of a clock that is a year ahead, whose time a person sets right',
    dimension: 'next_year',
    faulty: (names) => [log(named(names, ['usage.value', 5n]), { time: NOW + YEAR })],
    listed: { quantity: '5' },
    counted: { 'neighbour / next_year': '7' },
    repairs: [{ correction: { timestamp: timeText(NOW) } }],
    repaired: { 'acme / next_year': '5', 'neighbour / next_year': '7' },
  },
  {
    code: 'no_value',
    kind: 'metrics',
    how: 'a point without a value, which a person knows',
    dimension: 'nothing',
    faulty: (names) => [point(names, {}, {})],
    listed: { quantity: null },
    counted: { 'neighbour / nothing': '7' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / nothing': '5', 'neighbour / nothing': '7' },
  },
  {
    code: 'no_value',
    kind: 'logs',
    how: 'a log whose value was never set, which has a default',
    dimension: 'unset',
    faulty: (names) => [log(named(names, ['usage.value', null]))],
    listed: { quantity: null },
    counted: { 'neighbour / unset': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('logs', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            value: { path: 'attributes["usage.value"]', default: '0.5' },
          }),
        ],
      },
    ],
    repaired: { 'acme / unset': '0.5', 'neighbour / unset': '7' },
  },
  {
    code: 'not_a_number',
    kind: 'metrics',
    how: 'a counter that is NaN',
    dimension: 'nan',
    faulty: (names) => [point(names, {}, { value: Number.NaN })],
    listed: { quantity: null },
    counted: { 'neighbour / nan': '7' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / nan': '5', 'neighbour / nan': '7' },
  },
  {
    code: 'not_a_number',
    kind: 'logs',
    how: 'a log whose value is a text, and the number stands elsewhere',
    dimension: 'words',
    faulty: (names) => [log(named(names, ['usage.value', 'many'], ['tokens', '12.5']))],
    listed: { quantity: null },
    counted: { 'neighbour / words': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('logs', id, {
            also: [{ path: 'attributes["tokens"]', exists: true }],
            value: { path: 'attributes["tokens"]' },
          }),
        ],
      },
    ],
    repaired: { 'acme / words': '12.5', 'neighbour / words': '7' },
  },
  {
    code: 'not_a_number',
    kind: 'traces',
    how: 'a span whose value is a boolean',
    dimension: 'truth',
    faulty: (names) => [span(names.dimension, named(names, ['usage.value', true]))],
    listed: { quantity: null },
    counted: { 'neighbour / truth': '7' },
    repairs: [{ correction: { recordValue: 1 } }],
    repaired: { 'acme / truth': '1', 'neighbour / truth': '7' },
  },
  {
    code: 'infinite',
    kind: 'metrics',
    how: 'a counter that was divided by zero',
    dimension: 'infinite',
    faulty: (names) => [point(names, {}, { value: Number.POSITIVE_INFINITY })],
    listed: { quantity: null },
    counted: { 'neighbour / infinite': '7' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / infinite': '5', 'neighbour / infinite': '7' },
  },
  {
    code: 'infinite',
    kind: 'logs',
    how: 'a log whose value is minus infinity',
    dimension: 'minus_infinite',
    faulty: (names) => [log(named(names, ['usage.value', Number.NEGATIVE_INFINITY]))],
    listed: { quantity: null },
    counted: { 'neighbour / minus_infinite': '7' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / minus_infinite': '5', 'neighbour / minus_infinite': '7' },
  },
  {
    code: 'out_of_range',
    kind: 'metrics',
    how: 'more bytes than a record can hold, which are counted in a larger unit',
    dimension: 'traffic',
    good: () => [point({ dimension: 'traffic', customer: 'neighbour' }, { unit: 'By' }, { value: 7n })],
    faulty: (names) => [point(names, { unit: 'By' }, { value: 2e27 })],
    listed: { quantity: null },
    counted: { 'neighbour / traffic': '7' },
    repairs: [
      {
        declare: (id) => [
          dimension(`${id}.gb`, { unit: 'GBy' }),
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            dimension: `${id}.gb`,
          }),
        ],
      },
    ],
    repaired: { 'acme / traffic.gb': '2000000000000000000', 'neighbour / traffic': '7' },
  },
  {
    code: 'out_of_range',
    kind: 'logs',
    how: 'a log with 27 digits, of which one was too many',
    dimension: 'digits',
    faulty: (names) => [log(named(names, ['usage.value', `1${'0'.repeat(26)}`]))],
    listed: { quantity: null },
    counted: { 'neighbour / digits': '7' },
    repairs: [{ correction: { recordValue: '10000000000000000000000000' } }],
    repaired: { 'acme / digits': '10000000000000000000000000', 'neighbour / digits': '7' },
  },
  {
    code: 'unspecified_temporality',
    kind: 'metrics',
    how: 'a sum that does not say what it is, which is taken for deltas',
    dimension: 'unspecified',
    faulty: (names) => [
      point(names, { temporality: 0 }, { value: 5n }),
      point(names, { temporality: 0 }, { value: 5n, start: NOW, time: NOW + SECOND }),
    ],
    listed: { quantity: '10' },
    counted: { 'neighbour / unspecified': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            temporality: 'delta',
          }),
        ],
      },
    ],
    repaired: { 'acme / unspecified': '10', 'neighbour / unspecified': '7' },
  },
  {
    code: 'unsupported_kind',
    kind: 'metrics',
    how: 'a histogram, whose count is usage',
    dimension: 'calls',
    faulty: (names) => [point(names, histogram, { count: 42n, sum: 3.5 })],
    listed: { quantity: null },
    counted: { 'neighbour / calls': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            value: 'count',
          }),
        ],
      },
    ],
    repaired: { 'acme / calls': '42', 'neighbour / calls': '7' },
  },
  {
    code: 'unsupported_kind',
    kind: 'metrics',
    how: 'an exponential histogram, whose sum is usage',
    dimension: 'seconds',
    given: (id) => [dimension(id, { unit: 'min' })],
    good: () => [point({ dimension: 'seconds', customer: 'neighbour' }, { unit: 's' }, { value: 420n })],
    faulty: (names) => [point(names, { kind: 'exponentialHistogram', unit: 's' }, { count: 42n, sum: 4.5 })],
    listed: { quantity: null },
    counted: { 'neighbour / seconds': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            value: 'sum',
          }),
        ],
      },
    ],
    repaired: { 'acme / seconds': '0.075', 'neighbour / seconds': '7' },
  },
  {
    code: 'unsupported_kind',
    kind: 'metrics',
    how: 'a summary, whose count grows from a reading that is billed by hand',
    dimension: 'summary',
    faulty: (names) => [
      point(names, { kind: 'summary', unit: 's' }, { count: 10n, sum: 1, time: NOW }),
      point(names, { kind: 'summary', unit: 's' }, { count: 25n, sum: 2, time: NOW + SECOND }),
    ],
    listed: { quantity: null },
    counted: { 'neighbour / summary': '7' },
    repairs: [
      {
        declare: (id) => [
          meter('metrics', id, {
            also: [{ path: 'attributes["usage.customer.id"]', eq: 'acme' }],
            value: 'count',
          }),
        ],
        remains: [{ reason: 'baseline', signals: 1 }],
      },
      { correction: { recordValue: '10' } },
    ],
    repaired: { 'acme / summary': '25', 'neighbour / summary': '7' },
  },
  {
    code: 'negative_monotonic',
    kind: 'metrics',
    how: 'a counter that went down, with the wrong sign',
    dimension: 'negative',
    faulty: (names) => [point(names, {}, { value: -5n })],
    listed: { quantity: '-5' },
    counted: { 'neighbour / negative': '7' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / negative': '5', 'neighbour / negative': '7' },
  },
  {
    code: 'other_temporality',
    kind: 'metrics',
    how: 'running totals of an instrument that sent deltas before, billed by what a person knows',
    dimension: 'temporality',
    good: (names) => [point(names, {}, { value: 3n })],
    faulty: (names) => [point(names, { temporality: 2 }, { value: 8n, time: NOW + SECOND })],
    listed: { quantity: '8' },
    counted: { 'acme / temporality': '3' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / temporality': '8' },
  },
  {
    code: 'mixed_start',
    kind: 'metrics',
    how: 'a running total whose start is lost on the way, billed by what a person knows',
    dimension: 'startless',
    good: (names) => [point(names, { temporality: 2 }, { value: 3n })],
    faulty: (names) => [point(names, { temporality: 2 }, { value: 8n, start: 0n, time: NOW + SECOND })],
    listed: { quantity: '8' },
    counted: { 'acme / startless': '3' },
    repairs: [{ correction: { recordValue: '5', startTime: timeText(NOW) } }],
    repaired: { 'acme / startless': '8' },
  },
  {
    code: 'unknown_dimension',
    kind: 'metrics',
    how: 'a gauge into a dimension that nobody declared, which takes its greatest value then',
    dimension: 'seats',
    good: () => [point({ dimension: 'seats.other', customer: 'neighbour' }, {}, { value: 7n })],
    faulty: (names) => [
      point(names, { kind: 'gauge' }, { value: 12n }),
      point(names, { kind: 'gauge' }, { value: 11n, time: NOW + SECOND }),
    ],
    listed: { quantity: '23' },
    counted: { 'neighbour / seats.other': '7' },
    repairs: [{ declare: (id) => [dimension(id, { aggregation: 'max' })] }],
    repaired: { 'acme / seats': '12, 11', 'neighbour / seats.other': '7' },
    isLevel: true,
  },
  {
    code: 'unknown_dimension',
    kind: 'metrics',
    how: 'an up-down total into a dimension that nobody declared, whose last value is wanted',
    dimension: 'sessions',
    good: () => [point({ dimension: 'sessions.other', customer: 'neighbour' }, {}, { value: 7n })],
    faulty: (names) => [point(names, { temporality: 2, monotonic: false }, { value: -3n })],
    listed: { quantity: '-3' },
    counted: { 'neighbour / sessions.other': '7' },
    repairs: [{ declare: (id) => [dimension(id, { aggregation: 'last' })] }],
    repaired: { 'acme / sessions': '-3', 'neighbour / sessions.other': '7' },
    isLevel: true,
  },
  {
    code: 'wrong_unit',
    kind: 'metrics',
    how: 'a counter in bytes, which is no unit until a meter says what it means',
    dimension: 'bytes',
    given: (id) => [dimension(id, { unit: 'kBy' })],
    good: () => [point({ dimension: 'bytes', customer: 'neighbour' }, { unit: 'By' }, { value: 7000n })],
    faulty: (names) => [point(names, { unit: 'bytes' }, { value: 5500n })],
    listed: { quantity: '5500' },
    counted: { 'neighbour / bytes': '7' },
    repairs: [
      {
        declare: (id) => [meter('metrics', id, { also: [{ path: 'metric.unit', eq: 'bytes' }], unit: 'By' })],
      },
    ],
    repaired: { 'acme / bytes': '5.5', 'neighbour / bytes': '7' },
  },
  {
    code: 'wrong_unit',
    kind: 'logs',
    how: 'a log, whose value has no unit, into a dimension of bytes',
    dimension: 'log_bytes',
    given: (id) => [dimension(id, { unit: 'kBy' }), dimension('log_bytes.other', {})],
    good: () => [log(named({ dimension: 'log_bytes.other', customer: 'neighbour' }))],
    faulty: (names) => [log(named(names, ['usage.value', '1500']))],
    listed: { quantity: '1500' },
    counted: { 'neighbour / log_bytes.other': '1' },
    repairs: [{ declare: (id) => [meter('logs', id, { unit: 'By' })] }],
    repaired: { 'acme / log_bytes': '1.5', 'neighbour / log_bytes.other': '1' },
  },
  {
    code: 'level_into_sum',
    kind: 'metrics',
    how: 'a gauge into a dimension that sums, which takes the last value then',
    dimension: 'storage',
    given: (id) => [dimension(id, { unit: 'GBy' })],
    good: () => [point({ dimension: 'storage.other', customer: 'neighbour' }, {}, { value: 7n })],
    faulty: (names) => [point(names, { kind: 'gauge', unit: 'By' }, { value: 2_500_000_000n })],
    listed: { quantity: '2.5' },
    counted: { 'neighbour / storage.other': '7' },
    repairs: [{ declare: (id) => [dimension(id, { aggregation: 'last' })] }],
    repaired: { 'acme / storage': '2.5', 'neighbour / storage.other': '7' },
    isLevel: true,
  },
  {
    code: 'credits_not_allowed',
    kind: 'metrics',
    how: 'differences that go both ways, into a dimension that takes credits then',
    dimension: 'credits',
    given: (id) => [dimension(id, {})],
    faulty: (names) => [
      point(names, { monotonic: false }, { value: 9n }),
      point(names, { monotonic: false }, { value: -4n, start: NOW, time: NOW + SECOND }),
    ],
    listed: { quantity: '5' },
    counted: { 'neighbour / credits': '7' },
    repairs: [{ declare: (id) => [dimension(id, { creditsAllowed: true })] }],
    repaired: { 'acme / credits': '5', 'neighbour / credits': '7' },
  },
  {
    code: 'credits_not_allowed',
    kind: 'logs',
    how: 'a log that takes back, into a dimension that takes credits then',
    dimension: 'refunds',
    faulty: (names) => [log(named(names, ['usage.value', '-2.5']))],
    listed: { quantity: '-2.5' },
    counted: { 'neighbour / refunds': '7' },
    repairs: [{ declare: (id) => [dimension(id, { creditsAllowed: true })] }],
    repaired: { 'acme / refunds': '-2.5', 'neighbour / refunds': '7' },
  },
  {
    code: 'event_conflict',
    kind: 'logs',
    how: 'an event id that was given to two logs, which are both billed',
    dimension: 'orders',
    good: (names) => [log(named(names, ['usage.event.id', `${names.dimension} 1`], ['usage.value', 3n]))],
    faulty: (names) => [log(named(names, ['usage.event.id', `${names.dimension} 1`], ['usage.value', 5n]))],
    listed: { quantity: '5' },
    counted: { 'acme / orders': '3' },
    repairs: [{ correction: { customerId: 'acme' } }],
    repaired: { 'acme / orders': '8' },
  },
  {
    code: 'event_conflict',
    kind: 'traces',
    how: 'a span that is exported again with another end, whose difference is billed',
    dimension: 'spans',
    good: (names) => [span(names.dimension, named(names, ['usage.value', 3n]))],
    faulty: (names) => [span(names.dimension, named(names, ['usage.value', 4.5]), { end: NOW + SECOND })],
    listed: { quantity: '4.5' },
    counted: { 'acme / spans': '3' },
    repairs: [{ correction: { recordValue: 1.5 } }],
    repaired: { 'acme / spans': '4.5' },
  },
  {
    code: 'baseline',
    kind: 'metrics',
    how: 'the first reading of an exporter that began before, billed by hand',
    dimension: 'baseline',
    good: (names) => [point(names, { temporality: 2 }, { value: 225n, start: NOW, time: NOW + SECOND })],
    faulty: (names) => [point(names, { temporality: 2 }, { value: 100n, start: NOW, time: NOW })],
    listed: { quantity: '100' },
    counted: { 'acme / baseline': '125' },
    repairs: [{ correction: { recordValue: '100' } }],
    repaired: { 'acme / baseline': '225' },
  },
  {
    code: 'before_baseline',
    kind: 'metrics',
    how: 'a reading that comes late, from before a baseline that was billed by hand',
    dimension: 'before_baseline',
    settled: (names) => [point(names, { temporality: 2 }, { value: 100n, start: 0n, time: NOW })],
    good: (names) => [point(names, { temporality: 2 }, { value: 110n, start: 0n, time: NOW + SECOND })],
    faulty: (names) => [point(names, { temporality: 2 }, { value: 40n, start: 0n, time: NOW - SECOND })],
    listed: { quantity: '40' },
    counted: { 'acme / before_baseline': '110' },
    repairs: [{ correction: { recordValue: '5' } }],
    repaired: { 'acme / before_baseline': '115' },
  },
  {
    code: 'id_too_long',
    kind: 'metrics',
    how: 'a counter whose customer has more than 1,024 characters',
    dimension: 'long_customer',
    faulty: (names) => [point({ ...names, customer: `${names.customer}${LONG}` }, {}, { value: 5n })],
    listed: { customerId: `acme${LONG}`.slice(0, 1024), quantity: '5' },
    counted: { 'neighbour / long_customer': '7' },
    repairs: [{ correction: { customerId: 'acme' } }],
    repaired: { 'acme / long_customer': '5', 'neighbour / long_customer': '7' },
  },
  {
    code: 'id_too_long',
    kind: 'logs',
    how: 'a log whose dimension has more than 1,024 characters',
    dimension: 'long_dimension',
    faulty: (names) => [
      log(named({ ...names, dimension: `${names.dimension}${LONG}` }, ['usage.value', 5n])),
    ],
    listed: { dimensionId: `long_dimension${LONG}`.slice(0, 1024), quantity: '5' },
    counted: { 'neighbour / long_dimension': '7' },
    repairs: [{ correction: { dimensionId: 'long_dimension' } }],
    repaired: { 'acme / long_dimension': '5', 'neighbour / long_dimension': '7' },
  },

  // The last one, because it changes the settings.
  {
    code: 'time_in_future',
    kind: 'metrics',
    how: 'a counter of a clock that is a day ahead, which is allowed then',
    dimension: 'tomorrow',
    faulty: (names) => [point(names, {}, { value: 5n, time: NOW + 24n * HOUR })],
    listed: { quantity: '5' },
    counted: { 'neighbour / tomorrow': '7' },
    repairs: [{ settings: FUTURE_ALLOWED }],
    repaired: { 'acme / tomorrow': '5', 'neighbour / tomorrow': '7' },
  },
];

/** The 7 of a customer who does everything right. */
export function neighbour({ kind, dimension }: QuarantineCase): Entry {
  const names = { dimension, customer: 'neighbour' };
  switch (kind) {
    case 'metrics':
      return point(names, { resource: [...WRITER, ['host.name', 'a']] }, { value: 7n });
    case 'logs':
      return log(named(names, ['usage.value', 7n]));
    case 'traces':
      return span(`${dimension} of a neighbour`, named(names, ['usage.value', '7']));
  }
}
