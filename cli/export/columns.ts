/** The columns of what is exported, the same in CSV and Parquet. (Pure.) */
import { z } from 'zod';
import type { UsageRow } from '../usage/usage-row.ts';

/** How a column stands in Parquet. In CSV all are text. */
export type ColumnType =
  | { is: 'text' | 'integer' | 'time' | 'map' }
  /** DECIMAL(38, scale). */
  | { is: 'decimal'; scale: number };

export interface Column<Row> {
  name: string;
  type: ColumnType;
  /** Exact, as the API spells it; null where there is none. */
  value: (row: Row) => string | number | Record<string, string> | null;
}

const TEXT = { is: 'text' } as const;
const TIME = { is: 'time' } as const;
const MAP = { is: 'map' } as const;
const INTEGER = { is: 'integer' } as const;
const QUANTITY = { is: 'decimal', scale: 12 } as const;
/** A quantity times a price: 12 fraction digits each. */
const AMOUNT = { is: 'decimal', scale: 24 } as const;

/** A row of GET /api/v1/records. */
export const UsageRecord = z.looseObject({
  recordId: z.string(),
  customerId: z.string(),
  dimensionId: z.string(),
  recordValue: z.string(),
  unit: z.string(),
  timestamp: z.string(),
  startTime: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  meterId: z.string(),
  meterVersion: z.int(),
  kind: z.string(),
});
export type UsageRecord = z.infer<typeof UsageRecord>;

/** Those that `usage-meter import` reads have the names that it looks for. */
export const RECORD_COLUMNS: readonly Column<UsageRecord>[] = [
  { name: 'recordId', type: TEXT, value: (row) => row.recordId },
  { name: 'customerId', type: TEXT, value: (row) => row.customerId },
  { name: 'dimensionId', type: TEXT, value: (row) => row.dimensionId },
  { name: 'recordValue', type: QUANTITY, value: (row) => row.recordValue },
  { name: 'unit', type: TEXT, value: (row) => row.unit },
  { name: 'timestamp', type: TIME, value: (row) => row.timestamp },
  { name: 'startTime', type: TIME, value: (row) => row.startTime ?? null },
  { name: 'metadata', type: MAP, value: (row) => row.metadata },
  { name: 'meterId', type: TEXT, value: (row) => row.meterId },
  { name: 'meterVersion', type: INTEGER, value: (row) => row.meterVersion },
  { name: 'kind', type: TEXT, value: (row) => row.kind },
];

/** @param groupBy as the flag has it: `customerId,dimensionId` where it is not given */
export function usageColumns(groupBy = 'customerId,dimensionId'): Column<UsageRow>[] {
  const names = [...new Set(groupBy.split(',').filter((name) => name !== ''))];
  const groups = names.map((name): Column<UsageRow> => {
    const key = name.replace(/^metadata\./, '');
    if (key !== name) return { name, type: TEXT, value: (row) => row.metadata?.[key] ?? null };
    return { name, type: TEXT, value: (row) => (row as Record<string, unknown>)[name] as string };
  });
  return [
    ...groups,
    { name: 'unit', type: TEXT, value: (row) => row.unit },
    { name: 'windowStart', type: TIME, value: (row) => row.windowStart },
    { name: 'windowEnd', type: TIME, value: (row) => row.windowEnd },
    { name: 'quantity', type: QUANTITY, value: (row) => row.quantity },
    { name: 'billableQuantity', type: QUANTITY, value: (row) => row.billableQuantity },
    { name: 'amount', type: AMOUNT, value: (row) => row.amount ?? null },
    { name: 'records', type: INTEGER, value: (row) => row.records },
  ];
}
