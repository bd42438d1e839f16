/** What a configuration file changes of what the ledger knows. Pure. */
import type { Change, Settings } from '../storage/changes.ts';
import type { CustomerDeclaration, DimensionDeclaration, ManagedBy } from '../storage/resources.ts';
import { MeterRule } from './metering/rules/index.ts';

/** A resource as it is known; nobody manages those that were discovered. */
type Known<T> = T & { managedBy: ManagedBy | null };

/** The ledger's state, without what has been deleted. Fields beyond these do not matter. */
export interface PresentResources {
  customers: readonly Known<CustomerDeclaration>[];
  dimensions: readonly Known<DimensionDeclaration>[];
  /** The rule in force, as it was stored. */
  meters: readonly Known<{ id: string; rule: unknown }>[];
  settings: Settings;
}

/** The part of a configuration file that the ledger keeps. */
export interface FileResources {
  customers: readonly CustomerDeclaration[];
  dimensions: readonly DimensionDeclaration[];
  meters: readonly MeterRule[];
  settings: Settings;
}

/**
 * The changes, in the order in which they have to be made, after which everything in the file is as the file says.
 * Nothing where it is so already. What came from a file and is no longer in it is deleted; what the API or usage itself
 * has made stays, unless the file declares it too: then it is the file's from now on.
 */
export function configChanges(file: FileResources, present: PresentResources): Change[] {
  const changes: Change[] = [];
  if (!isSame(file.settings, present.settings))
    changes.push({ type: 'settings_put', settings: file.settings });
  // A meter goes before its dimension, and comes after it.
  for (const id of forgotten(file.meters, present.meters)) changes.push({ type: 'meter_deleted', id });
  for (const id of forgotten(file.dimensions, present.dimensions))
    changes.push({ type: 'dimension_deleted', id });
  for (const id of forgotten(file.customers, present.customers))
    changes.push({ type: 'customer_deleted', id });
  changes.push(...customerChanges(file.customers, present.customers));

  const dimensions = byId(present.dimensions);
  for (const dimension of file.dimensions) {
    if (!isKept(dimension, dimensions.get(dimension.id)))
      changes.push({ type: 'dimension_put', dimension, managedBy: 'file' });
  }
  const meters = byId(present.meters);
  for (const rule of file.meters) {
    const known = meters.get(rule.id);
    if (known?.managedBy === 'file' && isSame(ruleOf(known.rule), rule)) continue;
    changes.push({ type: 'meter_put', id: rule.id, rule, managedBy: 'file' });
  }
  return changes;
}

function customerChanges(
  declared: readonly CustomerDeclaration[],
  present: readonly Known<CustomerDeclaration>[],
): Change[] {
  const changes: Change[] = [];
  const put = (customer: CustomerDeclaration) =>
    changes.push({ type: 'customer_put', customer, managedBy: 'file' });
  const known = byId(present);
  const owners = new Map<string, string>();
  for (const { id, aliases } of declared) for (const name of [id, ...aliases]) owners.set(name, id);
  // An alias that changes hands is let go by the one before the other takes it, whichever stands first in the file.
  for (const { id } of declared) {
    const before = known.get(id);
    if (before === undefined) continue;
    const { managedBy: _managedBy, ...customer } = before;
    const aliases = customer.aliases.filter((alias) => (owners.get(alias) ?? id) === id);
    if (aliases.length === customer.aliases.length) continue;
    const without = { ...declarationOf(customer), aliases };
    put(without);
    known.set(id, { ...without, managedBy: 'file' });
  }
  for (const customer of declared) {
    if (!isKept(sorted(customer), sortedKnown(known.get(customer.id)))) put(customer);
  }
  return changes;
}

function declarationOf({
  id,
  name,
  email,
  timeZone,
  aliases,
  metadata,
}: CustomerDeclaration): CustomerDeclaration {
  return { id, name, email, timeZone, aliases, metadata };
}

/** Aliases are a set. */
function sorted(customer: CustomerDeclaration): CustomerDeclaration {
  return { ...customer, aliases: customer.aliases.toSorted() };
}

function sortedKnown(
  customer: Known<CustomerDeclaration> | undefined,
): Known<CustomerDeclaration> | undefined {
  return customer === undefined ? undefined : { ...sorted(customer), managedBy: customer.managedBy };
}

/** Ids of what a file has declared and this one does not. */
function forgotten(declared: readonly { id: string }[], present: readonly Known<{ id: string }>[]): string[] {
  const ids = new Set(declared.map(({ id }) => id));
  return present.filter(({ id, managedBy }) => managedBy === 'file' && !ids.has(id)).map(({ id }) => id);
}

function byId<T extends { id: string }>(resources: readonly T[]): Map<string, T> {
  return new Map(resources.map((resource) => [resource.id, resource]));
}

/** Whether the file's declaration is known as it is. What is known may have fields of its own besides. */
function isKept(declared: object, known: (object & { managedBy: ManagedBy | null }) | undefined): boolean {
  if (known?.managedBy !== 'file') return false;
  const fields = Object.keys(declared).map((key) => [key, (known as Record<string, unknown>)[key]]);
  return isSame(declared, Object.fromEntries(fields));
}

/** A rule that was stored by a release with fewer fields gets the defaults of the others. */
function ruleOf(stored: unknown): unknown {
  const parsed = MeterRule.safeParse(stored);
  return parsed.success ? parsed.data : stored;
}

/** Equal as JSON, but for the order of keys. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
