/** A DuckDB that has the lake's views and nothing else: no other file, no network, no extension, no setting. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SqlError } from './sql-error.ts';
import type { SqlProcessOptions } from './sql-protocol.ts';

export interface LockedLake {
  connection: DuckDBConnection;
  /** Up to when the lake is complete, RFC 3339. */
  asOf: string;
  close(): void;
}

/** @throws SqlError "NO_LAKE" */
export async function openLockedLake(options: SqlProcessOptions): Promise<LockedLake> {
  const { lakeDirectory, temporaryDirectory, memoryBytes, threads } = options;
  const catalogue = join(lakeDirectory, 'usage.duckdb');
  if (!existsSync(catalogue))
    throw new SqlError('NO_LAKE', 'nothing was published yet: ask again in some seconds');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.round(memoryBytes / 1e6)}MB`,
    threads: String(threads),
    temp_directory: temporaryDirectory,
    max_temp_directory_size: '2GB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH ${quoted(catalogue)} AS usage (READ_ONLY)`);
    await connection.run('USE usage');
    await connection.run("SET TimeZone = 'UTC'");
    // The views read the lake's files; answers as Parquet are written to the other folder.
    const directories = [lakeDirectory, temporaryDirectory].map(quoted).join(', ');
    await connection.run(`SET allowed_directories = [${directories}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    const status = await connection.runAndReadAll(
      "SELECT strftime(as_of AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') FROM lake_status",
    );
    return { connection, asOf: String(status.getRows()[0][0]), close: () => instance.closeSync() };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
