import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configChanges, type FileResources, type PresentResources } from '../../receiver/config-changes.ts';
import { parseConfigFile } from '../../receiver/config-file.ts';
import { Registry } from '../../receiver/metering/registry.ts';
import { type Change, ChangeRequest, DEFAULT_SETTINGS } from '../../storage/changes.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../storage/resources.ts';

const EMPTY: PresentResources = { customers: [], dimensions: [], meters: [], settings: DEFAULT_SETTINGS };

/** What is known after the changes, each of which the registry itself must let pass. Rules go through JSON, as stored. */
function changed(present: PresentResources, changes: Change[]): PresentResources {
  const customers = new Map(present.customers.map((customer) => [customer.id, customer]));
  const dimensions = new Map(present.dimensions.map((dimension) => [dimension.id, dimension]));
  const meters = new Map(present.meters.map((meter) => [meter.id, meter]));
  let { settings } = present;
  const registry = new Registry({
    customers: present.customers.map(({ id }) => id),
    aliases: present.customers.flatMap(({ id, aliases }) =>
      aliases.map((alias): [string, string] => [alias, id]),
    ),
  });
  // As the journal keeps them.
  const stored =
    changes.length === 0 ? [] : ChangeRequest.parse(JSON.parse(JSON.stringify({ changes }))).changes;
  registry.check(stored);
  for (const change of stored) {
    registry.apply(change, 1n);
    if (change.type === 'settings_put') settings = change.settings;
    if (change.type === 'customer_put')
      customers.set(change.customer.id, { ...change.customer, managedBy: change.managedBy });
    if (change.type === 'customer_deleted') customers.delete(change.id);
    if (change.type === 'dimension_put')
      dimensions.set(change.dimension.id, { ...change.dimension, managedBy: change.managedBy });
    if (change.type === 'dimension_deleted') dimensions.delete(change.id);
    if (change.type === 'meter_put')
      meters.set(change.id, { id: change.id, rule: change.rule, managedBy: change.managedBy });
    if (change.type === 'meter_deleted') meters.delete(change.id);
  }
  return {
    customers: [...customers.values()],
    dimensions: [...dimensions.values()],
    meters: [...meters.values()],
    settings,
  };
}

/** `customer_put a`, for tables. */
function named(changes: Change[]): string[] {
  return changes.map((change) => {
    switch (change.type) {
      case 'customer_put':
        return `customer_put ${change.customer.id} ${change.customer.aliases.join('+')}`.trim();
      case 'dimension_put':
        return `dimension_put ${change.dimension.id}`;
      case 'settings_put':
        return 'settings_put';
      default:
        return `${change.type} ${'id' in change ? change.id : ''}`;
    }
  });
}

const read = (text: string): FileResources => parseConfigFile('f', text);
const METER =
  '{ id: m, signals: [spans], match: { all: [{ path: name, eq: x }] }, customer: \'attributes["c"]\', dimension: d }';

describe('from one file to the next', () => {
  test.each([
    // before, after, changes
    ['', '', []],
    ['', 'discovery: off', ['settings_put']],
    ['discovery: off', '', ['settings_put']],
    ['maxFuture: 10m', 'maxFuture: 600', []],
    ['', 'dimensions: [{ id: a }]', ['dimension_put a']],
    ['dimensions: [{ id: a }]', 'dimensions: [{ id: a }]', []],
    ['dimensions: [{ id: a }]', 'dimensions: [{ unit: 1, id: a, aggregation: sum }]', []],
    ['dimensions: [{ id: a }]', 'dimensions: [{ id: a, unitPrice: 2 }]', ['dimension_put a']],
    ['dimensions: [{ id: a }, { id: b }]', 'dimensions: [{ id: b }]', ['dimension_deleted a']],
    ['customers: [{ id: a, aliases: [x, y] }]', 'customers: [{ id: a, aliases: [y, x] }]', []],
    [
      'customers: [{ id: a, metadata: { p: 1, q: 2 } }]',
      'customers: [{ id: a, metadata: { q: 2, p: 1 } }]',
      [],
    ],
    ['customers: [{ id: a, metadata: { p: 1 } }]', 'customers: [{ id: a }]', ['customer_put a']],
    ['customers: [{ id: a }]', '', ['customer_deleted a']],
    [`meters: [${METER}]`, `meters: [${METER.replace('id: m,', 'id: m, enabled: true,')}]`, []],
    [`meters: [${METER}]`, `meters: [${METER.replace('eq: x', 'eq: z')}]`, ['meter_put m']],
    [`meters: [${METER}]\ndimensions: [{ id: d }]`, '', ['meter_deleted m', 'dimension_deleted d']],
    ['', `meters: [${METER}]\ndimensions: [{ id: d }]`, ['dimension_put d', 'meter_put m']],
    [
      'packs: [http_server]',
      '',
      ['meter_deleted http.server.requests', 'dimension_deleted http.server.requests'],
    ],
    // Aliases that change hands
    [
      'customers: [{ id: a }, { id: b, aliases: [x] }]',
      'customers: [{ id: a, aliases: [x] }, { id: b }]',
      ['customer_put b', 'customer_put a x'],
    ],
    [
      'customers: [{ id: a, aliases: [x] }, { id: b, aliases: [y] }]',
      'customers: [{ id: a, aliases: [y] }, { id: b, aliases: [x] }]',
      ['customer_put a', 'customer_put b', 'customer_put a y', 'customer_put b x'],
    ],
    [
      'customers: [{ id: a, aliases: [b] }]',
      'customers: [{ id: b, aliases: [a] }]',
      ['customer_deleted a', 'customer_put b a'],
    ],
    [
      'customers: [{ id: a, aliases: [b] }]',
      'customers: [{ id: b }, { id: a }]',
      ['customer_put a', 'customer_put b'],
    ],
  ])('%s → %s', (before, next, expected) => {
    const present = changed(EMPTY, configChanges(read(before), EMPTY));
    const changes = configChanges(read(next), present);
    expect(named(changes)).toEqual(expected);
    expect(configChanges(read(next), changed(present, changes))).toEqual([]);
  });
});

describe('what others have made', () => {
  const customer = CustomerDeclaration.parse({ id: 'a' });
  const dimension = DimensionDeclaration.parse({ id: 'd' });
  const present: PresentResources = {
    customers: [
      { ...customer, managedBy: 'api' },
      { ...customer, id: 'found', managedBy: null },
    ],
    dimensions: [
      { ...dimension, managedBy: 'api' },
      { ...dimension, id: 'found', managedBy: null },
    ],
    meters: [{ id: 'm', rule: {}, managedBy: 'api' }],
    settings: DEFAULT_SETTINGS,
  };

  test('stays', () => {
    expect(configChanges(read(''), present)).toEqual([]);
  });

  test('becomes the file’s when the file declares it, as it is or otherwise', () => {
    const changes = configChanges(
      read(
        `customers: [{ id: a }, { id: found }]\ndimensions: [{ id: d }, { id: found }]\nmeters: [${METER}]`,
      ),
      present,
    );
    expect(named(changes)).toEqual([
      'customer_put a',
      'customer_put found',
      'dimension_put d',
      'dimension_put found',
      'meter_put m',
    ]);
    expect(changes.every((change) => 'managedBy' in change && change.managedBy === 'file')).toBe(true);
  });

  test('fields that the ledger knows besides make no difference', () => {
    const known = {
      ...EMPTY,
      customers: [{ ...customer, managedBy: 'file' as const, discovered: false, createdAt: 1 }],
      dimensions: [{ ...dimension, managedBy: 'file' as const, discovered: true }],
    };
    expect(configChanges(read('customers: [{ id: a }]\ndimensions: [{ id: d }]'), known)).toEqual([]);
  });

  test('a rule stored by a release that knew fewer fields is the same rule', () => {
    const { meters } = read(`meters: [${METER}]`);
    const { replaces: _replaces, overflow: _overflow, ...older } = meters[0];
    const known = { ...EMPTY, meters: [{ id: 'm', rule: older, managedBy: 'file' as const }] };
    expect(configChanges({ ...read(''), meters }, known)).toEqual([]);
  });
});

/** Customers of few names, so that ids and aliases meet. */
const customers = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { maxLength: 7 })
  .chain((names) =>
    fc.array(fc.nat({ max: 2 }), { minLength: names.length, maxLength: names.length }).map((owners) => {
      const declared: CustomerDeclaration[] = [];
      for (const [index, name] of names.entries()) {
        const owner = declared[owners[index]];
        if (owners[index] === 2 || owner === undefined)
          declared.push(CustomerDeclaration.parse({ id: name }));
        else owner.aliases.push(name);
      }
      return declared;
    }),
  );

test('any file after any other ends as it says, and then changes nothing', () => {
  fc.assert(
    fc.property(customers, customers, (first, second) => {
      const before = changed(EMPTY, configChanges({ ...read(''), customers: first }, EMPTY));
      const file = { ...read(''), customers: second };
      const present = changed(before, configChanges(file, before));
      const plain = (list: readonly CustomerDeclaration[]) =>
        list.map(({ id, aliases }) => `${id} ${aliases.toSorted().join('+')}`).sort();
      expect(plain(present.customers)).toEqual(plain(second));
      expect(configChanges(file, present)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
