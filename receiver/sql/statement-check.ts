/**
 * Whether a statement may run: one SELECT over the lake's views. Pure; it reads the tree that DuckDB's own parser makes
 * (json_serialize_sql), so that nothing can be spelled in a way that the check reads otherwise than DuckDB.
 *
 * Functions in FROM can do anything (read files, switch logging on, write a checkpoint), so only those that are known
 * to be harmless are let through. The process that runs the query is locked besides: this is the first wall of several.
 */
import { MACROS } from '../../storage/duckdb/macros.ts';
import { positionOf, SqlError } from './sql-error.ts';

/** Characters of a statement; parsers recurse. */
export const MAX_STATEMENT_LENGTH = 100_000;

const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
  'regexp_split_to_table',
  'generate_subscripts',
  'duckdb_columns',
  'duckdb_tables',
  'duckdb_views',
  'duckdb_functions',
  'duckdb_keywords',
  'pragma_table_info',
  ...MACROS.map(({ name }) => name),
]);

/** Functions that tell of the machine or the session rather than of usage. */
const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  'getenv',
  'current_setting',
  'set_config',
  'getvariable',
  'write_log',
  'nextval',
  'currval',
  'sleep_ms',
]);

const SCHEMAS: ReadonlySet<string> = new Set(['', 'main', 'information_schema']);
/** Tables of the system have such names; analysts' own do not. */
const SYSTEM_TABLE = /^(duckdb_|pg_|sqlite_|pragma_)/;

/** A statement in two forms; in both everything stands where it stands in the statement. */
export interface StatementForm {
  /** What is checked: without EXPLAIN, which the parser cannot serialise. */
  select: string;
  /** What is run: without the comments before EXPLAIN, which might end elsewhere for DuckDB than for the check. */
  statement: string;
}

const EXPLAIN = /^((?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*)(explain(?:\s+analyze)?)(?=[\s(])/i;

export function statementForm(sql: string): StatementForm {
  if (sql.length > MAX_STATEMENT_LENGTH) {
    throw new SqlError(
      'STATEMENT_REFUSED',
      `a query must have at most ${MAX_STATEMENT_LENGTH} characters (got ${sql.length})`,
    );
  }
  const match = EXPLAIN.exec(sql);
  if (match === null) return { select: sql, statement: sql };
  const [whole, comments, explain] = match;
  const rest = sql.slice(whole.length);
  return { select: blank(whole) + rest, statement: blank(comments) + explain + rest };
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

/**
 * @param serialized what json_serialize_sql made of {@link StatementForm.select}
 * @throws SqlError
 */
export function checkStatement(sql: string, serialized: string): void {
  const tree = JSON.parse(serialized) as {
    error: boolean;
    error_type?: string;
    error_message?: string;
    position?: string;
    statements?: unknown[];
  };
  if (tree.error) {
    if (tree.error_type !== 'parser') throw new SqlError('STATEMENT_REFUSED', ONE_SELECT);
    const at = tree.position === undefined ? null : positionOf(sql, Number(tree.position));
    throw new SqlError('INVALID_SQL', tree.error_message ?? 'it is no SQL', at);
  }
  if (tree.statements?.length !== 1) throw new SqlError('STATEMENT_REFUSED', ONE_SELECT);
  // Without recursion: a tree can be deeper than a stack.
  const open: unknown[] = [tree.statements[0]];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    checkNode(node as Record<string, unknown>, sql);
    for (const child of Object.values(node)) if (typeof child === 'object') open.push(child);
  }
}

const ONE_SELECT =
  'a query must be one SELECT (also WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW or EXPLAIN)';

function checkNode(node: Record<string, unknown>, sql: string): void {
  const refuse = (message: string) => {
    const offset = Number(node.query_location);
    const isKnown = Number.isSafeInteger(offset) && offset <= sql.length;
    throw new SqlError('STATEMENT_REFUSED', message, isKnown ? positionOf(sql, offset) : null);
  };
  if (node.type === 'TABLE_FUNCTION') {
    const name = textOf((node.function as Record<string, unknown> | undefined)?.function_name);
    if (!TABLE_FUNCTIONS.has(name)) refuse(`${name || 'this function'} is not allowed in FROM`);
  } else if (node.type === 'BASE_TABLE') {
    const [catalog, schema, table] = [node.catalog_name, node.schema_name, node.table_name].map(textOf);
    if (/[/\\:*?]|\.\w+$/.test(table)) refuse(`files cannot be read (got "${table}"): ask the views`);
    const isOurs = (catalog === '' || catalog === 'usage') && SCHEMAS.has(schema);
    if (!isOurs || (SYSTEM_TABLE.test(table) && !TABLE_FUNCTIONS.has(table)))
      refuse(
        `there is nothing to ask in ${[catalog, schema, table].filter((part) => part !== '').join('.')}`,
      );
  } else if (node.type === 'SHOW_REF') {
    const table = textOf(node.table_name);
    if (/[/\\:*?]|\.(csv|parquet|json|duckdb|db|txt)\b/.test(table))
      refuse(`files cannot be read (got ${table})`);
  } else if (node.class === 'FUNCTION') {
    const name = textOf(node.function_name);
    if (REFUSED_FUNCTIONS.has(name)) refuse(`the function ${name} is not allowed`);
  } else if (node.class === 'PARAMETER') {
    refuse('parameters have no values here: write the values into the query');
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}
