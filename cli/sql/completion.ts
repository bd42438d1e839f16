/** What Tab adds to a query: names of views and columns, and words of SQL. (Pure.) */

export interface Vocabulary {
  tables: string[];
  columns: string[];
}

const KEYWORDS = [
  'SELECT',
  'FROM',
  'WHERE',
  'GROUP BY',
  'ORDER BY',
  'HAVING',
  'LIMIT',
  'WITH',
  'AS',
  'AND',
  'OR',
  'NOT',
  'IN',
  'IS NULL',
  'JOIN',
  'LEFT JOIN',
  'USING',
  'ON',
  'UNION ALL',
  'DISTINCT',
  'CASE',
  'WHEN',
  'THEN',
  'ELSE',
  'END',
  'BETWEEN',
  'LIKE',
  'DESC',
  'ALL',
  'FILTER',
  'OVER',
  'PARTITION BY',
  'QUALIFY',
  'INTERVAL',
  'TIMESTAMP',
  'DATE',
  'DESCRIBE',
  'EXPLAIN',
  'SUMMARIZE',
  'SHOW TABLES',
  'sum(',
  'count(',
  'avg(',
  'min(',
  'max(',
  'any_value(',
  'date_trunc(',
  'coalesce(',
  'round(',
  'lag(',
  'row_number()',
];
const COMMANDS = ['.tables', '.schema', '.help', '.quit'];
/** After these, a view comes. */
const BEFORE_TABLE = /\b(?:from|join|describe|summarize|\.schema)\s+(\w*)$/i;

/** As readline asks for them: what fits, and the part of the line that it takes the place of. */
export function completions(line: string, { tables, columns }: Vocabulary): [string[], string] {
  if (/^\s*\.\w*$/.test(line)) return fitting(COMMANDS, line.trim());
  const table = BEFORE_TABLE.exec(line);
  if (table !== null) return fitting(tables, table[1]);
  const [word] = /[\w]*$/.exec(line)!;
  return fitting([...columns, ...tables, ...KEYWORDS], word);
}

function fitting(words: readonly string[], begun: string): [string[], string] {
  const found = words.filter((word) => word.toLowerCase().startsWith(begun.toLowerCase()));
  return [[...new Set(found)], begun];
}
