/** A row of GET /api/v1/usage. */
import { z } from 'zod';

/** What this release answers; what another one adds is kept. Quantities are exact decimals as text. */
export const UsageRow = z.looseObject({
  customerId: z.string().optional(),
  dimensionId: z.string().optional(),
  metadata: z.record(z.string(), z.string().nullable()).optional(),
  unit: z.string(),
  windowStart: z.string(),
  windowEnd: z.string(),
  quantity: z.string(),
  billableQuantity: z.string(),
  amount: z.string().optional(),
  records: z.int(),
});
export type UsageRow = z.infer<typeof UsageRow>;
