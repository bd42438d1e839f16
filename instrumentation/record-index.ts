/**
 * A faster way from a record to its series than the series' key. Building and hashing that long text is most of what
 * a record would cost (about 1 of 1.5 µs); the texts in a record, on the other hand, nearly always were seen before.
 */
import type { Usage } from './usage-record.ts';

/** Beyond so many ways per series to write the same metadata, further ones are not remembered. */
const MAX_ORDERS = 4;

/**
 * Each text, number and boolean of known records has a short name of two UTF-16 units, and a record is found by the
 * short names of its parts, in the order in which the caller wrote them. Only records that were let in are remembered,
 * so it has no more entries than their series have parts.
 */
export class RecordIndex<Series> {
  readonly #names = new Map<unknown, string>();
  readonly #series = new Map<string, Series>();
  readonly #distinct = new Set<Series>();

  /** The series of a record that looks like one remembered, else undefined. */
  find(usage: Usage): Series | undefined {
    const names = this.#names;
    const dimension = names.get(usage.dimension);
    const customer = names.get(usage.customer);
    if (dimension === undefined || customer === undefined) return undefined;
    let key = dimension + customer;
    const { metadata } = usage;
    if (metadata !== undefined && metadata !== null) {
      if (typeof metadata !== 'object') return undefined;
      for (const name of Object.keys(metadata)) {
        const value = metadata[name];
        if (value === undefined || value === null) continue;
        const shortName = names.get(name);
        const shortValue = names.get(value);
        if (shortName === undefined || shortValue === undefined) return undefined;
        key += shortName + shortValue;
      }
    }
    return this.#series.get(key);
  }

  /** @param usage a record that was found valid */
  remember(usage: Usage, series: Series): void {
    this.#distinct.add(series);
    if (this.#series.size >= this.#distinct.size * MAX_ORDERS) return;
    let key = this.#name(usage.dimension) + this.#name(usage.customer);
    for (const [name, value] of Object.entries(usage.metadata ?? {})) {
      if (value !== undefined && value !== null) key += this.#name(name) + this.#name(value);
    }
    this.#series.set(key, series);
  }

  /** A Map tells "1" from 1 and true from "true", as the series does. */
  #name(part: string | number | boolean): string {
    let name = this.#names.get(part);
    if (name === undefined) {
      const number = this.#names.size;
      name = String.fromCharCode(number & 0xffff, number >>> 16);
      this.#names.set(part, name);
    }
    return name;
  }
}
