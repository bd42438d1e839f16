/**
 * The process that runs analysts' queries, one at a time, each in a DuckDB of its own: nothing of a query is left for
 * the next. It is started with an empty environment, and killed by its owner when a query breaks its limits.
 */
import { createReadStream, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { arrowAnswer } from './arrow-answer.ts';
import { openLockedLake } from './locked-lake.ts';
import { OutputStream } from './output-stream.ts';
import { readDuckDbMessage, SqlError } from './sql-error.ts';
import type { FromSqlProcess, SqlJob, SqlProcessOptions } from './sql-protocol.ts';
import { checkStatement, statementForm } from './statement-check.ts';
import { csvAnswer, jsonAnswer, prepareQuestion, withoutSemicolon } from './text-answers.ts';

const options = JSON.parse(process.argv[2]) as SqlProcessOptions;

/** Runs a job; its bytes go to stdout. @throws SqlError */
async function run(job: SqlJob): Promise<number> {
  const { connection, asOf, close } = await openLockedLake(options);
  try {
    const output = new OutputStream(process.stdout, () => send({ type: 'head', asOf }));
    return await answer(connection, job, output, asOf);
  } finally {
    close();
  }
}

async function answer(
  connection: DuckDBConnection,
  { sql, format, maxRows }: SqlJob,
  output: OutputStream,
  asOf: string,
): Promise<number> {
  const { select, statement } = statementForm(sql);
  const parsed = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [select]);
  checkStatement(sql, String(parsed.getRows()[0][0]));
  try {
    const question = await prepareQuestion(connection, statement, maxRows);
    if (format === 'json') await jsonAnswer(question, output, asOf);
    else if (format === 'csv') await csvAnswer(question, output);
    else if (format === 'arrow') await arrowAnswer(question, output);
    else await parquetAnswer(connection, statement, output, maxRows);
    await output.end();
    return output.bytes;
  } catch (error) {
    throw toSqlError(error);
  }
}

/** DuckDB writes Parquet to files only, since it goes back in what it wrote; the file is sent then. */
async function parquetAnswer(
  connection: DuckDBConnection,
  statement: string,
  output: OutputStream,
  maxRows: number,
): Promise<void> {
  const path = join(options.temporaryDirectory, 'answer.parquet');
  try {
    // The statement was checked to be one SELECT, so that it ends where the parenthesis does.
    const copied = await connection.runAndReadAll(
      `COPY (FROM (\n${withoutSemicolon(statement)}\n) LIMIT ${maxRows + 1}) TO '${path.replaceAll("'", "''")}'
        (FORMAT parquet, COMPRESSION zstd)`,
    );
    if (Number(copied.getRows()[0][0]) > maxRows) throw tooManyRows(maxRows);
    for await (const bytes of createReadStream(path)) await output.write(bytes);
  } finally {
    await rm(path, { force: true });
  }
}

function tooManyRows(maxRows: number): SqlError {
  return new SqlError('ROW_LIMIT', `the answer has more than ${maxRows} rows`);
}

/** What DuckDB says of a query: of the query itself, or of what came up while it ran. */
function toSqlError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const { message, position } = readDuckDbMessage((error as Error).message);
  if (/^Out of Memory Error|bad allocation|bad_alloc/i.test(message))
    return new SqlError('MEMORY_LIMIT', message);
  const isOfText = /^(Parser|Binder|Catalog|Syntax) Error/i.test(message);
  return new SqlError(isOfText ? 'INVALID_SQL' : 'QUERY_FAILED', message, position);
}

function send(message: FromSqlProcess): void {
  process.send!(message);
}

process.on('message', (job: SqlJob) => {
  run(job).then(
    (bytes) => send({ type: 'done', bytes }),
    (error) => {
      const { code, message, position } = toSqlError(error);
      send({ type: 'failed', code, message, position });
    },
  );
});
// The receiver is gone. An orderly exit would wait for the query that runs.
process.on('disconnect', () => {
  rmSync(options.temporaryDirectory, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});
send({ type: 'ready' });
