/** What one or several meters counted and quarantined, over all time: for dry runs, whose ledger holds nothing else. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION, RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { runSum, scaledSum } from './statement.ts';

/** Plain data: it may be posted to another thread. */
export interface MeterTotalsQuery {
  meterIds: string[];
  /** Rows of usage per customer too, at most so many, by customer and dimension; 0 = only those of all customers. */
  customerRows: number;
}

/** What a meter's records of one dimension come to, whichever way the dimension aggregates. */
export interface MeterTotal {
  meterId: string;
  /** null: of all customers together. */
  customerId: string | null;
  dimensionId: string;
  /** The dimension's, UCUM. */
  unit: string;
  /** Without corrections of earlier increments. */
  records: number;
  /** Value × 10^12 in the unit; any magnitude. */
  sum: bigint;
  greatest: bigint;
  smallest: bigint;
  /** Of the record with the latest time. */
  last: bigint;
}

/** What a meter could not count, by reason and dimension. */
export interface MeterQuarantine {
  meterId: string;
  reason: QuarantineCode;
  /** null where the signals name none. */
  dimensionId: string | null;
  signals: number;
  /** Exact decimal; null where none has a value that is a quantity. */
  quantity: string | null;
}

export interface MeterTotalsAnswer {
  /** Of all customers, by meter and dimension. */
  totals: MeterTotal[];
  /** By customer, dimension and meter, texts by their bytes. */
  customers: MeterTotal[];
  /** More customers than were asked for have usage. */
  hasMore: boolean;
  /** In the order in which the reasons apply. */
  quarantine: MeterQuarantine[];
}

/** Answers from one snapshot of the ledger. */
export async function queryMeterTotals(
  connection: DuckDBConnection,
  { meterIds, customerRows }: MeterTotalsQuery,
): Promise<MeterTotalsAnswer> {
  const totals = await queryTotals(connection, meterIds, null);
  const customers = customerRows === 0 ? [] : await queryTotals(connection, meterIds, customerRows + 1);
  return {
    totals,
    customers: customers.slice(0, customerRows),
    hasMore: customers.length > customerRows,
    quarantine: await queryQuarantined(connection, meterIds),
  };
}

/** @param customerRows null = all customers together */
async function queryTotals(
  connection: DuckDBConnection,
  meterIds: string[],
  customerRows: number | null,
): Promise<MeterTotal[]> {
  const customer = customerRows === null ? 'NULL' : 'c.id';
  const rows = await runSum(connection, 'stored.usage', (sums, bound) => {
    const sum = sums.of('u.quantity');
    return `
    SELECT s.meter_id, ${customer} AS customer_id, d.id AS dimension_id, any_value(d.unit),
      count(*) FILTER (u.kind <> ${KIND_CORRECTION}), ${sum.whole}, ${sum.rest}, max(u.quantity), min(u.quantity),
      arg_max(u.quantity, (u.time, u.sequence))
    FROM stored.usage u
      JOIN stored.series s USING (series)
      JOIN stored.customers c ON c.customer = u.customer
      JOIN stored.dimensions d ON d.dimension = u.dimension
    WHERE u.voided_by IS NULL AND s.meter_id IN (SELECT unnest(${bound.texts(meterIds)}))
    GROUP BY ALL
    ORDER BY customer_id, dimension_id, s.meter_id
    ${customerRows === null ? '' : `LIMIT ${customerRows}`}`;
  });
  return rows.map((row) => {
    const [meterId, customerId, dimensionId, unit, records, whole, rest, greatest, smallest, last] = row;
    return {
      meterId: meterId as string,
      customerId: customerId as string | null,
      dimensionId: dimensionId as string,
      unit: unit as string,
      records: Number(records),
      sum: scaledSum(whole, rest),
      greatest: scaled(greatest),
      smallest: scaled(smallest),
      last: scaled(last),
    };
  });
}

async function queryQuarantined(
  connection: DuckDBConnection,
  meterIds: string[],
): Promise<MeterQuarantine[]> {
  const rows = await runSum(connection, 'stored.quarantine', (sums, bound) => {
    const sum = sums.of('q.quantity');
    return `
    SELECT s.meter_id, q.code, q.dimension_id, count(*), count(quantity), ${sum.whole}, ${sum.rest}
    FROM stored.quarantine q JOIN stored.series s USING (series)
    WHERE q.resolution = ${bound.text(RESOLUTION_OPEN)} AND s.meter_id IN (SELECT unnest(${bound.texts(meterIds)}))
    GROUP BY ALL
    ORDER BY q.code, q.dimension_id NULLS FIRST, s.meter_id`;
  });
  return rows.map(([meterId, code, dimensionId, signals, quantities, whole, rest]) => ({
    meterId: meterId as string,
    reason: codeName(Number(code)),
    dimensionId: dimensionId as string | null,
    signals: Number(signals),
    quantity: Number(quantities) === 0 ? null : textFromScaled(scaledSum(whole, rest)),
  }));
}

function scaled(value: DuckDBValue): bigint {
  return (value as DuckDBDecimalValue).value;
}
