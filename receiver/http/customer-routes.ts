/** /api/v1/customers: who is billed. */
import type { Router } from 'express';
import { parseCustomersQuery } from '../../storage/query/index.ts';
import { type Customer, CustomerDeclaration } from '../../storage/resources.ts';
import type { Ingest } from '../ingest.ts';
import { type ApiAccess, type ApiAnswer, caughtUp, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { type FieldError, invalidFields, ProblemError } from './problem.ts';
import { nowUnixNano, question, waited } from './questions.ts';
import {
  alreadyDeclared,
  declaredFields,
  locationOf,
  notFound,
  refuseFileManaged,
} from './resource-rules.ts';
import type { Turns } from './turns.ts';

export function customerRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  route(router, access, '/customers', {
    GET: question((params) => ({ type: 'customers', query: parseCustomersQuery(params, nowUnixNano()) })),
    POST: async (request) => {
      const customer = readCustomer(declaredFields(request));
      return await writes.take(() => declare(request.ingest, customer, false));
    },
  });
  route(router, access, '/customers/:id', {
    GET: async (request) => {
      await waited(request);
      const customer = await find(request.ingest, request.path.id);
      if (customer === null) throw unknown(request.ingest, request.path.id);
      return { status: 200, body: customer };
    },
    PUT: async (request) => {
      const customer = readCustomer(declaredFields(request, request.path.id));
      return await writes.take(() => declare(request.ingest, customer, true));
    },
    DELETE: ({ ingest, path }) => writes.take(() => remove(ingest, path.id)),
  });
}

function find(ingest: Ingest, id: string): Promise<Customer | null> {
  return ingest.ledger.query({ type: 'customer', query: id });
}

/** An alias is no customer of its own, but the way to one. */
function unknown({ registry }: Ingest, id: string): ProblemError {
  const owner = registry.customerOf(id);
  if (owner === id) return notFound('customer', id);
  const detail = `${JSON.stringify(id)} is an alias of customer ${JSON.stringify(owner)}`;
  return new ProblemError(404, 'NOT_FOUND', detail);
}

function readCustomer(fields: Record<string, unknown>): CustomerDeclaration {
  const customer = parseBody(CustomerDeclaration, fields);
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, alias] of customer.aliases.entries()) {
    const path = `aliases[${index}]`;
    if (alias === customer.id) errors.push({ path, message: 'is the id of the customer itself' });
    else if (seen.has(alias)) errors.push({ path, message: `${JSON.stringify(alias)} stands here twice` });
    seen.add(alias);
  }
  if (errors.length > 0) throw invalidFields(errors);
  return customer;
}

async function declare(ingest: Ingest, customer: CustomerDeclaration, replaces: boolean): Promise<ApiAnswer> {
  const { id } = customer;
  await caughtUp(ingest);
  const known = await find(ingest, id);
  refuseFileManaged('customer', id, known?.managedBy);
  if (known !== null && !known.discovered && !replaces) throw alreadyDeclared('customer', id);
  await checkAliases(ingest, customer);
  await ingest.change({ changes: [{ type: 'customer_put', customer, managedBy: 'api' }] });
  const body: Customer = { ...customer, discovered: false, managedBy: 'api' };
  const created = known === null || !replaces;
  return { status: created ? 201 : 200, body, headers: created ? locationOf('customers', id) : {} };
}

/** An alias takes over what was discovered under it, and nothing that somebody declared. @throws ProblemError 409 */
async function checkAliases(ingest: Ingest, { id, aliases }: CustomerDeclaration): Promise<void> {
  const { registry } = ingest;
  const owner = registry.customerOf(id);
  if (owner !== id)
    throw new ProblemError(
      409,
      'ALIAS_TAKEN',
      `${JSON.stringify(id)} is an alias of customer ${JSON.stringify(owner)}: take it out there first`,
    );
  const errors: FieldError[] = [];
  for (const [index, alias] of aliases.entries()) {
    const path = `aliases[${index}]`;
    const other = registry.customerOf(alias);
    if (other !== alias && other !== id) {
      errors.push({
        path,
        message: `${JSON.stringify(alias)} is an alias of customer ${JSON.stringify(other)}`,
      });
    } else if (other === alias && registry.customers.has(alias)) {
      const customer = await find(ingest, alias);
      if (customer === null || customer.discovered) continue;
      const message = `${JSON.stringify(alias)} is a customer that was declared: an alias takes over only discovered ones`;
      errors.push({ path, message });
    }
  }
  if (errors.length > 0)
    throw new ProblemError(409, 'ALIAS_TAKEN', `${errors[0].path}: ${errors[0].message}`, errors);
}

async function remove(ingest: Ingest, id: string): Promise<ApiAnswer> {
  await caughtUp(ingest);
  const known = await find(ingest, id);
  if (known === null) throw unknown(ingest, id);
  refuseFileManaged('customer', id, known.managedBy);
  const { hasUsage } = await ingest.ledger.query({ type: 'hasUsage', query: { customerId: id } });
  if (hasUsage)
    throw new ProblemError(
      409,
      'HAS_USAGE',
      `customer ${JSON.stringify(id)} has usage, which would belong to nobody: void its records first, or keep it`,
    );
  await ingest.change({ changes: [{ type: 'customer_deleted', id }] });
  return { status: 204 };
}
