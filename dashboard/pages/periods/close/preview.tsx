/** What closing would state, or has stated. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import { periodText } from '../period.ts';
import tables from '../statement/page.module.css';
import { Adjusted, Lines } from '../statement/stated.tsx';
import styles from './page.module.css';
import type { CloseAnswer } from './page.tsx';

/** Dimensions without a price that are named. */
const SHOWN = 8;

export function Preview({ answer, isDone = false }: { answer: CloseAnswer; isDone?: boolean }): ReactNode {
  if ('id' in answer)
    return (
      <p>
        This period is closed already:{' '}
        <Link to="/periods/statements/$statementId" params={{ statementId: answer.id }}>
          its statement
        </Link>
        .
      </p>
    );
  if ('statement' in answer) return <Draft statement={answer.statement} />;
  const { closed, alreadyClosed, conflicting, conflicts, periods, unpriced } = answer;
  const statements = closed === 1 ? '1 statement' : `${closed} statements`;
  return (
    <div className={styles.counts}>
      <p className={styles.big}>
        {statements} {isDone ? 'made' : 'will be made'}
      </p>
      {closed === 0 && alreadyClosed + conflicting === 0 && (
        <p className={styles.quiet}>Nobody used anything in it.</p>
      )}
      {alreadyClosed > 0 && <p>{alreadyClosed} closed already; they stay as they are.</p>}
      {conflicting > 0 && (
        <>
          <p>{conflicting} left as they are: another closed period overlaps this one.</p>
          <ul className={styles.conflicts}>
            {conflicts.map(({ customerId, statementId, from, to }) => (
              <li key={`${customerId} ${statementId}`}>
                <Link to="/periods/statements/$statementId" params={{ statementId }} className={styles.id}>
                  {customerId}
                </Link>{' '}
                <span className={styles.quiet}>{periodText({ from, to }, 'UTC')}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <ul className={styles.periods}>
        {periods.map(({ timeZone, from, to }) => (
          <li key={timeZone}>
            {periodText({ from, to }, timeZone)} <span className={styles.quiet}>in {timeZone}</span>
          </li>
        ))}
      </ul>
      {!isDone && <Unpriced ids={unpriced} />}
      {!isDone && closed > 0 && <Summaries answer={answer} />}
    </div>
  );
}

/** The first statements, and how many more there are. */
function Summaries({
  answer: { statements, closed },
}: {
  answer: Extract<CloseAnswer, { closed: number }>;
}): ReactNode {
  return (
    <>
      <table className={tables.table} aria-label="Statements">
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col">Lines</th>
            <th scope="col">Records</th>
            <th scope="col">Amount</th>
          </tr>
        </thead>
        <tbody>
          {statements.map(({ customerId, lines, records, amount }) => (
            <tr key={customerId}>
              <td>
                <Link
                  className={tables.id}
                  from="/periods/close"
                  search={(period) => ({ ...period, customerId })}
                >
                  {customerId}
                </Link>
              </td>
              <td data-label="Lines">{lines}</td>
              <td data-label="Records">{records}</td>
              <td data-label="Amount">{amount === null ? '–' : <ExactNumber value={amount} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {closed > statements.length && <p>and {closed - statements.length} more</p>}
    </>
  );
}

function Unpriced({ ids }: { ids: readonly string[] }): ReactNode {
  if (ids.length === 0) return null;
  return (
    <div className={styles.warning}>
      No price, and so no amount:
      <ul className={styles.stakes}>
        {ids.slice(0, SHOWN).map((dimensionId) => (
          <li key={dimensionId}>
            <Link to="/dimensions/$dimensionId" params={{ dimensionId }} className={styles.id}>
              {dimensionId}
            </Link>
          </li>
        ))}
        {ids.length > SHOWN && <li>and more</li>}
      </ul>
    </div>
  );
}

function Draft({
  statement,
}: {
  statement: Extract<CloseAnswer, { statement: unknown }>['statement'];
}): ReactNode {
  const { customerId, timeZone, lines, adjustments, totals } = statement;
  return (
    <div className={styles.counts}>
      <p>
        <span className={styles.id}>{customerId}</span>, {periodText(statement, timeZone)}{' '}
        <span className={styles.quiet}>in {timeZone}</span>
      </p>
      {totals.amount !== null && (
        <p className={styles.big}>
          <ExactNumber value={totals.amount} />
        </p>
      )}
      <Unpriced ids={lines.flatMap(({ dimensionId, amount }) => (amount === null ? [dimensionId] : []))} />
      {lines.length === 0 ? (
        <p className={styles.quiet}>No usage in this period.</p>
      ) : (
        <Lines lines={lines} total={totals.lineAmount} />
      )}
      {adjustments.length > 0 && (
        <>
          <h3>Adjustments of earlier periods</h3>
          <Adjusted adjustments={adjustments} total={totals.adjustmentAmount} />
        </>
      )}
    </div>
  );
}
