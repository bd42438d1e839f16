/** Questions in SQL: an editor that knows the views, the answer as a table and a picture, and as a file. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { receiver, UsageMeterError } from '../../api/client.ts';
import { forgetApiKey } from '../../api/key.ts';
import { useAnswer } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { saveFile } from '../../kit/download.ts';
import { Menu } from '../../kit/menu.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { EmptyState, Skeleton } from '../../kit/states.tsx';
import { Time } from '../../kit/time.tsx';
import { CATALOGUE_QUERY, type CatalogueEntry, catalogueOf } from './completion.ts';
import { Editor, write } from './editor.tsx';
import { EXAMPLES } from './examples.ts';
import { Fault, type Place, placeOf } from './fault.tsx';
import styles from './page.module.css';
import { QuickChart } from './quick-chart.tsx';
import { Result } from './result.tsx';
import { type SqlSearch, sqlRoute } from './route.ts';
import { runSql, type SqlResult } from './run-sql.ts';

const FIRST_QUERY = `SELECT customer_id, dimension_id, sum(quantity) AS quantity, sum(records) AS records
FROM usage_daily
WHERE day >= current_date - 30
GROUP BY ALL
ORDER BY records DESC
LIMIT 100`;

const ADDRESS_PAUSE_MS = 400;
const NO_CATALOGUE: readonly CatalogueEntry[] = [];

type Run =
  | { state: 'none' }
  | { state: 'running'; query: string }
  | { state: 'done'; result: SqlResult }
  | { state: 'failed'; query: string; error: Error }
  | { state: 'cancelled' };

export function Page(): ReactNode {
  const search = sqlRoute.useSearch();
  const navigate = useNavigate({ from: '/sql' });
  const asked = search.query ?? FIRST_QUERY;
  const [text, setText] = useState(asked);
  const [run, setRun] = useState<Run>({ state: 'none' });
  const area = useRef<HTMLTextAreaElement>(null);
  const running = useRef<AbortController>(null);
  const catalogue = useCatalogue();

  const change = (next: SqlSearch, isNewStep = false): void =>
    void navigate({
      search: (before) =>
        Object.fromEntries(Object.entries({ ...before, ...next }).filter(([, value]) => value)) as SqlSearch,
      replace: !isNewStep,
    });
  const start = async (query: string): Promise<void> => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setRun({ state: 'running', query });
    try {
      const result = await runSql(query, controller.signal);
      if (running.current === controller) setRun({ state: 'done', result });
    } catch (error) {
      if (running.current !== controller || controller.signal.aborted) return;
      if (error instanceof UsageMeterError && error.status === 401) forgetApiKey();
      setRun({ state: 'failed', query, error: error as Error });
    }
  };
  const runText = (): void => {
    // Another question has another picture; the same one keeps it.
    const isSame = text === search.query;
    change(
      { query: text, run: '1', page: '', ...(isSame ? {} : { x: '', y: '' }) } as unknown as SqlSearch,
      !isSame,
    );
    void start(text);
  };
  const cancel = (): void => {
    running.current?.abort();
    setRun({ state: 'cancelled' });
  };

  // An address that was run shows its result; the page that is left ends its query.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    if (search.run === '1') void start(asked);
    return () => running.current?.abort();
  }, []);
  // What is typed stands in the address after a short pause.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed starts the pause, running it ends it
  useEffect(() => {
    if (text === asked) return;
    const timer = setTimeout(
      () => change({ query: text, run: '' } as unknown as SqlSearch),
      ADDRESS_PAUSE_MS,
    );
    return () => clearTimeout(timer);
  }, [text, asked]);
  // Back and forward in the history.
  useEffect(() => setText(asked), [asked]);

  const goTo = ({ line, column }: Place): void => {
    const element = area.current;
    if (element === null) return;
    const before = text.split('\n').slice(0, line - 1);
    const offset = before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    const word = /^\w+/.exec(text.slice(offset))?.[0].length ?? 1;
    element.focus();
    element.setSelectionRange(offset, offset + word);
  };
  const openExample = async (url: string): Promise<void> => {
    const answer = await fetch(url).catch(() => null);
    const element = area.current;
    if (element === null) return;
    if (!answer?.ok) {
      const error = new Error('The example could not be loaded: reload the page');
      setRun({ state: 'failed', query: text, error });
      return;
    }
    const query = await answer.text();
    element.select();
    write(element, query.trimEnd());
    element.setSelectionRange(0, 0);
    element.scrollTop = 0;
  };
  const error = run.state === 'failed' ? run.error : null;
  const isRunning = run.state === 'running';
  return (
    <PageFrame
      title="SQL"
      description="One SELECT over the views of usage. Times in them are UTC."
      actions={
        <>
          <Menu
            label="Examples"
            trigger={<Button icon="down">Examples</Button>}
            items={EXAMPLES.map(({ label, url }) => ({ label, onSelect: () => openExample(url) }))}
          />
          {isRunning ? (
            <Button icon="close" onClick={cancel}>
              Cancel
            </Button>
          ) : (
            <Button look="primary" title="Ctrl+Enter" disabled={text.trim() === ''} onClick={runText}>
              Run
            </Button>
          )}
        </>
      }
    >
      <Editor
        value={text}
        onValue={setText}
        onRun={runText}
        catalogue={catalogue}
        faultLine={run.state === 'failed' && run.query === text ? placeOf(error)?.line : undefined}
        area={area}
      />
      <div className={styles.bar}>
        <div role="status" className={styles.said}>
          {(run.state === 'none' || run.state === 'failed') && <Keys />}
          {isRunning && 'The query runs …'}
          {run.state === 'cancelled' && 'Cancelled: the query was ended.'}
          {run.state === 'done' && <Said result={run.result} />}
        </div>
        {run.state === 'done' && (
          <>
            <Button
              icon="dimensions"
              aria-pressed={search.chart !== undefined}
              onClick={() =>
                change({ chart: search.chart === undefined ? 'bars' : '' } as unknown as SqlSearch)
              }
            >
              Chart
            </Button>
            <Download query={run.result.query} />
          </>
        )}
      </div>
      {run.state === 'none' && (
        <EmptyState title="No query was run yet">
          Run the one above, begin with an example, or write your own: the editor completes views and columns,
          and says what they mean.
        </EmptyState>
      )}
      {isRunning && <Skeleton lines={6} />}
      {run.state === 'failed' && <Fault error={run.error} query={run.query} onGo={goTo} />}
      {run.state === 'done' && (
        <>
          {search.chart !== undefined && run.result.rows.length > 0 && (
            <QuickChart result={run.result} search={search} onChange={(next) => change(next)} />
          )}
          <Result
            result={run.result}
            page={Number(search.page ?? 1)}
            onPage={(page) => change({ page: page === 1 ? '' : String(page) })}
          />
        </>
      )}
    </PageFrame>
  );
}

function Keys(): ReactNode {
  return (
    <>
      <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, <kbd>Ctrl</kbd> <kbd>Space</kbd> completes
    </>
  );
}

function Said({ result: { rows, isCut, milliseconds, asOf } }: { result: SqlResult }): ReactNode {
  return (
    <>
      {isCut ? 'The first ' : ''}
      {rows.length.toLocaleString('en').replaceAll(',', '\u202f')} {rows.length === 1 ? 'row' : 'rows'} in{' '}
      {milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`}, as
      of <Time at={asOf} detail="second" />
    </>
  );
}

const FORMATS = [
  { format: 'csv', label: 'CSV', type: 'text/csv' },
  { format: 'parquet', label: 'Parquet', type: 'application/vnd.apache.parquet' },
] as const;

/** Asks again, for all rows. */
function Download({ query }: { query: string }): ReactNode {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const download = async ({ format, type }: (typeof FORMATS)[number]): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const answer = await receiver().respond('POST /api/v1/sql', { body: { query, format } });
      saveFile(`usage.${format}`, type, [await answer.blob()]);
    } catch (thrown) {
      setError(thrown as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Menu
        label="Download"
        trigger={
          <Button icon="down" busy={busy}>
            Download
          </Button>
        }
        items={FORMATS.map((each) => ({ label: each.label, onSelect: () => void download(each) }))}
      />
      {error && (
        <span role="alert" className={styles.fault}>
          {error instanceof UsageMeterError
            ? (error.problem?.detail ?? error.message)
            : 'The download broke off.'}
        </span>
      )}
    </>
  );
}

/** What can be asked. Without it, as before the first usage, there is no completion but of words. */
function useCatalogue(): readonly CatalogueEntry[] {
  const { data } = useAnswer('POST /api/v1/sql', { body: { query: CATALOGUE_QUERY } });
  const [entries, setEntries] = useState(NO_CATALOGUE);
  useEffect(() => {
    if (data !== undefined) setEntries(catalogueOf(data.rows));
  }, [data]);
  return entries;
}
