/**
 * What is known at an instant of journal order: customers, dimensions, meters, settings, and the temporality of each
 * instrument. Signals are judged against it as they arrive; replaying the journal from a stored registry judges them
 * the same.
 */
import { type Change, DEFAULT_SETTINGS, type LedgerChange, type Settings } from '../../storage/changes.ts';
import type { RegistrySnapshot } from '../../storage/ledger.ts';
import { BuiltinMeter } from './builtin-meter.ts';
import type { Meter } from './claims.ts';
import { compileMeter, type MeterRule, parseMeterRule, resourceCustomerPaths } from './rules/index.ts';

const LEVEL_AGGREGATIONS: ReadonlySet<string> = new Set([
  'max',
  'min',
  'last',
  'average',
  'time_weighted',
  'time_integral',
]);

/** Whether levels (gauges, non-monotonic totals) mean something under the aggregation. */
export function takesLevels(aggregation: string): boolean {
  return LEVEL_AGGREGATIONS.has(aggregation);
}

/** What judging needs of a dimension. */
export interface KnownDimension {
  id: string;
  /** UCUM; empty = 1. */
  unit: string;
  aggregation: string;
  creditsAllowed: boolean;
}

interface MeterEntry {
  version: number;
  /** JSON. */
  rule: string;
  sinceUnixNano: bigint;
  deleted: boolean;
}

type Contents = Omit<RegistrySnapshot, 'dimensions'> & { dimensions: Iterable<KnownDimension> };

/** A change that cannot be made, for what is known now. */
export class ChangeError extends Error {
  readonly code = 'CHANGE_REFUSED';
  readonly retryable = false;
  constructor(message: string) {
    super(message);
    this.name = 'ChangeError';
  }
}

export class Registry {
  readonly customers: Set<string>;
  readonly dimensions = new Map<string, KnownDimension>();
  readonly instruments = new Map<string, 1 | 2>();
  /** By the id of a deleted dimension that has usage: the unit of it. */
  readonly #keptUnits: Map<string, string>;
  readonly #aliases: Map<string, string>;
  readonly #meterEntries = new Map<string, MeterEntry>();
  #meters: readonly Meter[] = [];
  settings: Settings;
  /** Moves on whenever a judgement made earlier may come out otherwise now. */
  version = 0;
  /** Moves on whenever other meters, or another customer, may claim what was claimed earlier. */
  attributionVersion = 0;

  constructor(contents: Partial<Contents> = {}) {
    this.customers = new Set(contents.customers);
    this.#aliases = new Map(contents.aliases);
    this.#keptUnits = new Map(contents.keptUnits);
    for (const dimension of contents.dimensions ?? []) this.dimensions.set(dimension.id, dimension);
    for (const { hash, temporality } of contents.instruments ?? []) this.instruments.set(hash, temporality);
    for (const { id, ...entry } of contents.meters ?? []) this.#meterEntries.set(id, entry);
    this.settings = contents.settings ?? DEFAULT_SETTINGS;
    this.#meters = compileMeters(this.#meterEntries);
  }

  /** Those that are asked about each signal, in this order; a meter comes before those that it replaces. */
  get meters(): readonly Meter[] {
    return this.#meters;
  }

  /** The customer that an id means, known or not. */
  customerOf(id: string): string {
    return this.#aliases.get(id) ?? id;
  }

  /** @returns false if it was known */
  discoverCustomer(customerId: string): boolean {
    if (this.customers.has(customerId)) return false;
    this.customers.add(customerId);
    return true;
  }

  /** The unit of what is counted for a dimension; undefined where nothing was, and nobody said one. */
  unitOf(dimensionId: string): string | undefined {
    return this.dimensions.get(dimensionId)?.unit ?? this.#keptUnits.get(dimensionId);
  }

  /**
   * @param unit of the usage that comes for it; {@link judge} has let it pass
   * @returns the unit that the dimension has from now on; null if it was known
   */
  discoverDimension(dimensionId: string, unit: string): string | null {
    if (this.dimensions.has(dimensionId)) return null;
    const holding = this.#keptUnits.get(dimensionId) ?? unit;
    this.dimensions.set(dimensionId, {
      id: dimensionId,
      unit: holding,
      aggregation: 'sum',
      creditsAllowed: false,
    });
    this.version += 1;
    return holding;
  }

  /** Declares the temporality of an instrument unless it has one. @returns the one that holds, and if it is new */
  declareInstrument(hash: string, temporality: 1 | 2): { temporality: 1 | 2; declared: boolean } {
    const known = this.instruments.get(hash);
    if (known !== undefined) return { temporality: known, declared: false };
    this.instruments.set(hash, temporality);
    return { temporality, declared: true };
  }

  /**
   * What changes would break, each made after those before it; nothing is changed.
   * @throws ChangeError
   */
  check(changes: readonly Change[]): void {
    const aliases = new Map(this.#aliases);
    for (const change of changes) {
      switch (change.type) {
        case 'customer_put': {
          const { customer } = change;
          checkAliases(customer, aliases);
          dropAliases(customer.id, aliases);
          for (const alias of customer.aliases) aliases.set(alias, customer.id);
          break;
        }
        case 'customer_deleted':
          dropAliases(change.id, aliases);
          break;
        case 'meter_put':
          compileMeter(parseMeterRule(change.rule), { version: 0, sinceUnixNano: 0n });
          break;
        default:
      }
    }
  }

  /**
   * Makes a change that {@link check} has let pass.
   * @returns what the ledger has to know of it; null for a replay of quarantined signals, which has yet to be judged
   */
  apply(change: Change, receivedAtUnixNano: bigint): LedgerChange | null {
    switch (change.type) {
      case 'customer_put': {
        const { id, aliases } = change.customer;
        const changesAliases = dropAliases(id, this.#aliases) || aliases.length > 0;
        for (const alias of aliases) {
          this.#aliases.set(alias, id);
          this.customers.delete(alias);
        }
        this.customers.add(id);
        this.version += 1;
        if (changesAliases) this.attributionVersion += 1;
        return change;
      }
      case 'customer_deleted':
        dropAliases(change.id, this.#aliases);
        this.customers.delete(change.id);
        this.attributionVersion += 1;
        return change;
      case 'dimension_put': {
        const { id, unit, aggregation, creditsAllowed } = change.dimension;
        this.dimensions.set(id, { id, unit, aggregation, creditsAllowed });
        this.#keptUnits.delete(id);
        this.version += 1;
        return change;
      }
      case 'dimension_deleted':
        this.dimensions.delete(change.id);
        if (change.keptUnit === undefined) this.#keptUnits.delete(change.id);
        else this.#keptUnits.set(change.id, change.keptUnit);
        this.attributionVersion += 1;
        return change;
      case 'meter_put':
        return this.#putMeter(change, receivedAtUnixNano);
      case 'meter_deleted': {
        const entry = this.#meterEntries.get(change.id);
        if (entry !== undefined) this.#meterEntries.set(change.id, { ...entry, deleted: true });
        this.#meters = compileMeters(this.#meterEntries);
        this.attributionVersion += 1;
        return change;
      }
      case 'settings_put':
        this.settings = change.settings;
        this.version += 1;
        return change;
      case 'quarantine_dismissed':
      case 'record_corrected':
      case 'period_closed':
      case 'statement_reopened':
        return change;
      case 'quarantine_replayed':
        return null;
    }
  }

  #putMeter(
    { id, rule, managedBy }: Extract<Change, { type: 'meter_put' }>,
    receivedAtUnixNano: bigint,
  ): LedgerChange {
    const known = this.#meterEntries.get(id);
    const entry: MeterEntry = {
      version: (known?.version ?? 0) + 1,
      rule: JSON.stringify(rule),
      sinceUnixNano:
        known !== undefined &&
        !known.deleted &&
        goesOn(parseMeterRule(JSON.parse(known.rule)), parseMeterRule(rule))
          ? known.sinceUnixNano
          : receivedAtUnixNano,
      deleted: false,
    };
    this.#meterEntries.set(id, entry);
    this.#meters = compileMeters(this.#meterEntries);
    this.attributionVersion += 1;
    const { version, sinceUnixNano } = entry;
    return { type: 'meter_put', id, version, rule: entry.rule, managedBy, sinceUnixNano };
  }
}

/** @throws ChangeError where an id or an alias of the customer means another one */
function checkAliases(
  { id, aliases }: { id: string; aliases: readonly string[] },
  known: ReadonlyMap<string, string>,
): void {
  const owner = known.get(id);
  if (owner !== undefined) throw new ChangeError(`"${id}" is an alias of customer "${owner}"`);
  const owners = aliases.length === 0 ? null : new Set(known.values());
  for (const alias of aliases) {
    if (alias === id) throw new ChangeError(`customer "${id}" cannot be its own alias`);
    const other = known.get(alias);
    if (other !== undefined && other !== id)
      throw new ChangeError(`alias "${alias}" already means customer "${other}"`);
    // An alias means a customer at once, never by way of another alias.
    if (owners!.has(alias)) throw new ChangeError(`"${alias}" cannot be an alias: it has aliases of its own`);
  }
}

/** @returns whether the customer had any */
function dropAliases(customerId: string, aliases: Map<string, string>): boolean {
  let dropped = false;
  for (const [alias, id] of aliases) {
    if (id !== customerId) continue;
    aliases.delete(alias);
    dropped = true;
  }
  return dropped;
}

/** Whether the running totals of a meter go on under its new rule. What they grew by while it was off is not counted. */
function goesOn(before: MeterRule, after: MeterRule): boolean {
  return before.enabled && measureOf(before) === measureOf(after);
}

/** What a running total of the meter is made of. Where it changes, totals that began before are none of the new one's. */
function measureOf(rule: MeterRule): string {
  const { signals, dimension, value, unit, temporality, startTime } = rule;
  const isOfMetrics = signals.includes('metrics');
  return JSON.stringify([
    isOfMetrics,
    dimension,
    value,
    unit,
    temporality,
    startTime,
    resourceCustomerPaths(rule),
  ]);
}

function compileMeters(entries: ReadonlyMap<string, MeterEntry>): Meter[] {
  const compiled: Meter[] = [];
  for (const { version, rule, sinceUnixNano, deleted } of entries.values()) {
    if (deleted) continue;
    const parsed = parseMeterRule(JSON.parse(rule));
    if (parsed.enabled) compiled.push(compileMeter(parsed, { version, sinceUnixNano }));
  }
  compiled.sort((a, b) => (a.id < b.id ? -1 : 1));
  return inOrderOfReplacement([...compiled, new BuiltinMeter()]);
}

/** Each meter before those that it replaces; meters that replace each other stay in their order. */
function inOrderOfReplacement(meters: readonly Meter[]): Meter[] {
  const ordered: Meter[] = [];
  const visited = new Set<Meter>();
  const visit = (meter: Meter): void => {
    if (visited.has(meter)) return;
    visited.add(meter);
    for (const other of meters) if (other.replaces.includes(meter.id)) visit(other);
    ordered.push(meter);
  };
  for (const meter of meters) visit(meter);
  return ordered;
}
