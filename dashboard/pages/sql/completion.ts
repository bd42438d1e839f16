/** What may stand at a place of a query: columns, views, macros and words of the language. (Pure.) */

export interface CatalogueEntry {
  kind: 'view' | 'column' | 'macro' | 'keyword';
  name: string;
  /** Of a column: its view. */
  view?: string;
  /** A column's type, a macro's parameters. */
  type?: string;
  comment?: string | null;
}

/** Asked as any other query: the catalogue describes itself. */
export const CATALOGUE_QUERY = `
  SELECT 'view' AS kind, view_name AS name, '' AS view, '' AS type, comment FROM duckdb_views() WHERE NOT internal
  UNION ALL
  SELECT 'column', column_name, table_name, data_type, comment FROM duckdb_columns() WHERE NOT internal
  UNION ALL
  SELECT 'macro', function_name, '', array_to_string(parameters, ', '), comment
  FROM duckdb_functions() WHERE NOT internal`;

/** Of columns in several views, those of the first are meant by most who ask. */
const FIRST_VIEWS = ['usage_daily', 'usage_records', 'quarantined'];

export function catalogueOf(rows: readonly unknown[][]): CatalogueEntry[] {
  const rank = (view: unknown): number => {
    const place = FIRST_VIEWS.indexOf(String(view));
    return place === -1 ? FIRST_VIEWS.length : place;
  };
  const sorted = rows.toSorted(([, , left], [, , right]) => rank(left) - rank(right));
  return sorted.map(([kind, name, view, type, comment]) => ({
    kind: kind as CatalogueEntry['kind'],
    name: String(name),
    ...(view === '' ? {} : { view: String(view) }),
    ...(type === '' ? {} : { type: String(type) }),
    comment: comment === null ? null : String(comment),
  }));
}

const KEYWORDS: readonly CatalogueEntry[] = (
  'SELECT,FROM,WHERE,GROUP BY,GROUP BY ALL,ORDER BY,ORDER BY ALL,HAVING,QUALIFY,LIMIT,OFFSET,WITH,AS,AND,OR,NOT,IN,' +
  'IS NULL,IS NOT NULL,BETWEEN,LIKE,ILIKE,CASE,WHEN,THEN,ELSE,END,JOIN,LEFT JOIN,CROSS JOIN,USING,ON,UNION ALL,DISTINCT,' +
  'ASC,DESC,FILTER,OVER,PARTITION BY,INTERVAL,CAST,DESCRIBE,SUMMARIZE,current_date,now(),count(,sum(,avg(,min(,max(,' +
  'round(,abs(,coalesce(,nullif(,date_trunc(,date_diff(,strftime(,any_value(,list('
)
  .split(',')
  .map((name) => ({ kind: 'keyword', name }));

export interface Completion {
  /** What the choice takes the place of. */
  from: number;
  to: number;
  entries: CatalogueEntry[];
}

const MOST = 60;
const WORD_BEFORE = /[\p{L}\p{N}_]*$/u;

/**
 * @param isAsked somebody wants to see what there is, without a letter of it
 * @returns null where nothing is to be completed
 */
export function completionAt(
  catalogue: readonly CatalogueEntry[],
  query: string,
  caret: number,
  isAsked: boolean,
): Completion | null {
  const before = query.slice(0, caret);
  if (isInText(before)) return null;
  const typed = WORD_BEFORE.exec(before)![0];
  const from = caret - typed.length;
  const word = typed.toLowerCase();
  const owner = /([\p{L}\p{N}_]+)\.$/u.exec(before.slice(0, from))?.[1];
  if (word === '' && owner === undefined && !isAsked) return null;
  if (/^\d/.test(word)) return null;
  const views = viewsIn(query, catalogue);
  let candidates: readonly CatalogueEntry[];
  if (owner === undefined) {
    const mentioned = new Set(views.values());
    const columns = catalogue.filter(({ kind }) => kind === 'column');
    const isNear = ({ view }: CatalogueEntry): boolean => mentioned.has(view ?? '');
    const others = catalogue.filter(({ kind }) => kind !== 'column');
    const near = columns.filter(isNear);
    const far = columns.filter((each) => !isNear(each));
    // Behind FROM, a view is wanted; before it, any column may be.
    if (/\b(from|join)\s+$/i.test(before.slice(0, from))) candidates = others;
    else if (near.length === 0) candidates = [...far, ...others, ...KEYWORDS];
    else candidates = [...near, ...others, ...KEYWORDS, ...far];
  } else {
    const view = views.get(owner.toLowerCase());
    candidates = catalogue.filter((entry) => entry.kind === 'column' && entry.view === view);
  }
  const entries = distinct([
    ...candidates.filter(({ name }) => name.toLowerCase().startsWith(word)),
    ...candidates.filter(({ name }) => name.toLowerCase().indexOf(word) > 0),
  ]).slice(0, MOST);
  // What is complete needs no completion.
  if (entries.length === 0 || (!isAsked && entries[0].name.toLowerCase() === word)) return null;
  return { from, to: caret, entries };
}

/** Names and aliases of the views that a query asks, in lower case. */
function viewsIn(query: string, catalogue: readonly CatalogueEntry[]): Map<string, string> {
  const known = new Map(
    catalogue.filter(({ kind }) => kind === 'view').map(({ name }) => [name.toLowerCase(), name]),
  );
  const views = new Map<string, string>();
  for (const [, name, alias] of query.matchAll(/\b(?:from|join)\s+(\w+)(?:\s+(?:as\s+)?(\w+))?/gi)) {
    const view = known.get(name.toLowerCase());
    if (view === undefined) continue;
    views.set(name.toLowerCase(), view);
    if (alias !== undefined) views.set(alias.toLowerCase(), view);
  }
  return views;
}

/** A column of several views stands once. */
function distinct(entries: readonly CatalogueEntry[]): CatalogueEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ kind, name }) => {
    const key = `${kind} ${name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Whether a place is in a text, a quoted name or a comment. */
function isInText(before: string): boolean {
  const closed = before.replace(/'[^']*'|"[^"]*"|--[^\n]*\n|\/\*[\s\S]*?\*\//g, ' ');
  return /['"]|--|\/\*/.test(closed);
}

/** What is written for a choice. */
export function insertionOf({ kind, name }: CatalogueEntry): string {
  return kind === 'macro' ? `${name}(` : name;
}
