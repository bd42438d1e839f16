/** What the lists of customers, dimensions and meters have in common: search, order and pages. */
import { z } from 'zod';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import type { QueryParameters } from './parameters.ts';
import type { BoundValues } from './statement.ts';

/** Plain data: it may be posted to another thread. */
export interface ResourceListQuery {
  /** What an id, or another text that the list is searched by, begins with, in any case; null = all. */
  search: string | null;
  /** Who declared them; null = all, also those that nobody declared. */
  managedBy: 'api' | 'file' | null;
  /** Rows of this page at most. */
  limit: number;
  /** Id of the last row of the page before. */
  after: CursorPosition | null;
}

/** Parameters of every list. */
export const LIST_PARAMETERS = ['q', 'managedBy', 'limit', 'cursor'] as const;

const managedBy = z.enum(['api', 'file'], { error: 'managedBy must be api or file' });

/** Reads {@link LIST_PARAMETERS}. An empty `q` is what an empty search box sends: it leaves nothing out. */
export function listParameters(parameters: QueryParameters): ResourceListQuery {
  return {
    search: parameters.one('q', z.string()) || null,
    managedBy: parameters.one('managedBy', managedBy) ?? null,
    limit: parameters.limit(),
    after: null,
  };
}

/** Reads `cursor`, once all else that belongs to the question is known. */
export function withListCursor<Query extends ResourceListQuery>(
  parameters: QueryParameters,
  query: Query,
): Query {
  const cursor = parameters.one('cursor', z.string());
  if (cursor === undefined) return query;
  return { ...query, after: cursorPosition(cursor, listFingerprint(query), isPosition) };
}

/** `name` must be true or false; undefined where it did not come. */
export function booleanParameter(parameters: QueryParameters, name: string): boolean | undefined {
  const schema = z
    .enum(['true', 'false'], { error: `${name} must be true or false` })
    .transform((text) => text === 'true');
  return parameters.one(name, schema);
}

function isPosition([id, ...rest]: CursorPosition): boolean {
  return rest.length === 0 && typeof id === 'string';
}

/** A short, stable name of the question that a list answers. */
export function listFingerprint({ limit: _limit, after: _after, ...question }: ResourceListQuery): string {
  return fingerprint(question);
}

/** One page of a list. */
export interface ResourceList<Row> {
  /** By id, as bytes. */
  rows: Row[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

/** Cuts a page of rows of which one more than the limit was read. */
export function listPage<Row extends { id: string }>(
  query: ResourceListQuery,
  read: Row[],
): ResourceList<Row> {
  if (read.length <= query.limit) return { rows: read, nextCursor: null };
  const rows = read.slice(0, query.limit);
  return { rows, nextCursor: cursorText(listFingerprint(query), [rows[query.limit - 1].id]) };
}

/** SQL of the texts that a list is searched by, each asked by `isFound`; NULL matches nothing. */
export type SearchedTexts = (isFound: (text: string) => string) => string[];

/** Conditions of a list on the columns `managed_by` and that of the id. */
export function listConditions(
  query: ResourceListQuery,
  idColumn: string,
  searched: SearchedTexts,
  bound: BoundValues,
): string[] {
  const conditions: string[] = [];
  if (query.managedBy !== null) conditions.push(`managed_by = ${bound.text(query.managedBy)}`);
  if (query.after !== null) conditions.push(`${idColumn} > ${bound.text(query.after[0]!)}`);
  if (query.search !== null) conditions.push(textCondition('starts_with', query.search, searched, bound));
  return conditions;
}

/** Whether one of the texts begins with what is searched, or has it in it, in any case. */
export function textCondition(
  relation: 'starts_with' | 'contains',
  search: string,
  searched: SearchedTexts,
  bound: BoundValues,
): string {
  const wanted = bound.text(search);
  // Not LIKE: in ids % and _ are letters like any other.
  const found = searched((text) => `${relation}(lower(${text}), lower(${wanted}))`);
  return `(${found.map((each) => `coalesce(${each}, false)`).join(' OR ')})`;
}
