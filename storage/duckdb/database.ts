/** Opens the ledger's DuckDB file, with its tables and views, or says why it cannot be used. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { attachFrozenViews } from '../periods/frozen-ledger.ts';
import { LedgerError } from './ledger-error.ts';
import { macroStatements } from './macros.ts';
import { SCHEMA_VERSION, TABLES } from './schema.ts';
import { viewStatements } from './views.ts';

export interface DatabaseOptions {
  path: string;
  /** What DuckDB may use, as it spells it: "1GB". No wall: its buffers stay below, the rest does not. */
  memoryLimit: string;
  /** Threads for queries and checkpoints. */
  threads: number;
  /** Bytes of DuckDB's own log beyond which a commit checkpoints, as DuckDB spells it. */
  checkpointThreshold: string;
}

/**
 * Opens or creates it.
 * @throws LedgerError "OPEN_FAILED", "UNSUPPORTED_VERSION"
 */
export async function openDatabase(
  options: DatabaseOptions,
): Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> {
  let instance: DuckDBInstance;
  try {
    instance = await DuckDBInstance.create(options.path, {
      memory_limit: options.memoryLimit,
      threads: String(options.threads),
      checkpoint_threshold: options.checkpointThreshold,
      // Nothing is downloaded: what the ledger uses is built into the library.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Rows are read in the order that a statement asks for; keeping the order of insertion costs memory.
      preserve_insertion_order: 'false',
    });
  } catch (cause) {
    throw new LedgerError(
      'OPEN_FAILED',
      `ledger ${options.path} cannot be opened: ${messageOf(cause)}`,
      cause,
    );
  }
  try {
    const connection = await instance.connect();
    await prepareSchema(connection, options.path);
    await attachFrozenViews(connection);
    return { instance, connection };
  } catch (cause) {
    instance.closeSync();
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('OPEN_FAILED', `ledger ${options.path} cannot be read: ${messageOf(cause)}`, cause);
  }
}

async function prepareSchema(connection: DuckDBConnection, path: string): Promise<void> {
  const tables = await connection.runAndReadAll(
    'SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal',
  );
  const names = tables.getRows().map(([name]) => String(name));
  if (names.length > 0 && !names.includes('version')) {
    throw new LedgerError('UNSUPPORTED_VERSION', `${path} is a database, but no ledger: it has ${names[0]}`);
  }
  if (names.length > 0) {
    const reader = await connection.runAndReadAll('SELECT version FROM stored.version');
    const version = Number(reader.getRows()[0]?.[0]);
    if (version !== SCHEMA_VERSION) {
      throw new LedgerError(
        'UNSUPPORTED_VERSION',
        `ledger ${path} has the schema version ${version}, this release writes ${SCHEMA_VERSION}: ` +
          'make it anew from the journal (usage-meter rebuild)',
      );
    }
  }
  // A crash between the statements must not leave half a schema.
  await connection.run('BEGIN');
  if (names.length === 0) for (const statement of TABLES) await connection.run(statement);
  for (const statement of [...viewStatements(), ...macroStatements()]) await connection.run(statement);
  await connection.run('COMMIT');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
