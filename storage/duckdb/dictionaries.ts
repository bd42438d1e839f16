/**
 * The integer keys of customers, dimensions, contexts and series: those that are stored, and new ones for what comes.
 */
import { hash } from 'node:crypto';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { ContextDefinition, RegistryEvent, SlotDefinition } from '../ledger-batch.ts';
import { ROLE_CUMULATIVE, ROLE_DELTA, ROLE_EVENT, ROLE_LEVEL } from './schema.ts';
import { SeriesFilter } from './series-filter.ts';
import { NO_KEY } from './slot-table.ts';
import { TableAppender } from './table-appender.ts';

const ROLES = { delta: ROLE_DELTA, cumulative: ROLE_CUMULATIVE, level: ROLE_LEVEL, event: ROLE_EVENT };

/** A slot with its keys; `isNew` = no point of the series was ever stored. */
export interface ResolvedSlot {
  definition: SlotDefinition;
  context: ContextDefinition;
  series: number;
  customer: number;
  dimension: number;
  isNew: boolean;
}

const ROWS_PER_INSERT = 1000;

export class Dictionaries {
  readonly #connection: DuckDBConnection;
  readonly #seriesRows: TableAppender;
  readonly #contextRows: TableAppender;
  readonly #filter = new SeriesFilter();
  readonly #customerKeys = new Map<string, number>();
  readonly #customerIds: string[] = [];
  readonly #dimensionKeys = new Map<string, number>();
  readonly #dimensionIds: string[] = [];
  /** Declared by frames behind the position, which come again after a crash. */
  readonly #instrumentsAhead = new Set<string>();
  #nextSeries = 1;
  #nextContext = 1;
  /** By the main thread's numbers. The ledger's own key comes when a series needs it. */
  readonly #contexts = new Map<number, { definition: ContextDefinition; key: number }>();

  private constructor(connection: DuckDBConnection, seriesRows: TableAppender, contextRows: TableAppender) {
    this.#connection = connection;
    this.#seriesRows = seriesRows;
    this.#contextRows = contextRows;
  }

  static async open(connection: DuckDBConnection): Promise<Dictionaries> {
    const dictionaries = new Dictionaries(
      connection,
      await TableAppender.create(
        connection,
        [null, 'stored', 'series'],
        [4, 16, 4, 4, 4, 1, 'text', 4, 'text'],
      ),
      await TableAppender.create(
        connection,
        [null, 'stored', 'contexts'],
        [4, 16, 'text', 'text', 'text', 'text', 'text', 'text', 'text', 1, 1, 1],
      ),
    );
    await dictionaries.#read();
    return dictionaries;
  }

  /** The key of a customer; {@link NO_KEY} if it is unknown. */
  customerKey(id: string | null): number {
    return id === null ? NO_KEY : (this.#customerKeys.get(id) ?? NO_KEY);
  }

  customerId(key: number): string {
    return this.#customerIds[key];
  }

  dimensionKey(id: string | null): number {
    return id === null ? NO_KEY : (this.#dimensionKeys.get(id) ?? NO_KEY);
  }

  dimensionId(key: number): string {
    return this.#dimensionIds[key];
  }

  /** Forgets the main thread's numbers. */
  forgetContexts(): void {
    this.#contexts.clear();
  }

  /** Applies what the interpretation of frames found out. */
  async apply(events: readonly RegistryEvent[]): Promise<void> {
    const customers: DuckDBValue[][] = [];
    const dimensions: DuckDBValue[][] = [];
    const instruments: DuckDBValue[][] = [];
    for (const event of events) {
      const sequence = BigInt(event.sequence);
      if (event.type === 'customer_discovered') {
        if (this.#customerKeys.has(event.customerId)) continue;
        customers.push([this.#addCustomer(event.customerId), event.customerId, sequence]);
      } else if (event.type === 'dimension_discovered') {
        if (this.#dimensionKeys.has(event.dimensionId)) continue;
        dimensions.push([this.#addDimension(event.dimensionId), event.dimensionId, event.unit, sequence]);
      } else if (!this.#instrumentsAhead.has(event.instrumentHash)) {
        instruments.push([String(BigInt(`0x${event.instrumentHash}`)), event.temporality, sequence]);
      }
    }
    await this.#insert(
      `stored.customers SELECT $1, $2, NULL, NULL, NULL, [], '{}', true, NULL, false, false, $3`,
      customers,
    );
    await this.#insert(
      `stored.dimensions SELECT $1, $2, NULL, $3, 'sum', NULL, NULL, 'none', NULL, NULL, NULL, false, true, NULL,
        false, false, $4`,
      dimensions,
    );
    await this.#insert('stored.instruments SELECT $1::UHUGEINT, $2, $3', instruments);
  }

  /**
   * Inserts many rows with few statements: each INSERT takes a block of memory per column until the commit.
   * @param target table and SELECT list, in which $1, $2, … are a row's values
   */
  async #insert(target: string, rows: readonly DuckDBValue[][]): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const some = rows.slice(from, from + ROWS_PER_INSERT);
      const width = some[0].length;
      const tuples = some.map((_, row) => `(${some[0].map((_, i) => `$${row * width + i + 1}`).join(', ')})`);
      const names = some[0].map((_, i) => `v${i + 1}`).join(', ');
      await this.#connection.run(
        `INSERT INTO ${target.replaceAll('$', 'v')} FROM (VALUES ${tuples.join(', ')}) rows(${names})`,
        some.flat(),
      );
    }
  }

  /** Gives keys to slots, stores series and contexts that are new. Rows wait for {@link flush}. */
  async resolve(
    contexts: readonly ContextDefinition[],
    slots: readonly SlotDefinition[],
  ): Promise<ResolvedSlot[]> {
    for (const definition of contexts) this.#contexts.set(definition.context, { definition, key: NO_KEY });
    if (slots.length === 0) return [];

    const words = new Uint32Array(slots.length * 4);
    const perhapsKnown: number[] = [];
    for (let i = 0; i < slots.length; i++) {
      writeHash(slots[i].seriesHash, words, i * 4);
      if (this.#filter.maybeKnown(words, i * 4)) perhapsKnown.push(i);
    }
    const keys = await this.#lookUp('series', 'series', words, perhapsKnown);

    const unkeyed = new Set<number>();
    for (let i = 0; i < slots.length; i++) {
      const { context } = slots[i];
      if (keys.get(i) === undefined && this.#contexts.get(context)!.key === NO_KEY) unkeyed.add(context);
    }
    if (unkeyed.size > 0) await this.#keyContexts([...unkeyed]);

    return slots.map((definition, i) => {
      const context = this.#contexts.get(definition.context)!;
      const known = keys.get(i);
      const resolved: ResolvedSlot = {
        definition,
        context: context.definition,
        series: known ?? this.#nextSeries++,
        customer: this.customerKey(definition.customerId),
        dimension: this.dimensionKey(definition.dimensionId),
        isNew: known === undefined,
      };
      if (resolved.isNew) {
        this.#filter.add(words, i * 4);
        this.#storeSeries(resolved, context.key, words, i * 4);
      }
      return resolved;
    });
  }

  /** Makes stored series and contexts visible to the connection's transaction. */
  flush(): void {
    this.#contextRows.flush();
    this.#seriesRows.flush();
  }

  /** Forgets what was not flushed, and ends. */
  discard(): void {
    this.#contextRows.discard();
    this.#seriesRows.discard();
  }

  #storeSeries(
    { definition, series, customer, dimension }: ResolvedSlot,
    context: number,
    words: Uint32Array,
    at: number,
  ): void {
    const rows = this.#seriesRows;
    rows.reserve();
    const row = rows.length;
    rows.words(0)[row] = series;
    rows.words(1).set(words.subarray(at, at + 4), row * 4);
    rows.words(2)[row] = context;
    if (customer === NO_KEY) rows.setNull(3);
    else rows.words(3)[row] = customer;
    if (dimension === NO_KEY) rows.setNull(4);
    else rows.words(4)[row] = dimension;
    rows.bytes(5)[row] = ROLES[definition.role];
    rows.setText(6, definition.meterId);
    rows.words(7)[row] = definition.meterVersion;
    rows.setText(8, definition.metadata);
    rows.length += 1;
  }

  async #keyContexts(numbers: number[]): Promise<void> {
    const words = new Uint32Array(numbers.length * 4);
    const texts = numbers.map((number, i) => {
      const { definition } = this.#contexts.get(number)!;
      const columns = [
        definition.resource,
        definition.scopeName,
        definition.scopeVersion,
        definition.metricName,
        definition.unit,
        definition.metricKind,
        definition.temporality,
      ];
      const flags = [definition.monotonic, definition.fromSdk, definition.weakIdentity];
      writeHash(hash('sha256', JSON.stringify([columns, flags])), words, i * 4);
      return { columns, flags };
    });
    const keys = await this.#lookUp('contexts', 'context', words, [...numbers.keys()]);
    const stored = new Map<string, number>();
    for (let i = 0; i < numbers.length; i++) {
      // Two numbers may mean the same context, where only something that we do not store differs.
      const text = words.subarray(i * 4, i * 4 + 4).join(' ');
      const key = keys.get(i) ?? stored.get(text) ?? this.#nextContext++;
      if (!keys.has(i) && !stored.has(text)) {
        stored.set(text, key);
        const rows = this.#contextRows;
        rows.reserve();
        const row = rows.length;
        rows.words(0)[row] = key;
        rows.words(1).set(words.subarray(i * 4, i * 4 + 4), row * 4);
        for (let column = 0; column < 7; column++) rows.setText(2 + column, texts[i].columns[column]);
        for (let flag = 0; flag < 3; flag++) rows.bytes(9 + flag)[row] = texts[i].flags[flag] ? 1 : 0;
        rows.length += 1;
      }
      this.#contexts.get(numbers[i])!.key = key;
    }
  }

  /** The keys of those of the given hashes that are stored, by their index. */
  async #lookUp(
    table: 'series' | 'contexts',
    key: string,
    words: Uint32Array,
    indexes: readonly number[],
  ): Promise<Map<number, number>> {
    const keys = new Map<number, number>();
    if (indexes.length === 0 || (table === 'contexts' ? this.#nextContext : this.#nextSeries) === 1)
      return keys;
    this.flush();
    await this.#connection.run('CREATE OR REPLACE TEMP TABLE wanted_hashes (n INTEGER, hash UHUGEINT)');
    const rows = await TableAppender.create(this.#connection, ['temp', 'main', 'wanted_hashes'], [4, 16]);
    for (const index of indexes) {
      rows.reserve();
      rows.words(0)[rows.length] = index;
      rows.words(1).set(words.subarray(index * 4, index * 4 + 4), rows.length * 4);
      rows.length += 1;
    }
    rows.close();
    const reader = await this.#connection.runAndReadAll(
      `SELECT w.n, t.${key} FROM stored.${table} t JOIN temp.wanted_hashes w USING (hash)`,
    );
    for (const [n, found] of reader.getRows()) keys.set(Number(n), Number(found));
    return keys;
  }

  #addCustomer(id: string, key = Math.max(1, this.#customerIds.length)): number {
    this.#customerKeys.set(id, key);
    this.#customerIds[key] = id;
    return key;
  }

  #addDimension(id: string, key = Math.max(1, this.#dimensionIds.length)): number {
    this.#dimensionKeys.set(id, key);
    this.#dimensionIds[key] = id;
    return key;
  }

  async #read(): Promise<void> {
    const rows = async (sql: string) => (await this.#connection.runAndReadAll(sql)).getRows();
    for (const [key, id] of await rows('SELECT customer, id FROM stored.customers')) {
      this.#addCustomer(String(id), Number(key));
    }
    for (const [key, id] of await rows('SELECT dimension, id FROM stored.dimensions')) {
      this.#addDimension(String(id), Number(key));
    }
    for (const [hash] of await rows(`SELECT lower(lpad(hex(hash), 32, '0')) FROM stored.instruments
      WHERE sequence > (SELECT sequence FROM stored.position)`)) {
      this.#instrumentsAhead.add(String(hash));
    }
    const [[series, context]] = await rows(`SELECT
      (SELECT coalesce(max(series), 0) FROM stored.series), (SELECT coalesce(max(context), 0) FROM stored.contexts)`);
    this.#nextSeries = Number(series) + 1;
    this.#nextContext = Number(context) + 1;

    // The two words of each hash that the filter looks at.
    const result = await this.#connection.stream(
      'SELECT (hash & 4294967295)::UINTEGER, ((hash >> 32) & 4294967295)::UINTEGER FROM stored.series',
    );
    const words = new Uint32Array(4);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const [low, high] = [chunk.getColumnValues(0), chunk.getColumnValues(1)];
      for (let row = 0; row < chunk.rowCount; row++) {
        words[0] = Number(low[row]);
        words[1] = Number(high[row]);
        this.#filter.add(words, 0);
      }
    }
  }
}

/** The first 128 bits of a hash in hex as a UHUGEINT: four words, the lowest first. */
export function writeHash(hex: string, words: Uint32Array, at: number): void {
  for (let word = 0; word < 4; word++) {
    words[at + word] = Number.parseInt(hex.slice(24 - word * 8, 32 - word * 8), 16);
  }
}
