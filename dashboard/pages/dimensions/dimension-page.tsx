/** One dimension: how it is counted and priced, changed beside an example of what that means. */
import { type ReactNode, useState } from 'react';
import { useAnswer, useChange } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { Icon } from '../../kit/icon.tsx';
import { Notice } from '../../kit/notice.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { toast } from '../../kit/toast.tsx';
import { DeleteDimension } from './delete-dimension.tsx';
import styles from './dimension-form.module.css';
import { DIMENSION_FIELDS, DimensionFields } from './dimension-form.tsx';
import {
  bodyOf,
  countingChanges,
  type Dimension,
  type DraftChange,
  draftFaults,
  draftOf,
  exampleRule,
} from './draft.ts';
import { Example } from './example.tsx';
import { dimensionRoute } from './route.ts';

/** All that there can be. */
const ANY_TIME = { from: '1970-01-01', to: '2262-01-01' };

export function Page(): ReactNode {
  const { dimensionId } = dimensionRoute.useParams();
  const dimension = useAnswer('GET /api/v1/dimensions/{id}', { path: { id: dimensionId } });
  const newest = useAnswer('GET /api/v1/records', {
    query: { ...ANY_TIME, dimensionId, order: 'desc', limit: 1 },
  });
  const [isDeleting, setDeleting] = useState(false);
  const lastSeen = newest.data?.rows[0]?.timestamp;
  const isOfFile = dimension.data?.managedBy === 'file';
  return (
    <PageFrame
      title={dimensionId}
      back={{ to: '/dimensions', label: 'Dimensions' }}
      tags={
        <>
          {dimension.data?.discovered && (
            <Tag title="Nobody declared it: usage that came created it">discovered</Tag>
          )}
          {isOfFile && <Tag title="Declared in usage-meter.yaml">file</Tag>}
        </>
      }
      description={
        newest.data &&
        (lastSeen === undefined ? (
          'No usage yet.'
        ) : (
          <>
            Has usage; the newest record is of <Time at={lastSeen} />.
          </>
        ))
      }
      actions={dimension.data && !isOfFile && <Button onClick={() => setDeleting(true)}>Delete</Button>}
    >
      {dimension.data !== undefined ? (
        <Editor key={dimensionId} dimension={dimension.data} hasUsage={lastSeen !== undefined} />
      ) : dimension.error ? (
        <ErrorState error={dimension.error} onRetry={() => void dimension.refetch()} />
      ) : (
        <Skeleton lines={8} />
      )}
      {isDeleting && <DeleteDimension dimensionId={dimensionId} onClose={() => setDeleting(false)} />}
    </PageFrame>
  );
}

function Editor({ dimension, hasUsage }: { dimension: Dimension; hasUsage: boolean }): ReactNode {
  const save = useChange('PUT /api/v1/dimensions/{id}');
  const saved = draftOf(dimension);
  const [draft, setDraft] = useState(saved);
  const [isConfirming, setConfirming] = useState(false);
  const errors = fieldErrors(save.error, DIMENSION_FIELDS);
  const changes = countingChanges(saved, draft);
  const isChanged = JSON.stringify(saved) !== JSON.stringify(draft);
  const isOfFile = dimension.managedBy === 'file';
  const put = (): void => {
    setConfirming(false);
    save.mutate(
      { path: { id: dimension.id }, body: bodyOf(draft) },
      {
        onSuccess: (after) => {
          setDraft(draftOf(after));
          toast(dimension.discovered ? 'Dimension declared' : 'Dimension saved', dimension.id.slice(0, 200));
        },
      },
    );
  };
  const submit = (): void => {
    if (Object.keys(draftFaults(draft)).length > 0) return;
    if (hasUsage && changes.length > 0) setConfirming(true);
    else put();
  };
  return (
    <div className={styles.columns}>
      <Section title="What is billed">
        <form
          className={styles.form}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          {isOfFile && <Notice>It is declared in usage-meter.yaml, and changed there alone.</Notice>}
          {dimension.discovered && (
            <Notice>
              Usage that came created this dimension. Saving declares it: it stays as you say it.
            </Notice>
          )}
          <DimensionFields draft={draft} onDraft={setDraft} errorAt={errors.at} isReadOnly={isOfFile} />
          {hasUsage && changes.length > 0 && <ChangeNotice />}
          <FormErrors errors={errors.rest} />
          {!isOfFile && (
            <div className={styles.actions}>
              <Button
                type="submit"
                look="primary"
                busy={save.isPending}
                disabled={!isChanged && !dimension.discovered}
              >
                {dimension.discovered ? 'Declare' : 'Save'}
              </Button>
              {isChanged && <Button onClick={() => setDraft(saved)}>Revert</Button>}
            </div>
          )}
        </form>
      </Section>
      <Section title="What it makes of usage">
        <Example rule={exampleRule(draft)} unit={draft.unit} uniqueKey={draft.uniqueKey} />
      </Section>
      {isConfirming && (
        <Dialog
          open
          onClose={() => setConfirming(false)}
          title="Count all usage anew?"
          description="This dimension has usage. What you change holds for all of it, at any time, from now on."
          onSubmit={put}
          actions={
            <>
              <Button onClick={() => setConfirming(false)}>Cancel</Button>
              <Button type="submit" look="primary">
                Save
              </Button>
            </>
          }
        >
          <Changes changes={changes} />
          <ChangeNotice />
        </Dialog>
      )}
    </div>
  );
}

function ChangeNotice(): ReactNode {
  return (
    <Notice look="warn">
      <p>All usage of this dimension is counted by what you save, what came before too.</p>
      <p>
        Closed statements stay, and are adjusted by the terms that they were closed with. What is open is
        stated by the new ones.
      </p>
    </Notice>
  );
}

function Changes({ changes }: { changes: readonly DraftChange[] }): ReactNode {
  return (
    <dl className={styles.changes}>
      {changes.map(({ label, before, after }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <s>{before}</s>
            <Icon name="right" />
            <span className="visually-hidden">becomes</span>
            <strong>{after}</strong>
          </dd>
        </div>
      ))}
    </dl>
  );
}
