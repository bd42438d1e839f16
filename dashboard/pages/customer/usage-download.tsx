/** Saves all rows of the answer as CSV: the API's own decimals, page after page, as long as it takes. */
import { type ReactNode, useState } from 'react';
import { receiver } from '../../api/client.ts';
import { csvLine, fileName } from '../../format/csv.ts';
import { Button } from '../../kit/button.tsx';
import { saveFile } from '../../kit/download.ts';
import styles from './page.module.css';
import { type UsageQuestion, usageQuery } from './usage-search.ts';
import type { UsageRow } from './usage-series.ts';

const PAGE_SIZE = 10_000;
/** How often the number of rows is told. */
const TOLD_EVERY = 1_000;

export function UsageDownload({ question }: { question: UsageQuestion }): ReactNode {
  const [running, setRunning] = useState<{ rows: number; stop: AbortController } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const download = async (): Promise<void> => {
    const stop = new AbortController();
    setFailure(null);
    setRunning({ rows: 0, stop });
    try {
      const lines = await usageCsv(question, stop.signal, (rows) => setRunning({ rows, stop }));
      const { customerId, dimensionId, from, to } = question;
      saveFile(fileName(['usage', customerId, dimensionId, from, to], 'csv'), 'text/csv', lines);
    } catch (error) {
      if (!stop.signal.aborted) setFailure((error as Error).message);
    } finally {
      setRunning(null);
    }
  };
  return (
    <span className={styles.download}>
      {failure !== null && (
        <span role="alert" className={styles.failure}>
          {failure}
        </span>
      )}
      {running !== null && (
        <>
          <span role="status" className={styles.quiet}>
            {running.rows} rows
          </span>
          <Button onClick={() => running.stop.abort()}>Stop</Button>
        </>
      )}
      <Button busy={running !== null} onClick={() => void download()}>
        Download CSV
      </Button>
    </span>
  );
}

async function usageCsv(
  question: UsageQuestion,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<string[]> {
  const { groupKey } = question;
  const lines = [
    csvLine([
      'customerId',
      'dimensionId',
      ...(groupKey === null ? [] : [`metadata.${groupKey}`]),
      'unit',
      'windowStart',
      'windowEnd',
      'quantity',
      'billableQuantity',
      'amount',
      'records',
    ]),
  ];
  const query = { ...usageQuery(question), fill: false, limit: PAGE_SIZE };
  for await (const row of receiver().rows('GET /api/v1/usage', { query, signal })) {
    lines.push(csvLine(cellsOf(row, groupKey)));
    if (lines.length % TOLD_EVERY === 0) onRows(lines.length);
  }
  return lines;
}

function cellsOf(row: UsageRow, groupKey: string | null): (string | number | null | undefined)[] {
  return [
    row.customerId,
    row.dimensionId,
    ...(groupKey === null ? [] : [row.metadata?.[groupKey]]),
    row.unit,
    row.windowStart,
    row.windowEnd,
    row.quantity,
    row.billableQuantity,
    row.amount,
    row.records,
  ];
}
