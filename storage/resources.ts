/**
 * Customers and dimensions as people declare them: over HTTP, in usage-meter.yaml and in the journal, the same shape.
 *
 * Source: the field names are the API's (docs/api.md). Unset optional fields are null.
 */
import { z } from 'zod';
import { decimalText } from './decimal-text.ts';

/** A longer id of a customer or dimension is none that anybody chose. */
export const MAX_ID_LENGTH = 1024;

export const ResourceId = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_ID_LENGTH, `must have at most ${MAX_ID_LENGTH} characters`);

const TimeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'must be an IANA time zone, like Europe/Berlin');

/** What a person says of a customer. */
export const CustomerDeclaration = z.strictObject({
  id: ResourceId,
  name: z.string().max(1024).nullable().default(null),
  email: z.email().max(320).nullable().default(null),
  timeZone: TimeZone.nullable().default(null),
  /** Other ids that mean this customer. */
  aliases: z.array(ResourceId).max(1000).default([]),
  metadata: z.record(z.string().min(1).max(256), z.string().max(4096)).default({}),
});
export type CustomerDeclaration = z.infer<typeof CustomerDeclaration>;

export const AGGREGATIONS = [
  'sum',
  'count',
  'max',
  'min',
  'last',
  'average',
  'unique',
  'time_weighted',
  'time_integral',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** A decimal above zero, as text: at most 26 integer and 12 fraction digits. */
const PositiveDecimal = decimalText.refine(
  (text) => !text.startsWith('-') && /[1-9]/.test(text),
  'must be greater than 0',
);

/** What a person says of a dimension. */
export const DimensionDeclaration = z
  .strictObject({
    id: ResourceId,
    name: z.string().max(1024).nullable().default(null),
    /** UCUM; `1` for plain counts. */
    unit: z.string().max(256).default('1'),
    aggregation: z.enum(AGGREGATIONS).default('sum'),
    /** Metadata key whose values aggregation `unique` counts. */
    uniqueKey: z.string().min(1).max(256).nullable().default(null),
    /** Seconds for which a level holds at most. */
    levelTtl: z.int().positive().nullable().default(null),
    interval: z.enum(['none', 'hour', 'day', 'month']).default('none'),
    /** Billed in multiples of this; a decimal as text. */
    usageIncrement: PositiveDecimal.nullable().default(null),
    /** Price of one unit; a decimal as text. */
    unitPrice: decimalText.nullable().default(null),
    rounding: z.enum(['floor', 'ceiling', 'round']).nullable().default(null),
    creditsAllowed: z.boolean().default(false),
  })
  .superRefine((dimension, context) => {
    if ((dimension.aggregation === 'unique') !== (dimension.uniqueKey !== null)) {
      context.addIssue({
        code: 'custom',
        path: ['uniqueKey'],
        message:
          dimension.aggregation === 'unique'
            ? 'aggregation unique needs the metadata key whose values it counts'
            : `only aggregation unique has a uniqueKey (got aggregation ${dimension.aggregation})`,
      });
    }
  });
export type DimensionDeclaration = z.infer<typeof DimensionDeclaration>;

/** Who declares a resource: people over the API, or the configuration file, which alone changes its own. */
export type ManagedBy = 'api' | 'file';

/** A customer as it is known. `discovered`: nobody declared it, it was created because usage came. */
export interface Customer extends CustomerDeclaration {
  discovered: boolean;
  managedBy: ManagedBy | null;
}

/** A dimension as it is known. `discovered`: nobody declared it, it was created because usage came. */
export interface Dimension extends DimensionDeclaration {
  discovered: boolean;
  managedBy: ManagedBy | null;
}
