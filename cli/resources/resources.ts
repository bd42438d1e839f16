/** Customers, dimensions and meters over the API: list, show, create, put, update, delete. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { cursorParam, limitOf, optional, type PageFlags } from '../flags.ts';
import { type Params, ReceiverApi, type ReceiverFlags, segment } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';
import type { ResourceKind } from './kinds.ts';

export interface ListFlags extends ReceiverFlags, PageFlags {
  /** What an id or name begins with. */
  search?: string;
  discovered?: boolean;
  managedBy?: string;
  /** Of meters: deleted ones instead. */
  deleted?: boolean;
}

/** Fields as PUT and POST take them. */
export type Fields = Record<string, unknown>;

const Resource = z.looseObject({ id: z.string() });

/** @throws UsageError, RefusedError, ReceiverError */
export async function listResources<Row>(
  kind: ResourceKind<Row>,
  flags: ListFlags,
  shell: Shell,
): Promise<void> {
  const api = new ReceiverApi(flags, shell);
  const params: Params = [
    ...optional('q', flags.search),
    ...optional('discovered', flags.discovered === undefined ? undefined : String(flags.discovered)),
    ...optional('managedBy', flags.managedBy),
    ...optional('deleted', flags.deleted === undefined ? undefined : String(flags.deleted)),
    ...cursorParam(flags),
  ];
  const answer = await api.list(`/${kind.plural}`, params, kind.row, limitOf(flags));
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  if (answer.rows.length === 0) {
    shell.print(`No ${kind.plural}.`);
    return;
  }
  // A column that says nothing takes room from those that do.
  const columns = kind.columns.filter(
    ({ cell }, at) => at === 0 || answer.rows.some((row) => cell(row) !== ''),
  );
  shell.printTable(
    columns.map(({ title }) => title),
    answer.rows.map((row) => columns.map(({ cell }) => cell(row))),
  );
  shell.noteMore(answer.nextCursor);
}

/** @throws RefusedError, ReceiverError */
export async function showResource<Row>(
  { plural }: ResourceKind<Row>,
  id: string,
  flags: ReceiverFlags,
  shell: Shell,
  params: Params = [],
): Promise<void> {
  const body = await new ReceiverApi(flags, shell).get(`/${plural}/${segment(id)}`, params);
  if (flags.json) shell.printJson(body);
  else shell.print(fieldsText(body));
}

/** As YAML, which is also how usage-meter.yaml spells it. */
export function fieldsText(body: unknown): string {
  return stringify(body, { lineWidth: 0 }).trimEnd().split('\n').map(printable).join('\n');
}

/**
 * POST, which refuses what is declared already, or PUT, which takes its place.
 * @throws RefusedError, ReceiverError
 */
export async function writeResource<Row>(
  kind: ResourceKind<Row>,
  method: 'POST' | 'PUT',
  id: string,
  fields: Fields,
  flags: ReceiverFlags,
  shell: Shell,
): Promise<void> {
  const api = new ReceiverApi(flags, shell);
  const path = method === 'POST' ? `/${kind.plural}` : `/${kind.plural}/${segment(id)}`;
  const { status, body } = await api.send({
    method,
    path,
    body: JSON.stringify({ ...fields, id }),
    isRepeatable: method === 'PUT',
  });
  tell(kind.name, status === 201 ? 'created' : 'changed', body, flags, shell);
}

/**
 * Changes the fields that are given, and leaves the others as they are.
 * @throws UsageError where none is given; RefusedError, ReceiverError
 */
export async function updateResource<Row>(
  kind: ResourceKind<Row>,
  id: string,
  fields: Fields,
  flags: ReceiverFlags,
  shell: Shell,
): Promise<void> {
  if (Object.keys(fields).length === 0)
    throw new UsageError(`say what is to change: usage-meter ${kind.plural} update --help has the fields`);
  const api = new ReceiverApi(flags, shell);
  const path = `/${kind.plural}/${segment(id)}`;
  const { discovered: _discovered, managedBy: _managedBy, ...present } = Resource.parse(await api.get(path));
  // An alias finds its customer: the change is of that one.
  const { body } = await api.send({
    method: 'PUT',
    path: `/${kind.plural}/${segment(present.id)}`,
    body: JSON.stringify({ ...present, ...fields }),
    isRepeatable: true,
  });
  tell(kind.name, 'changed', body, flags, shell);
}

/** @throws RefusedError, ReceiverError */
export async function deleteResource<Row>(
  { name, plural }: ResourceKind<Row>,
  id: string,
  flags: ReceiverFlags,
  shell: Shell,
): Promise<void> {
  await new ReceiverApi(flags, shell).send({
    method: 'DELETE',
    path: `/${plural}/${segment(id)}`,
    isRepeatable: false,
  });
  if (flags.json) shell.printJson({ id, deleted: true });
  else shell.print(`${name} ${printable(id)} is deleted`);
}

function tell(name: string, what: string, body: unknown, flags: ReceiverFlags, shell: Shell): void {
  if (flags.json) shell.printJson(body);
  else shell.print(`${name} ${printable(Resource.parse(body).id)} is ${what}\n\n${fieldsText(body)}`);
}
