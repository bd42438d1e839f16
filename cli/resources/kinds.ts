/** What people declare, as commands tell it. (Pure.) */
import { z } from 'zod';
import { decimal, number, printable } from '../text-table.ts';

/** One kind of what people declare: its name, its place in the API, its columns in a list. */
export interface ResourceKind<Row> {
  /** `customer` */
  name: string;
  /** Its list in the API and on the command line: `customers`. */
  plural: string;
  /** What is read of it; the rest is kept as it came. */
  row: z.ZodType<Row>;
  columns: readonly { title: string; cell: (row: Row) => string }[];
}

const id = z.string();
const text = z.string().nullable();
const declared = { discovered: z.boolean(), managedBy: z.string().nullable() };

const Customer = z.looseObject({
  id,
  name: text,
  email: text,
  timeZone: text,
  aliases: z.array(z.string()),
  ...declared,
});

export const CUSTOMERS: ResourceKind<z.infer<typeof Customer>> = {
  name: 'customer',
  plural: 'customers',
  row: Customer,
  columns: [
    { title: 'customer', cell: (row) => printable(row.id) },
    { title: 'name', cell: (row) => shown(row.name) },
    { title: 'email', cell: (row) => shown(row.email) },
    { title: 'time zone', cell: (row) => shown(row.timeZone) },
    { title: 'aliases', cell: (row) => printable(row.aliases.join(' ')) },
    { title: 'from', cell: originOf },
  ],
};

const Dimension = z.looseObject({
  id,
  name: text,
  unit: z.string(),
  aggregation: z.string(),
  interval: z.string(),
  usageIncrement: text,
  unitPrice: text,
  rounding: text,
  ...declared,
});

export const DIMENSIONS: ResourceKind<z.infer<typeof Dimension>> = {
  name: 'dimension',
  plural: 'dimensions',
  row: Dimension,
  columns: [
    { title: 'dimension', cell: (row) => printable(row.id) },
    { title: 'name', cell: (row) => shown(row.name) },
    { title: 'unit', cell: (row) => printable(row.unit) },
    { title: 'aggregation', cell: (row) => row.aggregation },
    { title: 'interval', cell: (row) => (row.interval === 'none' ? '' : row.interval) },
    { title: 'increment', cell: (row) => (row.usageIncrement === null ? '' : decimal(row.usageIncrement)) },
    { title: 'rounding', cell: (row) => row.rounding ?? '' },
    { title: 'unit price', cell: (row) => (row.unitPrice === null ? '' : decimal(row.unitPrice)) },
    { title: 'from', cell: originOf },
  ],
};

const Meter = z.looseObject({
  id,
  name: text,
  version: z.int(),
  enabled: z.boolean(),
  signals: z.array(z.string()),
  managedBy: z.string(),
  deleted: z.boolean(),
});

export const METERS: ResourceKind<z.infer<typeof Meter>> = {
  name: 'meter',
  plural: 'meters',
  row: Meter,
  columns: [
    { title: 'meter', cell: (row) => printable(row.id) },
    { title: 'version', cell: (row) => number(row.version) },
    { title: 'state', cell: (row) => (row.deleted ? 'deleted' : row.enabled ? 'on' : 'off') },
    { title: 'signals', cell: (row) => row.signals.join(' ') },
    { title: 'from', cell: (row) => row.managedBy },
    { title: 'name', cell: (row) => shown(row.name) },
  ],
};

function shown(text: string | null): string {
  return printable(text ?? '');
}

/** `api`, `file`, or `usage` where it was discovered. */
function originOf({ discovered, managedBy }: { discovered: boolean; managedBy: string | null }): string {
  return discovered ? 'usage' : (managedBy ?? '');
}
