/** Saves all rows of the answer as CSV: the API's own decimals, page after page, as long as it takes. */
import { type ReactNode, useState } from 'react';
import { type AnswerOf, receiver, UsageMeterError } from '../../api/client.ts';
import { counted } from '../../format/count.ts';
import { csvLine, fileName } from '../../format/csv.ts';
import { Button } from '../../kit/button.tsx';
import { saveFile } from '../../kit/download.ts';
import styles from './page.module.css';
import { type UsageQuestion, usageQuery } from './usage-search.ts';
import type { UsageRow } from './usage-series.ts';

const PAGE_SIZE = 10_000;
/** Of one answer. */
const MAX_TRIES = 5;

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
            {counted(running.rows, 'row')}
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
  let cursor: string | null = null;
  do {
    const query = {
      ...usageQuery(question),
      fill: false,
      limit: PAGE_SIZE,
      ...(cursor === null ? {} : { cursor }),
    };
    const answer: AnswerOf<'GET /api/v1/usage'> = await patiently(() =>
      receiver().request('GET /api/v1/usage', { query, signal }),
    );
    for (const row of answer.rows) lines.push(csvLine(cellsOf(row, groupKey)));
    onRows(lines.length - 1);
    cursor = answer.nextCursor;
  } while (cursor !== null);
  return lines;
}

/** A receiver that is busy for a moment does not end a long download. */
async function patiently<Answer>(ask: () => Promise<Answer>, tries = MAX_TRIES): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (tries === 1 || !(error instanceof UsageMeterError && error.retryable)) throw error;
    const seconds = error.retryAfterSeconds ?? 1;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return await patiently(ask, tries - 1);
  }
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
