/**
 * Rows as JSON or CSV. Decimals and integers beyond 32 bits are texts in JSON: no digit is lost in a double.
 *
 * DuckDB spells the rows where it can, a text for each: twenty times as fast as a value at a time in JavaScript. Lists,
 * structs and the like, and what EXPLAIN says, are spelled here.
 */
import { type DuckDBConnection, type DuckDBType, DuckDBTypeId, type Json } from '@duckdb/node-api';
import type { OutputStream } from './output-stream.ts';
import { SqlError } from './sql-error.ts';

/** A statement that was checked, and what it answers with. */
export interface Question {
  connection: DuckDBConnection;
  statement: string;
  names: string[];
  types: DuckDBType[];
  maxRows: number;
}

/** @throws Error what DuckDB says of the statement, with its place there */
export async function prepareQuestion(
  connection: DuckDBConnection,
  statement: string,
  maxRows: number,
): Promise<Question> {
  const prepared = await connection.prepare(statement);
  const places = Array.from({ length: prepared.columnCount }, (_, place) => place);
  const question = {
    connection,
    statement,
    names: places.map((place) => prepared.columnName(place)),
    types: places.map((place) => prepared.columnType(place)),
    maxRows,
  };
  prepared.destroySync();
  return question;
}

/** `{"columns":[{"name","type"}],"asOf","rows":[[…],…],"rowCount"}`: rows are arrays, since names may repeat. */
export async function jsonAnswer(question: Question, output: OutputStream, asOf: string): Promise<void> {
  const columns = question.names.map((name, i) => ({ name, type: question.types[i].toString() }));
  await output.write(`{"columns":${JSON.stringify(columns)},"asOf":${JSON.stringify(asOf)},"rows":[`);
  let rowCount = 0;
  const spelled = (names: string[]) =>
    `json_array(${names.map((name, i) => jsonExpression(name, question.types[i])).join(', ')})::VARCHAR`;
  for await (const rows of texts(question, spelled, (row) => JSON.stringify(row))) {
    await output.write(`${rowCount === 0 ? '\n' : ',\n'}${rows.join(',\n')}`);
    rowCount += rows.length;
  }
  await output.write(`\n],"rowCount":${rowCount}}\n`);
}

/** RFC 4180 with a header. NULL is nothing, the empty text is `""`; lists and structs are JSON. */
export async function csvAnswer(question: Question, output: OutputStream): Promise<void> {
  await output.write(`${question.names.map(csvText).join(',')}\r\n`);
  const spelled = (names: string[]) =>
    names.map((name, i) => csvExpression(name, question.types[i])).join(` || ',' || `);
  for await (const rows of texts(question, spelled, (row) => row.map(csvValue).join(','))) {
    await output.write(`${rows.join('\r\n')}\r\n`);
  }
}

/**
 * The rows as texts, some at a time.
 * @param spelled an expression for the text of a row, of the names of its columns
 * @param spell the same for what DuckDB does not spell as we do
 * @throws SqlError "ROW_LIMIT"
 */
async function* texts(
  { connection, statement, types, maxRows }: Question,
  spelled: (names: string[]) => string,
  spell: (row: Json[]) => string,
): AsyncGenerator<string[]> {
  let rowCount = 0;
  const isSimple = !/^\s*explain/i.test(statement) && types.every((type) => isSpelledAlike(type));
  const names = types.map((_, i) => `c${i}`);
  const sql = isSimple
    ? `SELECT ${spelled(names)} FROM (\n${withoutSemicolon(statement)}\n) AS answer(${names.join(', ')})`
    : statement;
  for await (const rows of (await connection.stream(sql)).yieldRowsJson()) {
    rowCount += rows.length;
    if (rowCount > maxRows) throw new SqlError('ROW_LIMIT', `the answer has more than ${maxRows} rows`);
    yield isSimple ? rows.map(([text]) => text as string) : rows.map(spell);
  }
}

/** A statement as it can stand in parentheses. It was checked to be one, so that it ends where they do. */
export function withoutSemicolon(statement: string): string {
  return statement.replace(/;\s*$/, '');
}

const SMALL_NUMBERS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.BOOLEAN,
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
]);
const DOUBLES: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE]);
const TEXTS: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.DECIMAL,
  DuckDBTypeId.VARCHAR,
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
  DuckDBTypeId.UUID,
]);

function isSpelledAlike({ typeId }: DuckDBType): boolean {
  return SMALL_NUMBERS.has(typeId) || DOUBLES.has(typeId) || TEXTS.has(typeId);
}

function jsonExpression(name: string, { typeId }: DuckDBType): string {
  if (SMALL_NUMBERS.has(typeId)) return name;
  // JSON has no word for what is infinite or not a number.
  if (DOUBLES.has(typeId))
    return `CASE WHEN isfinite(${name}) THEN to_json(${name}) ELSE to_json(${name}::VARCHAR) END`;
  return `${name}::VARCHAR`;
}

function csvExpression(name: string, { typeId }: DuckDBType): string {
  const text = `${name}::VARCHAR`;
  if (typeId !== DuckDBTypeId.VARCHAR) return `coalesce(${text}, '')`;
  return `CASE WHEN ${name} IS NULL THEN '' WHEN ${text} = '' OR regexp_matches(${text}, '[",\\r\\n]')
    THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END`;
}

function csvValue(value: Json): string {
  if (value === null) return '';
  return csvText(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
