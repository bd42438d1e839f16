/** A statement: what a customer used in a closed period, to read, to print and to hand on. */
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { type AnswerOf, receiver } from '../../../api/client.ts';
import { useAnswer, useChange } from '../../../api/query.ts';
import { Button } from '../../../kit/button.tsx';
import { Dialog } from '../../../kit/dialog.tsx';
import { saveFile } from '../../../kit/download.ts';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import { TextField } from '../../../kit/field.tsx';
import { FormErrors } from '../../../kit/form-errors.tsx';
import { PageFrame } from '../../../kit/page-frame.tsx';
import { fieldErrors } from '../../../kit/problem.ts';
import { ErrorState, Skeleton } from '../../../kit/states.tsx';
import { Tag } from '../../../kit/tag.tsx';
import { Time } from '../../../kit/time.tsx';
import { toast } from '../../../kit/toast.tsx';
import { periodText } from '../period.ts';
import { contentHash } from './content-hash.ts';
import styles from './page.module.css';
import { statementRoute } from './route.ts';
import { Adjusted, Lines } from './stated.tsx';

export type Statement = AnswerOf<'GET /api/v1/statements/{id}'>;

export function Page(): ReactNode {
  const { statementId } = statementRoute.useParams();
  const found = useAnswer('GET /api/v1/statements/{id}', { path: { id: statementId } });
  const back = { to: '/periods', label: 'Periods' } as const;
  if (found.data === undefined)
    return (
      <PageFrame title="Statement" back={back}>
        {found.error === null ? (
          <Skeleton lines={8} />
        ) : (
          <ErrorState
            error={found.error}
            {...(found.error.retryable ? { onRetry: () => void found.refetch() } : {})}
          />
        )}
      </PageFrame>
    );
  return <Shown statement={found.data} />;
}

function Shown({ statement }: { statement: Statement }): ReactNode {
  const { id, customerId, lines, adjustments, totals, reopened, note, timeZone } = statement;
  const [isReopening, setReopening] = useState(false);
  const [failed, setFailed] = useState<Error | null>(null);
  const save = async (format: 'csv' | 'json'): Promise<void> => {
    try {
      const response = await receiver().respond('GET /api/v1/statements/{id}', {
        path: { id },
        query: { format },
      });
      saveFile(`statement-${id}.${format}`, response.headers.get('content-type') ?? '', [
        await response.arrayBuffer(),
      ]);
      setFailed(null);
    } catch (error) {
      setFailed(error as Error);
    }
  };
  return (
    <PageFrame
      title={`Statement, ${periodText(statement, timeZone)}`}
      back={{ to: '/periods', label: 'Periods' }}
      tags={reopened === null ? <Tag look="good">valid</Tag> : <Tag look="warn">re-opened</Tag>}
      actions={
        <>
          <Button look="primary" onClick={() => window.print()}>
            Print
          </Button>
          <Button onClick={() => void save('csv')}>CSV</Button>
          <Button onClick={() => void save('json')}>JSON</Button>
          {reopened === null && <Button onClick={() => setReopening(true)}>Re-open</Button>}
        </>
      }
    >
      {failed !== null && <ErrorState error={failed} />}
      {reopened !== null && (
        <p className={styles.reopened}>
          <strong>Re-opened</strong> <Time at={reopened.at} />: it states nothing any more. {reopened.note}
        </p>
      )}
      <article className={styles.statement}>
        <header className={styles.head}>
          <div>
            <p className={styles.label}>Customer</p>
            <Link to="/customers/$customerId" params={{ customerId }} className={styles.customer}>
              {customerId}
            </Link>
          </div>
          <div>
            <p className={styles.label}>Period</p>
            <p>{periodText(statement, timeZone)}</p>
            <p className={styles.quiet}>{timeZone}</p>
          </div>
          <div className={styles.total}>
            <p className={styles.label}>Total</p>
            {totals.amount === null ? (
              <p className={styles.quiet}>no prices are set</p>
            ) : (
              <p className={styles.amount}>
                <ExactNumber value={totals.amount} />
              </p>
            )}
          </div>
        </header>
        {note !== null && <p className={styles.note}>{note}</p>}
        <h2>Usage</h2>
        {lines.length === 0 ? (
          <p className={styles.quiet}>No usage in this period.</p>
        ) : (
          <Lines lines={lines} total={totals.lineAmount} />
        )}
        {adjustments.length > 0 && (
          <>
            <h2>Adjustments of earlier periods</h2>
            <Adjusted adjustments={adjustments} total={totals.adjustmentAmount} />
          </>
        )}
        <Proof statement={statement} />
      </article>
      {isReopening && <Reopen statement={statement} onClose={() => setReopening(false)} />}
    </PageFrame>
  );
}

/** What shows that nobody changed it since. */
function Proof({ statement }: { statement: Statement }): ReactNode {
  const [computed, setComputed] = useState<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void contentHash(statement).then((hash) => isCurrent && setComputed(hash));
    return () => {
      isCurrent = false;
    };
  }, [statement]);
  const { id, hash, previousHash, closedAt, asOfSequence, totals } = statement;
  return (
    <dl className={styles.proof}>
      <div>
        <dt>Closed</dt>
        <dd>
          <Time at={closedAt} detail="second" />, with all that was known up to journal frame {asOfSequence}
        </dd>
      </div>
      <div>
        <dt>Records</dt>
        <dd>{totals.records}</dd>
      </div>
      <div>
        <dt>Statement</dt>
        <dd className={styles.hash}>{id}</dd>
      </div>
      <div>
        <dt>Content hash</dt>
        <dd className={styles.hash}>
          {hash}{' '}
          {computed !== null &&
            (computed === hash ? (
              <Tag look="good" title="This page has computed it anew from the content">
                matches the content
              </Tag>
            ) : (
              <Tag look="bad">does not match the content</Tag>
            ))}
        </dd>
      </div>
      <div>
        <dt>Of the one before</dt>
        <dd className={styles.hash}>{previousHash ?? 'none: this is the first'}</dd>
      </div>
    </dl>
  );
}

function Reopen({ statement, onClose }: { statement: Statement; onClose: () => void }): ReactNode {
  const reopen = useChange('POST /api/v1/statements/{id}/reopen');
  const [note, setNote] = useState('');
  const [isAsked, setAsked] = useState(false);
  const errors = fieldErrors(reopen.error, ['note']);
  const submit = (): void => {
    setAsked(true);
    if (note === '') return;
    reopen.mutate(
      { path: { id: statement.id }, body: { note } },
      {
        onSuccess: () => {
          onClose();
          toast('Statement re-opened', 'Its period is open: close it again for a new statement.');
        },
      },
    );
  };
  const taken = statement.adjustments.length;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Re-open the statement"
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="danger" busy={reopen.isPending}>
            Re-open
          </Button>
        </>
      }
    >
      <p>
        It stays readable, and states nothing any more. Its period is open again
        {taken === 1 && ', and the adjustment that it had taken up is pending again'}
        {taken > 1 && `, and the ${taken} adjustments that it had taken up are pending again`}. Closing the
        period again makes a new statement, by the usage and prices of then.
      </p>
      <TextField
        label="Why"
        value={note}
        onValue={setNote}
        error={(isAsked && note === '' ? 'Say why it was wrong' : undefined) ?? errors.at('note')}
        help="It stays with the statement."
        required
        autoFocus
      />
      <FormErrors errors={errors.rest} />
    </Dialog>
  );
}
