/** What closing would state, or has stated. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import { periodText } from '../period.ts';
import { Adjusted, Lines } from '../statement/stated.tsx';
import styles from './page.module.css';
import type { CloseAnswer } from './page.tsx';

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
  const { closed, alreadyClosed, conflicting, conflicts, periods } = answer;
  const statements = closed === 1 ? '1 statement' : `${closed} statements`;
  return (
    <div className={styles.counts}>
      <p className={styles.big}>
        {statements} {isDone ? 'made' : 'will be made'}
      </p>
      {closed === 0 && alreadyClosed + conflicting === 0 && (
        <p className={styles.quiet}>Nobody used anything in it: there is nothing to state.</p>
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
