/** One file into the receiver: rows to records, records to batches, a few of them under way at once. */
import type { ReceiverClient } from '../http-client.ts';
import type { Progress } from '../progress.ts';
import { ImportError } from './import-error.ts';
import { type AcknowledgedPart, ImportState } from './import-state.ts';
import type { InputFile } from './input-files.ts';
import type { ImportedRecord, RowMapper } from './mapping.ts';
import type { Reject, RejectsFile } from './rejects-file.ts';
import { type BatchOutcome, sendBatch } from './send-batch.ts';
import { contentHash, sourceRows, stampOf } from './source-file.ts';
import type { UsageSums } from './usage-sums.ts';

const BATCH_ROWS = 5000;
/** Characters of JSON. Long rows make smaller batches: the receiver takes 64 MiB. */
const BATCH_LENGTH = 4 << 20;
/** Requests under way at once: while one waits for the disk, the next is being read. */
const REQUESTS_IN_FLIGHT = 4;

export interface FileOutcome {
  path: string;
  contentHash: string | null;
  /** Read so far, empty lines left out. */
  rows: number;
  stored: number;
  /** Sent, and found to be stored already. */
  duplicates: number;
  /** Not sent: the receiver had acknowledged them to an earlier import of this file. */
  acknowledgedEarlier: number;
  rejected: number;
  /** Why it was not read to its end. */
  error: string | null;
}

export interface ImportContext {
  /** null: a dry run. */
  client: ReceiverClient | null;
  delimiter: string;
  /** Folder of the states. */
  stateFolder: string;
  /** What makes the same rows other usage. */
  meaning: string;
  rejects: RejectsFile;
  progress: Progress;
  /** Of a dry run. */
  sums: UsageSums | null;
}

/**
 * Imports a file as far as it can be read. What was acknowledged to an earlier import is not sent again, but for the
 * first and the last batch: if the receiver does not know these, it is not the one that acknowledged them, or has been
 * set back, and everything is sent.
 * @param outcome counts what happens, also when this throws
 * @throws ImportError about this file ("UNREADABLE", "FILE_CHANGED"), or "REFUSED"; ReceiverError
 */
export async function importFile(
  context: ImportContext,
  file: InputFile,
  mapper: RowMapper,
  outcome: FileOutcome,
): Promise<void> {
  const stamp = await stampOf(file);
  context.progress.phase(`reading ${file.path}`);
  outcome.contentHash = await contentHash(file);
  context.progress.phase(file.path);
  const state =
    context.client === null
      ? null
      : new ImportState(context.stateFolder, outcome.contentHash, context.meaning);
  const known = (await state?.load()) ?? null;
  const rejectsBefore = context.rejects.mark();
  const attempt = () => new Attempt(context, file, mapper, outcome, state, stamp);
  try {
    await attempt().run(known);
  } catch (error) {
    if (!(error instanceof NotKnownError)) throw error;
    await state!.forget();
    await context.rejects.backTo(rejectsBefore);
    context.progress.note(
      `${file.path}: the receiver does not know what was acknowledged earlier: sending all of it`,
    );
    const { stored } = outcome;
    outcome.rows = outcome.rejected = outcome.duplicates = outcome.acknowledgedEarlier = 0;
    await attempt().run(null);
    // What the first attempt stored came again.
    outcome.duplicates -= stored;
  }
  await state?.forget();
  if (state !== null && state.failure !== null) {
    context.progress.note(
      `${context.stateFolder} cannot be written (${state.failure}): nothing was noted there`,
    );
  }
}

/** The receiver does not know what an earlier import has noted as acknowledged. */
class NotKnownError extends Error {}

/** Rows that are sent together, and those between them that are not sent. */
interface Batch {
  /** JSON texts. */
  records: string[];
  recordRows: number[];
  rejects: Reject[];
  rejectedRows: number;
  length: number;
  /** The last row that it covers. */
  endRow: number;
  /** Records that the receiver has acknowledged before, and so must know. */
  mustBeKnown: number;
}

interface SentBatch {
  batch: Batch;
  answer: Promise<BatchOutcome>;
}

class Attempt {
  readonly #context: ImportContext;
  readonly #file: InputFile;
  readonly #mapper: RowMapper;
  readonly #outcome: FileOutcome;
  readonly #state: ImportState | null;
  readonly #stamp: string;
  readonly #underWay: SentBatch[] = [];
  #known: AcknowledgedPart | null = null;
  #batch = emptyBatch();

  constructor(
    context: ImportContext,
    file: InputFile,
    mapper: RowMapper,
    outcome: FileOutcome,
    state: ImportState | null,
    stamp: string,
  ) {
    this.#context = context;
    this.#file = file;
    this.#mapper = mapper;
    this.#outcome = outcome;
    this.#state = state;
    this.#stamp = stamp;
  }

  /** @throws NotKnownError where the receiver does not know what it should have acknowledged */
  async run(known: AcknowledgedPart | null): Promise<void> {
    this.#known = known;
    try {
      // What could be read before a file's broken part is as good as in a whole one.
      const broken = await this.#read();
      await this.#send();
      while (this.#underWay.length > 0) await this.#settleOldest();
      if (broken !== null) throw broken;
    } finally {
      for (const answer of await Promise.allSettled(this.#underWay.map(({ answer }) => answer))) {
        if (answer.status === 'rejected') continue;
        this.#outcome.stored += answer.value.stored;
        this.#outcome.duplicates += answer.value.duplicates;
      }
    }
  }

  /** @returns why it was not read to its end */
  async #read(): Promise<ImportError | null> {
    const { progress, delimiter } = this.#context;
    const onBytes = (bytes: number) => progress.advance(bytes);
    try {
      for await (const rows of sourceRows(this.#file, this.#mapper, delimiter, onBytes)) {
        for (const { row, cells, fault } of rows) {
          this.#take(
            row,
            cells === null ? [fault!] : this.#mapper.map(cells, row, this.#outcome.contentHash!),
          );
          if (isFull(this.#batch)) await this.#send();
        }
        progress.countRows(rows.length);
      }
      return null;
    } catch (error) {
      if (error instanceof ImportError && error.code === 'UNREADABLE') return error;
      throw error;
    }
  }

  #take(row: number, mapped: ReturnType<RowMapper['map']>): void {
    const batch = this.#batch;
    batch.endRow = row;
    this.#outcome.rows += 1;
    if (Array.isArray(mapped)) {
      batch.rejectedRows += 1;
      for (const fault of mapped) batch.rejects.push({ file: this.#file.path, row, ...fault });
      return;
    }
    const { record, scaled } = mapped;
    this.#context.sums?.add(record.customerId, record.dimensionId, scaled);
    const known = this.#known;
    if (known !== null && row <= known.lastEnd && !known.refused.has(row)) {
      if (row > known.firstEnd && row <= known.lastBegin) {
        this.#outcome.acknowledgedEarlier += 1;
        return;
      }
      batch.mustBeKnown += 1;
    }
    const json = JSON.stringify(record);
    batch.records.push(json);
    batch.recordRows.push(row);
    batch.length += json.length;
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = emptyBatch();
    if (batch.endRow === 0) return;
    if ((await stampOf(this.#file)) !== this.#stamp) {
      throw new ImportError(
        'FILE_CHANGED',
        `${this.#file.path} was written to while it was imported: repeat the import when it is whole`,
      );
    }
    const { client } = this.#context;
    const answer =
      client === null || batch.records.length === 0
        ? Promise.resolve({ stored: 0, duplicates: 0, refused: [] })
        : sendBatch(client, batch.records);
    // A failure is met when its turn comes.
    answer.catch(() => undefined);
    this.#underWay.push({ batch, answer });
    if (this.#underWay.length >= REQUESTS_IN_FLIGHT) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const { batch, answer } = this.#underWay[0];
    const { stored, duplicates, refused } = await answer;
    this.#underWay.shift();
    this.#outcome.stored += stored;
    this.#outcome.duplicates += duplicates;
    if (duplicates < batch.mustBeKnown) throw new NotKnownError();
    const refusedRows = new Set<number>();
    for (const { index, field, problem } of refused) {
      const row = batch.recordRows[index];
      refusedRows.add(row);
      const record = JSON.parse(batch.records[index]) as ImportedRecord;
      const column = this.#mapper.columnOf(field);
      batch.rejects.push({ file: this.#file.path, row, column, value: fieldText(record, field), problem });
    }
    this.#outcome.rejected += batch.rejectedRows + refusedRows.size;
    batch.rejects.sort((a, b) => a.row - b.row);
    await this.#context.rejects.write(batch.rejects);
    if (batch.endRow > (this.#known?.lastEnd ?? 0))
      await this.#state?.acknowledge(batch.endRow, [...refusedRows]);
  }
}

function emptyBatch(): Batch {
  return {
    records: [],
    recordRows: [],
    rejects: [],
    rejectedRows: 0,
    length: 0,
    endRow: 0,
    mustBeKnown: 0,
  };
}

function isFull({ records, rejects, length }: Batch): boolean {
  return records.length + rejects.length >= BATCH_ROWS || length >= BATCH_LENGTH;
}

function fieldText(record: ImportedRecord, field: string): string {
  if (field.startsWith('metadata.')) return record.metadata[field.slice('metadata.'.length)] ?? '';
  const value = (record as unknown as Record<string, unknown>)[field];
  return typeof value === 'string' ? value : '';
}
