/**
 * What is known at an instant of journal order: customers, dimensions, and the temporality of each instrument.
 * Points are judged against it as they arrive; replaying the journal from a stored registry judges them the same.
 */

export type Aggregation =
  | 'sum'
  | 'count'
  | 'max'
  | 'min'
  | 'last'
  | 'average'
  | 'unique'
  | 'time_weighted'
  | 'time_integral';

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

export interface Dimension {
  id: string;
  /** UCUM; empty = 1. */
  unit: string;
  aggregation: string;
  creditsAllowed: boolean;
}

export interface RegistryContents {
  customers: Iterable<string>;
  dimensions: Iterable<Dimension>;
  instruments: Iterable<{ hash: string; temporality: 1 | 2 }>;
}

export class Registry {
  readonly customers: Set<string>;
  readonly dimensions: Map<string, Dimension>;
  readonly instruments: Map<string, 1 | 2>;
  /** Moves on whenever a judgement made earlier may come out otherwise now. */
  version = 0;

  constructor(contents: RegistryContents = { customers: [], dimensions: [], instruments: [] }) {
    this.customers = new Set(contents.customers);
    this.dimensions = new Map();
    for (const dimension of contents.dimensions) this.dimensions.set(dimension.id, dimension);
    this.instruments = new Map();
    for (const instrument of contents.instruments)
      this.instruments.set(instrument.hash, instrument.temporality);
  }

  /** @returns false if it was known */
  discoverCustomer(customerId: string): boolean {
    if (this.customers.has(customerId)) return false;
    this.customers.add(customerId);
    return true;
  }

  /** @returns false if it was known */
  discoverDimension(dimensionId: string, unit: string): boolean {
    if (this.dimensions.has(dimensionId)) return false;
    this.dimensions.set(dimensionId, { id: dimensionId, unit, aggregation: 'sum', creditsAllowed: false });
    this.version += 1;
    return true;
  }

  /** Declares the temporality of an instrument unless it has one. @returns the one that holds, and if it is new */
  declareInstrument(hash: string, temporality: 1 | 2): { temporality: 1 | 2; declared: boolean } {
    const known = this.instruments.get(hash);
    if (known !== undefined) return { temporality: known, declared: false };
    this.instruments.set(hash, temporality);
    return { temporality, declared: true };
  }
}
