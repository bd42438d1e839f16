/**
 * The process that runs analysts' queries, one at a time, each in a DuckDB of its own: nothing of a query is left for
 * the next. It is started with an empty environment, and killed by its owner when a query breaks its limits.
 */
import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { OutputStream } from './output-stream.ts';
import { readDuckDbMessage, SqlError } from './sql-error.ts';
import type { FromSqlProcess, SqlJob, SqlProcessOptions } from './sql-protocol.ts';
import { checkStatement, statementForm } from './statement-check.ts';
import { csvAnswer, jsonAnswer } from './text-answers.ts';

const options = JSON.parse(process.argv[2]) as SqlProcessOptions;

/** Runs a job; its bytes go to stdout. @throws SqlError */
async function run(job: SqlJob): Promise<number> {
  const catalogue = join(options.lakeDirectory, 'usage.duckdb');
  if (!existsSync(catalogue))
    throw new SqlError('NO_LAKE', 'nothing was published yet: ask again in some seconds');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.round(options.memoryBytes / 1e6)}MB`,
    threads: String(options.threads),
    temp_directory: options.temporaryDirectory,
    max_temp_directory_size: '2GB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  try {
    const connection = await instance.connect();
    const asOf = await openLake(connection, catalogue);
    return await answer(
      connection,
      job,
      new OutputStream(process.stdout, () => send({ type: 'head', asOf })),
      asOf,
    );
  } finally {
    instance.closeSync();
  }
}

/** Opens the catalogue, then shuts everything else off. @returns up to when the lake is complete */
async function openLake(connection: DuckDBConnection, catalogue: string): Promise<string> {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  await connection.run(`ATTACH ${quoted(catalogue)} AS usage (READ_ONLY)`);
  await connection.run('USE usage');
  await connection.run("SET TimeZone = 'UTC'");
  const directories = [options.lakeDirectory, options.temporaryDirectory].map(quoted).join(', ');
  await connection.run(`SET allowed_directories = [${directories}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
  const status = await connection.runAndReadAll(
    "SELECT strftime(as_of AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') FROM lake_status",
  );
  return String(status.getRows()[0][0]);
}

async function answer(
  connection: DuckDBConnection,
  { sql, format, maxRows }: SqlJob,
  output: OutputStream,
  asOf: string,
): Promise<number> {
  const { prefix, select } = statementForm(sql);
  const parsed = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [select]);
  checkStatement(sql, String(parsed.getRows()[0][0]));
  const statement = `${prefix} ${select}`;
  try {
    switch (format) {
      case 'json':
        await jsonAnswer(await connection.stream(statement), output, { maxRows, asOf });
        break;
      case 'csv':
        await csvAnswer(await connection.stream(statement), output, maxRows);
        break;
      case 'parquet':
        await parquetAnswer(connection, statement, output, maxRows);
        break;
    }
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
      `COPY (FROM (\n${statement.replace(/;\s*$/, '')}\n) LIMIT ${maxRows + 1}) TO '${path.replaceAll("'", "''")}'
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
// The receiver is gone.
process.on('disconnect', () => process.exit(0));
send({ type: 'ready' });
