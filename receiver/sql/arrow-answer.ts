/**
 * Rows as an Arrow IPC stream, exact: decimals of 128 bits, times in their own unit. What Arrow has no simple type for
 * (intervals, lists, integers of 128 bits, …) is text.
 * https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 */
import {
  type DuckDBDataChunk,
  DuckDBDecimalType,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type FlatField, FlatWriter } from './flat-buffer.ts';
import type { OutputStream } from './output-stream.ts';
import { SqlError } from './sql-error.ts';
import { type Question, withoutSemicolon } from './text-answers.ts';

/** Chunks of DuckDB (2,048 rows each) of a record batch. */
const BATCH_CHUNKS = 16;

/** Numbers of Arrow's unions and enumerations (Schema.fbs, Message.fbs). */
const METADATA_V5 = 4;
const HEADER_SCHEMA = 1;
const HEADER_RECORD_BATCH = 3;
const TYPE_INT = 2;
const TYPE_FLOAT = 3;
const TYPE_UTF8 = 5;
const TYPE_BOOL = 6;
const TYPE_DECIMAL = 7;
const TYPE_DATE = 8;
const TYPE_TIMESTAMP = 10;

/** How a column is described, and how its values are laid out. */
interface ArrowColumn {
  type: number;
  /** The fields of the type's table. */
  fields: FlatField[];
  /** Its buffers but for the one that says which values are there. */
  buffers: (values: readonly DuckDBValue[]) => Uint8Array[];
}

/** @throws SqlError "ROW_LIMIT" */
export async function arrowAnswer(question: Question, output: OutputStream): Promise<void> {
  const { connection, statement, names, types, maxRows } = question;
  const columns = types.map((type) => columnOf(type));
  await output.write(
    message(
      HEADER_SCHEMA,
      schema(
        names,
        columns.map((column) => column ?? TEXT),
      ),
      [],
    ),
  );
  const aliases = names.map((_, i) => `c${i}`);
  const select = aliases.map((alias, i) => (columns[i] === null ? `${alias}::VARCHAR` : alias));
  const sql = columns.includes(null)
    ? `SELECT ${select.join(', ')} FROM (\n${withoutSemicolon(statement)}\n) AS answer(${aliases.join(', ')})`
    : statement;
  let rowCount = 0;
  let chunks: DuckDBDataChunk[] = [];
  const flush = async () => {
    if (chunks.length === 0) return;
    await output.write(
      recordBatch(
        chunks,
        columns.map((column) => column ?? TEXT),
      ),
    );
    chunks = [];
  };
  for await (const chunk of await connection.stream(sql)) {
    rowCount += chunk.rowCount;
    if (rowCount > maxRows) throw new SqlError('ROW_LIMIT', `the answer has more than ${maxRows} rows`);
    chunks.push(chunk);
    if (chunks.length === BATCH_CHUNKS) await flush();
  }
  await flush();
  await output.write(END_OF_STREAM);
}

const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** A message with its header and body. Every part is of whole eight bytes. */
function message(headerType: number, header: FlatField[], body: readonly Uint8Array[]): Buffer {
  const bodyLength = body.reduce((sum, { length }) => sum + length, 0);
  const metadata = FlatWriter.encode([
    { short: METADATA_V5 },
    { byte: headerType },
    { offset: (writer) => writer.table(header) },
    { long: bodyLength },
  ]);
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(0xffffffff, 0);
  prefix.writeInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata, ...body]);
}

function schema(names: readonly string[], columns: readonly ArrowColumn[]): FlatField[] {
  const fields = columns.map(({ type, fields: ofType }, i): FlatField[] => [
    { offset: (writer) => writer.text(names[i]) },
    { byte: 1 },
    { byte: type },
    { offset: (writer) => writer.table(ofType) },
    null,
    { offset: (writer) => writer.tables([]) },
  ]);
  return [{ short: 0 }, { offset: (writer) => writer.tables(fields) }];
}

function recordBatch(chunks: readonly DuckDBDataChunk[], columns: readonly ArrowColumn[]): Buffer {
  const length = chunks.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const nodes: number[][] = [];
  const places: number[][] = [];
  const body: Uint8Array[] = [];
  let offset = 0;
  for (const [i, column] of columns.entries()) {
    const values = chunks.flatMap((chunk) => chunk.getColumnValues(i));
    const { bits, nullCount } = validity(values);
    nodes.push([length, nullCount]);
    for (const bytes of [bits, ...column.buffers(values)]) {
      places.push([offset, bytes.length]);
      const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
      padded.set(bytes);
      body.push(padded);
      offset += padded.length;
    }
  }
  const header: FlatField[] = [
    { long: length },
    { offset: (writer) => writer.longs(nodes) },
    { offset: (writer) => writer.longs(places) },
  ];
  return message(HEADER_RECORD_BATCH, header, body);
}

/** A bit for every value that is there; nothing where all are. */
function validity(values: readonly DuckDBValue[]): { bits: Uint8Array; nullCount: number } {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  for (const [i, value] of values.entries()) {
    if (value === null) nullCount += 1;
    else bits[i >> 3] |= 1 << (i & 7);
  }
  return { bits: nullCount === 0 ? new Uint8Array(0) : bits, nullCount };
}

/** Values of a fixed width. */
function fixed(
  width: number,
  write: (view: DataView, at: number, value: never) => void,
): ArrowColumn['buffers'] {
  return (values) => {
    const bytes = new Uint8Array(values.length * width);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of values.entries()) if (value !== null) write(view, i * width, value as never);
    return [bytes];
  };
}

function texts(values: readonly DuckDBValue[]): Uint8Array[] {
  const offsets = new Int32Array(values.length + 1);
  const pieces: Buffer[] = [];
  let length = 0;
  for (const [i, value] of values.entries()) {
    if (value !== null) {
      const piece = Buffer.from(value as string);
      pieces.push(piece);
      length += piece.length;
    }
    offsets[i + 1] = length;
  }
  return [new Uint8Array(offsets.buffer), Buffer.concat(pieces)];
}

function bits(values: readonly DuckDBValue[]): Uint8Array[] {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, value] of values.entries()) if (value === true) bytes[i >> 3] |= 1 << (i & 7);
  return [bytes];
}

const TEXT: ArrowColumn = { type: TYPE_UTF8, fields: [], buffers: texts };

function integer(width: number, isSigned: boolean): ArrowColumn {
  return {
    type: TYPE_INT,
    fields: [{ int: width * 8 }, { byte: isSigned ? 1 : 0 }],
    buffers: fixed(width, (view, at, value: number | bigint) => {
      const unsigned = BigInt.asUintN(64, BigInt(value));
      for (let byte = 0; byte < width; byte++)
        view.setUint8(at + byte, Number((unsigned >> BigInt(8 * byte)) & 0xffn));
    }),
  };
}

function timestamp(unit: number, field: string, zone: string | null): ArrowColumn {
  return {
    type: TYPE_TIMESTAMP,
    fields: [{ short: unit }, zone === null ? null : { offset: (writer) => writer.text(zone) }],
    buffers: fixed(8, (view, at, value: Record<string, bigint>) => view.setBigInt64(at, value[field], true)),
  };
}

/** null: as text. */
function columnOf(type: DuckDBType): ArrowColumn | null {
  if (type instanceof DuckDBDecimalType) {
    const { width, scale } = type;
    return {
      type: TYPE_DECIMAL,
      fields: [{ int: width }, { int: scale }, { int: 128 }],
      buffers: fixed(16, (view, at, { value }: { value: bigint }) => {
        view.setBigUint64(at, BigInt.asUintN(64, value), true);
        view.setBigInt64(at + 8, BigInt.asIntN(64, value >> 64n), true);
      }),
    };
  }
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return { type: TYPE_BOOL, fields: [], buffers: bits };
    case DuckDBTypeId.TINYINT:
      return integer(1, true);
    case DuckDBTypeId.SMALLINT:
      return integer(2, true);
    case DuckDBTypeId.INTEGER:
      return integer(4, true);
    case DuckDBTypeId.BIGINT:
      return integer(8, true);
    case DuckDBTypeId.UTINYINT:
      return integer(1, false);
    case DuckDBTypeId.USMALLINT:
      return integer(2, false);
    case DuckDBTypeId.UINTEGER:
      return integer(4, false);
    case DuckDBTypeId.UBIGINT:
      return integer(8, false);
    case DuckDBTypeId.FLOAT:
      return {
        type: TYPE_FLOAT,
        fields: [{ short: 1 }],
        buffers: fixed(4, (view, at, value: number) => view.setFloat32(at, value, true)),
      };
    case DuckDBTypeId.DOUBLE:
      return {
        type: TYPE_FLOAT,
        fields: [{ short: 2 }],
        buffers: fixed(8, (view, at, value: number) => view.setFloat64(at, value, true)),
      };
    case DuckDBTypeId.VARCHAR:
      return TEXT;
    case DuckDBTypeId.DATE:
      return {
        type: TYPE_DATE,
        fields: [{ short: 0 }],
        buffers: fixed(4, (view, at, { days }: { days: number }) => view.setInt32(at, days, true)),
      };
    case DuckDBTypeId.TIMESTAMP_S:
      return timestamp(0, 'seconds', null);
    case DuckDBTypeId.TIMESTAMP_MS:
      return timestamp(1, 'millis', null);
    case DuckDBTypeId.TIMESTAMP:
      return timestamp(2, 'micros', null);
    case DuckDBTypeId.TIMESTAMP_NS:
      return timestamp(3, 'nanos', null);
    case DuckDBTypeId.TIMESTAMP_TZ:
      return timestamp(2, 'micros', 'UTC');
    default:
      return null;
  }
}
