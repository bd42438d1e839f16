/** Questions to a running receiver, with every page read and every surprise an error. */

export interface UsageRow {
  customerId: string;
  dimensionId: string;
  unit: string;
  windowStart: string;
  windowEnd: string;
  quantity: string;
  billableQuantity: string;
  records: number;
}

export interface QuarantineRow {
  reason: string;
  meterId: string;
  dimensionId: string | null;
  customerId: string | null;
  signals: number;
  quantity: string | null;
  firstSeen: string;
  lastSeen: string;
}

interface Page<Row> {
  rows: Row[];
  nextCursor?: string | null;
}

/** @param query `from` and `to` are required; see GET /api/v1/usage */
export function readUsage(url: string, query: Record<string, string>): Promise<UsageRow[]> {
  return readPages<UsageRow>(url, '/api/v1/usage', { limit: '1000', ...query });
}

export function readQuarantine(url: string): Promise<QuarantineRow[]> {
  return readPages<QuarantineRow>(url, '/api/v1/quarantine', {});
}

/** Quantity per `customer / dimension` as the receiver spells it; zero sums are left out. */
export async function readTotals(url: string, from: string, to: string): Promise<Map<string, string>> {
  const rows = await readUsage(url, { from, to });
  return new Map(
    rows
      .filter((row) => row.quantity !== '0')
      .map((row) => [`${row.customerId} / ${row.dimensionId}`, row.quantity] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function readPages<Row>(url: string, path: string, query: Record<string, string>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null | undefined;
  do {
    const address = new URL(path, url);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    if (cursor) address.searchParams.set('cursor', cursor);
    const response = await fetch(address);
    const text = await response.text();
    if (response.status !== 200)
      throw new Error(`GET ${address.pathname}${address.search}: ${response.status} ${text}`);
    const page = JSON.parse(text) as Page<Row>;
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor);
  return rows;
}
