/**
 * Applies what people change: to the registry, to records, to quarantine. One frame's changes are one transaction with
 * its rows and the position, and everything before them is committed, so that they find all they refer to.
 */
import { type DuckDBConnection, DuckDBTimestampNanosecondsValue, type DuckDBValue } from '@duckdb/node-api';
import type { LedgerChange, SignalReference } from '../changes.ts';
import type { LedgerBatch } from '../ledger-batch.ts';
import { statementId } from '../periods/statement-content.ts';
import { codeNumber, type QuarantineCode } from '../quarantine-codes.ts';
import { originOf, type Seen, setSequence } from './fact-writer.ts';
import { type ClosedPeriod, insertStatements, moveStatements, reopenStatement } from './period-tables.ts';
import { signalName } from './quarantine-changes.ts';
import type { RegistryTables } from './registry-tables.ts';
import { KIND_RECORD, RESOLUTION_CORRECTED, RESOLUTION_DISMISSED, RESOLUTION_OPEN } from './schema.ts';
import type { SlotTable } from './slot-table.ts';
import { TableAppender } from './table-appender.ts';
import { RECORD_ID } from './views.ts';
import { read64, write64 } from './words.ts';

const BASELINE = codeNumber('baseline');

/** What the changes mean for the rows of their batch. */
export interface ChangeEffects {
  /** Signals that left quarantine to be judged again, by {@link signalName}. */
  rejudged: Map<string, Seen>;
  /** The meters for which signals were to be judged again, by {@link signalName}. */
  asked: Map<string, Set<string>>;
  /** Corrected signals, as `signalName meter`: whether they were open until now. */
  corrected: Map<string, boolean>;
  /** Per change that replaces a record: whether there was a record to replace. */
  replaced: boolean[];
}

export interface ChangeTables {
  connection: DuckDBConnection;
  registry: RegistryTables;
  slots: SlotTable;
}

/** Applies the changes of a batch, in their order. */
export async function applyChanges(batch: LedgerBatch, tables: ChangeTables): Promise<ChangeEffects> {
  const { frames, changes } = batch;
  const application = new ChangeApplication(
    tables,
    BigInt(frames.sequence[0]),
    read64(frames.receivedAtUnixNano, 0),
  );
  for (const [ordinal, change] of changes.entries()) await application.apply(change, ordinal);
  await application.flush();
  await application.log(changes, batch.actor ?? null);
  return application.effects;
}

/**
 * The rows of a batch with changes that shall be judged: without the replacement of a record that was not there, or was
 * void before, and without what a signal was corrected to that was no longer open.
 *
 * Of a signal that is judged again, the meters that were asked about it when it came have had their say: by another rule
 * one could count it a second time, into another dimension. Only those speak for whom it was replayed, those that came
 * later, and whoever claims it where the former do no more.
 * @param meterOf the meter of a row
 * @param began the frame that declared each meter first; those that are always there have none
 */
export function effectiveRows(
  batch: LedgerBatch,
  effects: ChangeEffects,
  meterOf: (row: number) => string,
  began: ReadonlyMap<string, number>,
): number[] {
  const { length, frames, ordinal } = batch;
  const claiming = new Map<string, Set<string>>();
  for (let row = 0; row < length; row++) {
    const origin = originOf(batch, row);
    if (origin !== null) addTo(claiming, signalName(origin, ordinal[row]), meterOf(row));
  }
  let replacements = 0;
  const rows: number[] = [];
  for (let row = 0; row < length; row++) {
    const origin = originOf(batch, row);
    if (origin === frames.sequence[0]) {
      if (!effects.replaced[replacements++]) continue;
    } else if (origin !== null) {
      const name = signalName(origin, ordinal[row]);
      const meter = meterOf(row);
      if (effects.corrected.get(`${name} ${meter}`) === false) continue;
      const asked = effects.asked.get(name);
      if (asked !== undefined && !asked.has(meter) && (began.get(meter) ?? 0) <= origin) {
        const claims = claiming.get(name)!;
        if ([...asked].every((one) => claims.has(one))) continue;
      }
    }
    rows.push(row);
  }
  return rows;
}

function addTo(sets: Map<string, Set<string>>, name: string, member: string): void {
  const set = sets.get(name);
  if (set === undefined) sets.set(name, new Set([member]));
  else set.add(member);
}

class ChangeApplication {
  readonly effects: ChangeEffects = {
    rejudged: new Map(),
    asked: new Map(),
    corrected: new Map(),
    replaced: [],
  };
  readonly #tables: ChangeTables;
  readonly #sequence: bigint;
  readonly #receivedAtUnixNano: bigint;
  /** Statements that are yet to be stored: a frame may bring hundreds. */
  #closed: ClosedPeriod[] = [];

  constructor(tables: ChangeTables, sequence: bigint, receivedAtUnixNano: bigint) {
    this.#tables = tables;
    this.#sequence = sequence;
    this.#receivedAtUnixNano = receivedAtUnixNano;
  }

  async apply(change: LedgerChange, ordinal: number): Promise<void> {
    const { connection, registry, slots } = this.#tables;
    if (change.type !== 'period_closed') await this.flush();
    switch (change.type) {
      case 'customer_put': {
        const { customer, managedBy } = change;
        const before = new Map(customer.aliases.map((alias) => [registry.customerKey(alias), alias]));
        const { merged, key } = await registry.putCustomer(customer, managedBy, this.#sequence);
        for (const other of merged) {
          slots.moveCustomer(other, key);
          const mergedId = before.get(other)!;
          await moveStatements(connection, { from: other, mergedId, into: key, sequence: this.#sequence });
        }
        break;
      }
      case 'customer_deleted':
        await registry.deleteCustomer(change.id);
        break;
      case 'dimension_put':
        await registry.putDimension(change.dimension, change.managedBy, this.#sequence);
        break;
      case 'dimension_deleted':
        await registry.deleteDimension(change.id);
        break;
      case 'meter_put':
        await registry.putMeter(change, this.#sequence, this.#receivedAtUnixNano);
        break;
      case 'meter_deleted':
        await registry.deleteMeter(change.id, this.#sequence);
        break;
      case 'settings_put':
        await registry.putSettings(change.settings, this.#sequence, this.#receivedAtUnixNano);
        break;
      case 'record_corrected':
        await this.#void(change);
        break;
      case 'quarantine_dismissed':
        await this.#dismiss(change);
        break;
      case 'quarantine_corrected':
        await this.#correct(change.signals, change.note);
        break;
      case 'quarantine_rejudged':
        await this.#rejudge(change.signals);
        break;
      case 'period_closed': {
        const { statement: content, hash } = change;
        const customer = registry.customerKey(content.customerId);
        this.#closed.push({ content, hash, customer, sequence: this.#sequence, ordinal });
        break;
      }
      case 'statement_reopened': {
        const { id, note } = change;
        await reopenStatement(connection, {
          id,
          note,
          sequence: this.#sequence,
          at: this.#receivedAtUnixNano,
        });
        break;
      }
    }
  }

  /** Stores statements that were gathered: before other changes, which may be about them, and at the end. */
  async flush(): Promise<void> {
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    await insertStatements(this.#tables.connection, closed);
  }

  /** Keeps the changes as they are, for whoever asks later who did what. */
  async log(changes: readonly LedgerChange[], actor: string | null): Promise<void> {
    const log = await this.#tables.connection.createAppender('changes', 'stored');
    const text = (value: string | null) => (value === null ? log.appendNull() : log.appendVarchar(value));
    for (const [ordinal, change] of changes.entries()) {
      log.appendBigInt(this.#sequence);
      log.appendInteger(ordinal);
      log.appendTimestampNanoseconds(new DuckDBTimestampNanosecondsValue(this.#receivedAtUnixNano));
      log.appendVarchar(change.type);
      text(actor);
      text(subjectOf(change));
      text(noteOf(change));
      log.appendVarchar(changeText(change));
      log.endRow();
    }
    log.closeSync();
  }

  async #void({
    recordId,
    timeUnixNano,
    reason,
    replacement,
  }: Extract<LedgerChange, { type: 'record_corrected' }>): Promise<void> {
    // The time leaves all blocks but a few out.
    const isAt = `time = make_timestamp_ns(${BigInt(timeUnixNano)})`;
    const [found] = await this.#run(
      `SELECT u.row FROM (SELECT rowid AS row, * FROM stored.usage
          WHERE ${isAt} AND kind = ${KIND_RECORD} AND voided_by IS NULL) u
        JOIN stored.series s USING (series) WHERE ${RECORD_ID} = $1`,
      [recordId],
    );
    if (replacement !== null) this.effects.replaced.push(found !== undefined);
    if (found === undefined) return;
    await this.#run(
      `UPDATE stored.usage SET voided_by = $1::BIGINT WHERE ${isAt} AND rowid = ${String(found[0])}`,
      [this.#sequence],
    );
    await this.#run(
      'INSERT INTO stored.voids VALUES ($1::BIGINT, $2, $3, $4, make_timestamp_ns($5::BIGINT))',
      [this.#sequence, recordId, reason, replacement !== null, this.#receivedAtUnixNano],
    );
  }

  async #dismiss(change: Extract<LedgerChange, { type: 'quarantine_dismissed' }>): Promise<void> {
    const { signals, reason, meterId, dimensionId, customerId, note } = change;
    const values: DuckDBValue[] = [this.#sequence, note];
    const conditions = [`resolution = '${RESOLUTION_OPEN}'`];
    const add = (condition: (value: string) => string, value: DuckDBValue) => {
      values.push(value);
      conditions.push(condition(`$${values.length}`));
    };
    if (signals !== null) {
      const rows = await this.#find(signals, `q.resolution = '${RESOLUTION_OPEN}'`);
      if (rows.length === 0) return;
      conditions.push('rowid IN (SELECT row FROM temp.found_signals)');
    }
    if (reason !== null) add((value) => `code = ${value}`, codeNumber(reason as QuarantineCode));
    if (meterId !== null)
      add((value) => `series IN (SELECT series FROM stored.series WHERE meter_id = ${value})`, meterId);
    if (dimensionId !== undefined)
      add((value) => `dimension_id IS NOT DISTINCT FROM ${value}::VARCHAR`, dimensionId);
    if (customerId !== undefined)
      add((value) => `customer_id IS NOT DISTINCT FROM ${value}::VARCHAR`, customerId);
    await this.#run(
      `UPDATE stored.quarantine SET resolution = '${RESOLUTION_DISMISSED}', resolved_by = $1::BIGINT, note = $2::VARCHAR
      WHERE ${conditions.join(' AND ')}`,
      values,
    );
  }

  async #correct(signals: readonly SignalReference[], note: string | null): Promise<void> {
    const { corrected } = this.effects;
    const found = new Set(
      (await this.#find(signals, `q.resolution = '${RESOLUTION_OPEN}'`)).map(({ n }) => n),
    );
    for (const [n, { sequence, ordinal, meterId }] of signals.entries()) {
      const reference = `${signalName(sequence, ordinal)} ${meterId}`;
      corrected.set(reference, corrected.get(reference) === true || found.has(n));
    }
    await this.#run(
      `UPDATE stored.quarantine SET resolution = '${RESOLUTION_CORRECTED}', resolved_by = $1::BIGINT, note = $2::VARCHAR
      WHERE rowid IN (SELECT row FROM temp.found_signals)`,
      [this.#sequence, note],
    );
  }

  /** A baseline is a counted reading whose value nobody can count: nothing is to be judged anew. */
  async #rejudge(signals: readonly SignalReference[]): Promise<void> {
    const { rejudged, asked } = this.effects;
    for (const { sequence, ordinal, meterId } of signals)
      addTo(asked, signalName(sequence, ordinal), meterId);
    const found = await this.#find(
      signals,
      `q.resolution <> '${RESOLUTION_CORRECTED}' AND q.code <> ${BASELINE}`,
    );
    for (const { n, firstSeen, lastSeen } of found) {
      const name = signalName(signals[n].sequence, signals[n].ordinal);
      rejudged.set(name, { first: nanoWords(firstSeen), last: nanoWords(lastSeen) });
    }
    await this.#run('DELETE FROM stored.quarantine WHERE rowid IN (SELECT row FROM temp.found_signals)', []);
  }

  /** Finds rows of quarantine by what names them, and leaves them in temp.found_signals (n, row). */
  async #find(
    signals: readonly SignalReference[],
    condition: string,
  ): Promise<{ n: number; firstSeen: bigint; lastSeen: bigint }[]> {
    const { connection } = this.#tables;
    await connection.run(
      'CREATE OR REPLACE TEMP TABLE wanted_signals (n INTEGER, sequence BIGINT, ordinal INTEGER, meter_id VARCHAR)',
    );
    const wanted = await TableAppender.create(
      connection,
      ['temp', 'main', 'wanted_signals'],
      [4, 8, 4, 'text'],
    );
    for (const [n, { sequence, ordinal, meterId }] of signals.entries()) {
      wanted.reserve();
      wanted.words(0)[wanted.length] = n;
      setSequence(wanted.words(1), wanted.length, sequence);
      wanted.words(2)[wanted.length] = ordinal;
      wanted.setText(3, meterId);
      wanted.length += 1;
    }
    wanted.close();
    // The frame and the place leave hardly more than one row each; only those meet the series.
    await connection.run(`CREATE OR REPLACE TEMP TABLE found_signals AS
      WITH placed AS MATERIALIZED (
        SELECT w.n, w.meter_id, q.rowid AS row, q.series, q.first_seen, q.last_seen
        FROM stored.quarantine q JOIN temp.wanted_signals w USING (sequence, ordinal) WHERE ${condition})
      SELECT p.* EXCLUDE (series, meter_id) FROM placed p
        JOIN stored.series s ON s.series = p.series AND s.meter_id = p.meter_id`);
    const rows = await this.#run(
      'SELECT n, epoch_ns(first_seen), epoch_ns(last_seen) FROM temp.found_signals',
      [],
    );
    return rows.map(([n, firstSeen, lastSeen]) => ({
      n: Number(n),
      firstSeen: firstSeen as bigint,
      lastSeen: lastSeen as bigint,
    }));
  }

  async #run(sql: string, values: DuckDBValue[]): Promise<DuckDBValue[][]> {
    return (await this.#tables.connection.runAndReadAll(sql, values)).getRows();
  }
}

/** The id of what was changed. */
function subjectOf(change: LedgerChange): string | null {
  switch (change.type) {
    case 'customer_put':
      return change.customer.id;
    case 'dimension_put':
      return change.dimension.id;
    case 'record_corrected':
      return change.recordId;
    case 'customer_deleted':
    case 'dimension_deleted':
    case 'meter_put':
    case 'meter_deleted':
    case 'statement_reopened':
      return change.id;
    case 'period_closed':
      return statementId(change.hash);
    default:
      return null;
  }
}

function noteOf(change: LedgerChange): string | null {
  switch (change.type) {
    case 'record_corrected':
      return change.reason;
    case 'quarantine_dismissed':
    case 'quarantine_corrected':
    case 'statement_reopened':
      return change.note;
    case 'period_closed':
      return change.statement.note;
    default:
      return null;
  }
}

/** JSON. Of a statement only what names it: its content stands beside it, once. */
function changeText(change: LedgerChange): string {
  if (change.type === 'period_closed') {
    const { customerId, from, to, timeZone, asOfSequence } = change.statement;
    const { type, hash } = change;
    return JSON.stringify({ type, hash, customerId, from, to, timeZone, asOfSequence });
  }
  return JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function nanoWords(nano: bigint): Uint32Array {
  const words = new Uint32Array(2);
  write64(words, 0, nano);
  return words;
}
