/** The integer keys of contexts and series: those that are stored, and new ones for what comes. */
import { hash } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ContextDefinition, SlotDefinition } from '../ledger-batch.ts';
import type { RegistryTables } from './registry-tables.ts';
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

export class Dictionaries {
  readonly #connection: DuckDBConnection;
  readonly #registry: RegistryTables;
  readonly #seriesRows: TableAppender;
  readonly #contextRows: TableAppender;
  readonly #filter = new SeriesFilter();
  #nextSeries = 1;
  #nextContext = 1;
  /** By the main thread's numbers. The ledger's own key comes when a series needs it. */
  readonly #contexts = new Map<number, { definition: ContextDefinition; key: number }>();

  private constructor(
    connection: DuckDBConnection,
    registry: RegistryTables,
    seriesRows: TableAppender,
    contextRows: TableAppender,
  ) {
    this.#connection = connection;
    this.#registry = registry;
    this.#seriesRows = seriesRows;
    this.#contextRows = contextRows;
  }

  static async open(connection: DuckDBConnection, registry: RegistryTables): Promise<Dictionaries> {
    const dictionaries = new Dictionaries(
      connection,
      registry,
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

  /** Forgets the main thread's numbers. */
  forgetContexts(): void {
    this.#contexts.clear();
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
        customer: this.#registry.customerKey(definition.customerId),
        dimension: this.#registry.dimensionKey(definition.dimensionId),
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

  async #read(): Promise<void> {
    const rows = async (sql: string) => (await this.#connection.runAndReadAll(sql)).getRows();
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
