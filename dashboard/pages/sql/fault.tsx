/** What is wrong with a query: in DuckDB's words with its hint, and where. */
import type { ReactNode } from 'react';
import { UsageMeterError } from '../../api/client.ts';
import { Button } from '../../kit/button.tsx';
import styles from './fault.module.css';

const TITLES: Readonly<Record<string, string>> = {
  INVALID_SQL: 'The query has a mistake',
  STATEMENT_REFUSED: 'This may not be asked',
  QUERY_FAILED: 'The query failed while it ran',
  TIME_LIMIT: 'The query took too long',
  MEMORY_LIMIT: 'The query took too much memory',
  BUSY: 'Too many queries run',
  NO_LAKE: 'There is nothing to ask yet',
  UNREACHABLE: 'The receiver does not answer',
};

const ADVICE: Readonly<Record<string, string>> = {
  STATEMENT_REFUSED: 'One SELECT over the views is answered: no files, settings or other statements.',
  TIME_LIMIT: 'Ask for a shorter range, or ask usage_daily in the place of usage_records.',
  MEMORY_LIMIT: 'Ask for fewer groups or a shorter range, or ask usage_daily in the place of usage_records.',
  BUSY: 'Try again in a moment.',
  NO_LAKE: 'The views are published some seconds after the first usage.',
  UNREACHABLE: 'It may be starting, or the network is down. Run the query again in a moment.',
};

export interface Place {
  line: number;
  column: number;
}

/** Where DuckDB says that it is wrong. */
export function placeOf(error: Error | null): Place | null {
  if (!(error instanceof UsageMeterError)) return null;
  const { line, column } = error.problem ?? {};
  return line === undefined || column === undefined ? null : { line, column };
}

export function Fault({
  error,
  query,
  onGo,
}: {
  error: Error;
  /** That was run. */
  query: string;
  onGo: (place: Place) => void;
}): ReactNode {
  const code = error instanceof UsageMeterError ? error.code : '';
  const place = placeOf(error);
  const line = place === null ? undefined : query.split('\n')[place.line - 1];
  const detail = error instanceof UsageMeterError ? (error.problem?.detail ?? error.message) : error.message;
  return (
    <div className={styles.fault} role="alert">
      <p className={styles.title}>{TITLES[code] ?? 'There is no answer'}</p>
      <p className={styles.detail}>{detail}</p>
      {ADVICE[code] !== undefined && <p>{ADVICE[code]}</p>}
      {place !== null && line !== undefined && (
        <>
          <Source line={line} column={place.column} />
          <Button onClick={() => onGo(place)}>
            Go to line {place.line}, column {place.column}
          </Button>
        </>
      )}
    </div>
  );
}

function Source({ line, column }: { line: string; column: number }): ReactNode {
  const rest = line.slice(column - 1);
  const word = /^\w+/.exec(rest)?.[0] ?? rest.slice(0, 1);
  return (
    <pre className={styles.source}>
      {line.slice(0, column - 1)}
      <mark>{word === '' ? ' ' : word}</mark>
      {rest.slice(word.length)}
    </pre>
  );
}
