/** Which column, or which constant, gives each field of a usage record. (Pure.) */

import { hash } from 'node:crypto';
import { textFromInstant } from '../../storage/query/instant.ts';
import { MAX_ID_LENGTH } from '../../storage/resources.ts';
import { parseExactJson } from './exact-json.ts';
import { ImportError } from './import-error.ts';
import { quantityFromText } from './record-value.ts';
import type { Cell, Cells, RowFault } from './source-row.ts';
import { type TimeFormat, TimestampReader } from './timestamp.ts';

/** Fields of a usage record that a column can give. */
export const FIELDS = ['customerId', 'dimensionId', 'recordValue', 'timestamp', 'startTime', 'id'] as const;
export type Field = (typeof FIELDS)[number];
const REQUIRED: readonly Field[] = ['customerId', 'dimensionId', 'recordValue', 'timestamp'];

/** Columns of these names are taken without being mapped. An `id` is not: see docs/import.md. */
const DEFAULT_COLUMNS: readonly [Field, string, string][] = [
  ['customerId', 'customerId', 'customer_id'],
  ['dimensionId', 'dimensionId', 'dimension_id'],
  ['recordValue', 'recordValue', 'record_value'],
  ['timestamp', 'timestamp', 'timestamp'],
  ['startTime', 'startTime', 'start_time'],
];
/** Ids of dimensions that derived ids name; longer ones go in as a hash, since ids have an end. */
const MAX_NAMED_LENGTH = 256;
const METADATA = 'metadata';
const METADATA_PREFIX = 'metadata.';

export interface MappingOptions {
  /** Field or `metadata.KEY` to column. */
  columns: ReadonlyMap<string, string>;
  /** Field or `metadata.KEY` to the value of all rows. */
  constants: ReadonlyMap<string, string>;
  /** `default`: columns `metadata` and `metadata.*`; `all`: these and what is not used otherwise. */
  metadata: 'default' | 'all' | 'none' | readonly string[];
  timeFormat: TimeFormat;
  /** IANA zone of times without an offset; null: such times are refused. */
  timeZone: string | null;
  /** Values of more than 12 fraction digits are rounded half to even; else they are refused. */
  roundsValues: boolean;
}

/** A usage record as POST /api/v1/usage takes it. */
export interface ImportedRecord {
  timestamp: string;
  customerId: string;
  dimensionId: string;
  recordValue: string;
  metadata: Record<string, string>;
  startTime?: string;
  id: string;
}

export interface MappedRow {
  record: ImportedRecord;
  /** recordValue × 10^12. */
  scaled: bigint;
}

/** What a file's format knows of a column beyond its name. */
export interface SourceColumn {
  name: string;
  /** Its cells are objects. */
  isObject?: boolean;
  /** Its numbers are doubles, which have no digits of their own to keep: they are rounded to 12 places. */
  isDouble?: boolean;
  /** What keeps it from being read. */
  unreadable?: string | null;
}

/** Where a value comes from. `name` is how the rejects file calls it. */
interface Source {
  name: string;
  read: (cells: Cells) => Cell;
  isDouble: boolean;
}

/** What maps the rows of one file. */
export interface RowMapper {
  /** Places of the columns that are read, where the file is a table. */
  used: readonly number[];
  /** @returns all that is wrong with the row, where something is */
  map(cells: Cells, row: number, contentHash: string): MappedRow | RowFault[];
  /** The column of a field of the API, for faults that the receiver finds. */
  columnOf(field: string): string;
}

/**
 * A mapper of a table's rows.
 * @throws ImportError "WRONG_MAPPING" naming the columns that are missing, and those that are there
 */
export function mapTable(options: MappingOptions, columns: readonly SourceColumn[]): RowMapper {
  const places = new Map<string, number>();
  const repeated = new Set<string>();
  for (const [place, { name }] of columns.entries()) {
    if (places.has(name)) repeated.add(name);
    else places.set(name, place);
  }
  const used = new Set<number>();
  const source = (name: string): Source | null => {
    const place = places.get(name);
    if (place === undefined) return null;
    const { unreadable, isDouble = false } = columns[place];
    if (repeated.has(name)) throw wrongMapping(`has the column "${name}" more than once`);
    if (unreadable != null) throw wrongMapping(`has a column "${name}" that is ${unreadable}`);
    used.add(place);
    return { name, read: (cells) => (cells as readonly Cell[])[place], isDouble };
  };
  const fields = bindFields(options, source, `it has: ${columns.map(({ name }) => name).join(', ')}`);
  const metadata = bindMetadata(options, source);
  const isField = new Set([...fields.values()].flatMap((bound) => ('name' in bound ? [bound.name] : [])));
  const addAll = (columnsToAdd: readonly SourceColumn[]) => {
    for (const { name, isObject, unreadable } of columnsToAdd) {
      const key = name.startsWith(METADATA_PREFIX) ? name.slice(METADATA_PREFIX.length) : name;
      if (isField.has(name) || metadata.has(key) || isObject === true || unreadable != null) continue;
      metadata.set(key, source(name)!);
    }
  };
  let objects: Source | null = null;
  if (options.metadata === 'default' || options.metadata === 'all') {
    if (!isField.has(METADATA)) objects = source(METADATA);
    // A struct's fields are also columns of their own, and come with it already.
    const others = columns.filter(({ name }) => objects === null || !name.startsWith(METADATA_PREFIX));
    const all = options.metadata === 'all';
    addAll(others.filter(({ name }) => name !== '' && (all || name.startsWith(METADATA_PREFIX))));
  }
  return mapper(options, fields, metadata, objects, null, [...used]);
}

/** A mapper of NDJSON rows, each of which may have other fields: what is missing is a fault of the row. */
export function mapObjects(options: MappingOptions): RowMapper {
  const source = (name: string): Source => ({ name, read: (cells) => atPath(cells, name), isDouble: false });
  const fields = new Map<Field, Bound>();
  for (const field of FIELDS) {
    const constant = options.constants.get(field);
    const column = options.columns.get(field);
    const names = DEFAULT_COLUMNS.find(([name]) => name === field);
    if (constant !== undefined) fields.set(field, { constant });
    else if (column !== undefined) fields.set(field, source(column));
    else if (names !== undefined) {
      const [, api, snake] = names;
      fields.set(field, {
        name: api,
        read: (cells) => atPath(cells, api) ?? atPath(cells, snake),
        isDouble: false,
      });
    }
  }
  const metadata = bindMetadata(options, source);
  const takesDefault = options.metadata === 'default' || options.metadata === 'all';
  const isField = new Set([
    ...[...fields.values()].flatMap((bound) => ('name' in bound ? [bound.name] : [])),
    ...DEFAULT_COLUMNS.flatMap(([field, , snake]) => (fields.has(field) ? [snake] : [])),
  ]);
  const rest = (cells: Cells): NamedPair[] =>
    Object.entries(cells as Record<string, Cell>).flatMap(([name, cell]): NamedPair[] => {
      if (isField.has(name) || name === METADATA) return [];
      if (name.startsWith(METADATA_PREFIX)) return [[name.slice(METADATA_PREFIX.length), name, cell]];
      return options.metadata === 'all' ? [[name, name, cell]] : [];
    });
  const objects = takesDefault && !isField.has(METADATA) ? source(METADATA) : null;
  return mapper(options, fields, metadata, objects, takesDefault ? rest : null, []);
}

type Bound = Source | { constant: string };
/** Metadata key, column, value. */
type NamedPair = [string, string, Cell];

function bindFields(
  options: MappingOptions,
  source: (name: string) => Source | null,
  whatIsThere: string,
): Map<Field, Bound> {
  const fields = new Map<Field, Bound>();
  for (const field of FIELDS) {
    const constant = options.constants.get(field);
    const column = options.columns.get(field);
    if (constant !== undefined) {
      fields.set(field, { constant });
    } else if (column !== undefined) {
      const bound = source(column);
      if (bound === null)
        throw wrongMapping(`has no column "${column}", which --map takes for ${field}; ${whatIsThere}`);
      fields.set(field, bound);
    } else {
      const names = DEFAULT_COLUMNS.find(([name]) => name === field)?.slice(1) ?? [];
      const found = [...new Set(names)].flatMap((name) => source(name) ?? []);
      if (found.length > 1)
        throw wrongMapping(
          `has both ${found.map(({ name }) => name).join(' and ')}: --map ${field}=COLUMN says which`,
        );
      if (found.length === 1) fields.set(field, found[0]);
      else if (REQUIRED.includes(field))
        throw wrongMapping(
          `has no column for ${field}: --map ${field}=COLUMN or --set ${field}=VALUE; ${whatIsThere}`,
        );
    }
  }
  return fields;
}

/** Pairs that flags name: `--map metadata.KEY=`, `--set metadata.KEY=` and `--metadata a,b`. */
function bindMetadata(options: MappingOptions, source: (name: string) => Source | null): Map<string, Bound> {
  const metadata = new Map<string, Bound>();
  const bind = (key: string, column: string, flag: string) => {
    const bound = source(column);
    if (bound === null) throw wrongMapping(`has no column "${column}", which ${flag} names`);
    metadata.set(key, bound);
  };
  if (typeof options.metadata === 'object')
    for (const column of options.metadata) bind(column, column, '--metadata');
  for (const [target, column] of options.columns)
    if (target.startsWith(METADATA_PREFIX)) bind(target.slice(METADATA_PREFIX.length), column, '--map');
  for (const [target, constant] of options.constants)
    if (target.startsWith(METADATA_PREFIX)) metadata.set(target.slice(METADATA_PREFIX.length), { constant });
  return metadata;
}

function mapper(
  options: MappingOptions,
  fields: ReadonlyMap<Field, Bound>,
  metadata: ReadonlyMap<string, Bound>,
  objects: Source | null,
  rest: ((cells: Cells) => NamedPair[]) | null,
  used: readonly number[],
): RowMapper {
  const times = new TimestampReader(options.timeFormat, options.timeZone);
  // A constant says in itself what it is.
  const constantTimes = new TimestampReader('text', options.timeZone);
  const [customer, dimension, value, time, start, id] = FIELDS.map((field) => fields.get(field));
  const readTime = (bound: Bound, text: string) => ('constant' in bound ? constantTimes : times).read(text);

  const map = (cells: Cells, row: number, contentHash: string): MappedRow | RowFault[] => {
    const faults: RowFault[] = [];
    const text = (bound: Bound | undefined, field: Field): string | null => {
      if (bound === undefined) return null;
      if ('constant' in bound) return bound.constant;
      const cell = bound.read(cells);
      const problem = cell == null ? null : textFault(cell);
      if (problem !== null) faults.push({ column: bound.name, value: shown(cell), problem });
      else if (cell != null && cell !== '') return String(cell);
      else if (field !== 'startTime')
        faults.push({ column: bound.name, value: '', problem: `there is no ${field}` });
      return null;
    };
    const fault = (bound: Bound, cell: string, problem: string) =>
      faults.push({ column: nameOf(bound), value: cell, problem });

    const customerId = text(customer, 'customerId');
    const dimensionId = text(dimension, 'dimensionId');
    for (const [bound, resourceId] of [
      [customer, customerId],
      [dimension, dimensionId],
    ] as const)
      if (resourceId !== null && resourceId.length > MAX_ID_LENGTH)
        fault(bound!, resourceId, `must have at most ${MAX_ID_LENGTH} characters`);
    const valueText = text(value, 'recordValue');
    const rounds = options.roundsValues || (value !== undefined && 'isDouble' in value && value.isDouble);
    const quantity = valueText === null ? null : quantityFromText(valueText, rounds);
    if (quantity !== null && 'problem' in quantity) fault(value!, valueText!, quantity.problem);
    const timeText = text(time, 'timestamp');
    const timeUnixNano = timeText === null ? null : readTime(time!, timeText);
    if (timeUnixNano !== null && typeof timeUnixNano !== 'bigint')
      fault(time!, timeText!, timeUnixNano.problem);
    const startText = text(start, 'startTime');
    const startUnixNano = startText === null ? null : readTime(start!, startText);
    if (startUnixNano !== null && typeof startUnixNano !== 'bigint')
      fault(start!, startText!, startUnixNano.problem);
    else if (startUnixNano !== null && typeof timeUnixNano === 'bigint' && startUnixNano > timeUnixNano)
      fault(start!, startText!, 'is after the timestamp');
    const ownId = text(id, 'id');

    const pairs: [string, string][] = [];
    const add = (key: string, column: string, cell: Cell) => {
      if (cell == null) return;
      const problem = key.isWellFormed() && key !== '' ? textFault(cell) : 'is no metadata key';
      if (problem !== null) faults.push({ column, value: shown(cell), problem });
      else pairs.push([key, String(cell)]);
    };
    if (objects !== null) addObject(objects.name, objects.read(cells), add, faults);
    if (rest !== null) for (const [key, name, cell] of rest(cells)) add(key, name, cell);
    for (const [key, bound] of metadata)
      add(key, nameOf(bound), 'constant' in bound ? bound.constant : bound.read(cells));

    if (faults.length > 0) return faults;
    const { scaled, text: recordValue } = quantity as { scaled: bigint; text: string };
    const record: ImportedRecord = {
      timestamp: textFromInstant(timeUnixNano as bigint),
      customerId: customerId!,
      dimensionId: dimensionId!,
      recordValue,
      metadata: Object.fromEntries(pairs),
      id: ownId ?? derivedId(contentHash, row, dimensionId!),
    };
    if (startUnixNano !== null) record.startTime = textFromInstant(startUnixNano as bigint);
    return { record, scaled };
  };

  return {
    used,
    map,
    columnOf(field) {
      const bound = FIELDS.includes(field as Field)
        ? fields.get(field as Field)
        : metadata.get(field.slice(9));
      return bound === undefined ? field : nameOf(bound);
    },
  };
}

/**
 * What makes a row the same row when its file is imported again. The dimension is part of it, so that a file with a
 * column per dimension can be imported once for each.
 */
function derivedId(contentHash: string, row: number, dimensionId: string): string {
  const dimension =
    dimensionId.length <= MAX_NAMED_LENGTH ? dimensionId : hash('sha256', dimensionId).slice(0, 32);
  return `import:${contentHash}:${row}:${dimension}`;
}

function addObject(
  name: string,
  cell: Cell,
  add: (key: string, column: string, cell: Cell) => void,
  faults: RowFault[],
): void {
  if (cell == null) return;
  let object: unknown = cell;
  if (typeof cell === 'string') {
    try {
      object = parseExactJson(cell);
    } catch {
      object = null;
    }
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    faults.push({ column: name, value: shown(cell), problem: 'must be a JSON object of texts' });
    return;
  }
  for (const [key, value] of Object.entries(object)) add(key, `${name}.${key}`, value as Cell);
}

/** A value by its full name, else by the steps between the points. Own fields only. */
function atPath(cells: Cells, path: string): Cell {
  const object = cells as Record<string, Cell>;
  if (Object.hasOwn(object, path)) return object[path];
  const point = path.indexOf('.');
  if (point < 0) return undefined;
  const inner = Object.hasOwn(object, path.slice(0, point)) ? object[path.slice(0, point)] : undefined;
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? atPath(inner as Record<string, Cell>, path.slice(point + 1))
    : undefined;
}

function textFault(cell: NonNullable<Cell>): string | null {
  if (typeof cell === 'object') return 'must be a text, a number or a boolean';
  if (typeof cell === 'boolean') return null;
  if (!cell.isWellFormed()) return 'is not valid UTF-8';
  return cell.includes('\0') ? 'has the character NUL' : null;
}

function shown(cell: Cell): string {
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell ?? '');
}

function nameOf(bound: Bound): string {
  return 'name' in bound ? bound.name : '--set';
}

function wrongMapping(message: string): ImportError {
  return new ImportError('WRONG_MAPPING', message);
}
