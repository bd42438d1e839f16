/**
 * The form that records usage by hand, the code that does the same, and what became of it. Escape, or a press beside it,
 * loses nothing: what was typed is there again when it is opened for the same customer and dimension, until the tab closes.
 */
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { useChange } from '../../../api/query.ts';
import { useTimeZone } from '../../../app/time-zone.ts';
import { Button } from '../../../kit/button.tsx';
import { ButtonLink } from '../../../kit/button-link.tsx';
import { Dialog } from '../../../kit/dialog.tsx';
import { DraftNotice, keepDraft, keptDraft } from '../../../kit/draft.tsx';
import { TextField } from '../../../kit/field.tsx';
import { FormErrors } from '../../../kit/form-errors.tsx';
import { fieldErrors } from '../../../kit/problem.ts';
import { type Draft, type DraftField, draftFaults, hasFaults, newRecord, newRecordId } from './draft.ts';
import { CustomerField, DimensionField, useKnownDimension } from './id-fields.tsx';
import { MetadataTable } from './metadata-table.tsx';
import styles from './record-usage.module.css';
import { SnippetPreview, useShownSnippet } from './snippet-preview.tsx';
import { StoredRecord, type WrittenRecord } from './stored-record.tsx';
import { nowText, TimestampField } from './timestamp-field.tsx';

const FIELD_LABELS: Readonly<Record<DraftField, string>> = {
  customerId: 'Customer ID',
  dimensionId: 'Dimension ID',
  recordValue: 'Record Value',
  timestamp: 'Timestamp',
  startTime: 'Start time',
  metadata: 'Record Metadata',
};
const FIELDS = Object.keys(FIELD_LABELS) as DraftField[];
/** Metadata is refused by key, which is said with its path. */
const PLAIN_FIELDS = FIELDS.filter((field) => field !== 'metadata');

export function RecordUsage(given: {
  customerId: string;
  dimensionId: string;
  onClose: () => void;
}): ReactNode {
  const { onClose } = given;
  const [zone] = useTimeZone();
  const begin = (ids: Pick<Draft, 'customerId' | 'dimensionId'>): { draft: Draft; now: string } => {
    const now = nowText(zone);
    return {
      now,
      draft: {
        id: newRecordId(),
        customerId: ids.customerId,
        dimensionId: ids.dimensionId,
        recordValue: '',
        timestamp: now,
        startTime: '',
        metadata: [],
      },
    };
  };
  const name = `record ${JSON.stringify([given.customerId, given.dimensionId])}`;
  const [isKept, setKept] = useState(() => keptDraft(sessionStorage, name) !== null);
  const [{ draft, now }, setBegun] = useState(() => {
    const begun = begin(given);
    const kept = keptDraft<Draft>(sessionStorage, name);
    return kept === null ? begun : { ...begun, draft: { ...kept, timestamp: kept.timestamp || begun.now } };
  });
  const write = (next: Draft): void => {
    setBegun({ draft: next, now });
    // A time that nobody chose is that of the next look.
    keepDraft(sessionStorage, name, { ...next, timestamp: next.timestamp === now ? '' : next.timestamp });
  };
  const anew = (ids: Pick<Draft, 'customerId' | 'dimensionId'>): void => {
    keepDraft(sessionStorage, name, null);
    setKept(false);
    setBegun(begin(ids));
  };
  const [stored, setStored] = useState<WrittenRecord | null>(null);
  if (stored !== null) {
    return (
      <Dialog
        open
        onClose={onClose}
        title="Record Usage"
        wide
        actions={
          <>
            <Button onClick={onClose}>Close</Button>
            <ButtonLink to="/records/$recordId" params={{ recordId: stored.recordId }}>
              Explain
            </ButtonLink>
            <Button
              look="primary"
              autoFocus
              onClick={() => {
                anew(draft);
                setStored(null);
              }}
            >
              Record another
            </Button>
          </>
        }
      >
        <StoredRecord record={stored} />
      </Dialog>
    );
  }
  return (
    <Form
      draft={draft}
      onDraft={write}
      {...(isKept ? { onAnew: () => anew(given) } : {})}
      onSent={() => {
        // It may be stored though no answer comes: sent again it must be the same record, to its time.
        setBegun({ draft, now: '' });
        keepDraft(sessionStorage, name, draft);
      }}
      onStored={(record) => {
        keepDraft(sessionStorage, name, null);
        setStored(record);
      }}
      onCancel={() => {
        keepDraft(sessionStorage, name, null);
        onClose();
      }}
      onClose={onClose}
    />
  );
}

interface FormProps {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  /** Where it shows what was typed before. */
  onAnew?: () => void;
  onSent: () => void;
  /** Also when the form is closed already. */
  onStored: (record: WrittenRecord) => void;
  /** What was typed was not meant. */
  onCancel: () => void;
  onClose: () => void;
}

function Form({ draft, onDraft, onAnew, onSent, onStored, onCancel, onClose }: FormProps): ReactNode {
  const write = useChange('POST /api/v1/usage');
  /** How often Submit was tried: from then on all that is missing is said. */
  const [tries, setTries] = useState(0);
  const fields = useRef<HTMLDivElement>(null);
  const known = useKnownDimension(draft.dimensionId);
  // A dimension that is discovered takes no credits.
  const faults = draftFaults(draft, known === null ? null : known !== 'nobody' && known.creditsAllowed);
  const hasCode = useShownSnippet() !== undefined;
  const isComplete = !hasFaults(faults);
  const refused = fieldErrors(write.error, PLAIN_FIELDS);
  const ofMetadata = refused.rest.filter((text) => text.startsWith('metadata'));
  const isConflict = write.error?.code === 'ID_CONFLICT';

  const change = (changed: Partial<Draft>): void => {
    if (write.error !== null) write.reset();
    onDraft({ ...draft, ...changed });
  };
  const errorAt = (field: DraftField): string | undefined => {
    const isTyped = draft[field].length > 0;
    return (tries > 0 || isTyped ? faults.fields[field] : undefined) ?? refused.at(field);
  };
  const submit = (): void => {
    setTries(tries + 1);
    if (!isComplete) return;
    onSent();
    write.mutateAsync({ body: newRecord(draft) }).then(
      (answer) => 'records' in answer && answer.records[0] && onStored(answer.records[0]),
      // The form shows it.
      () => {},
    );
  };

  /** What is to be filled in has the focus when the form appears. */
  const fieldsRef = useCallback((element: HTMLDivElement | null) => {
    fields.current = element;
    const inputs = [...(element?.querySelectorAll<HTMLInputElement>('input') ?? [])];
    inputs.find(({ value }) => value === '')?.focus();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each refusal, not while it is mended
  useEffect(() => {
    fields.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    fields.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: 'nearest' });
  }, [tries, write.error]);

  return (
    <Dialog
      open
      onClose={onClose}
      title="Record Usage"
      wide={hasCode ? 'most' : true}
      onSubmit={submit}
      actions={
        <>
          <Button onClick={onCancel}>Cancel</Button>
          <Button type="submit" look="primary" busy={write.isPending}>
            Submit
          </Button>
        </>
      }
    >
      <div className={hasCode ? styles.withCode : styles.alone}>
        <div ref={fieldsRef} className={styles.form}>
          {onAnew && (
            <DraftNotice
              onAnew={() => {
                // What was said of the draft is not said of the new one.
                write.reset();
                setTries(0);
                onAnew();
              }}
            />
          )}
          {isConflict && (
            <div role="alert" className={styles.conflict}>
              <p>
                A record with this id is stored already, by an earlier Submit or by its code, with other
                content. Nothing was changed.
              </p>
              <Button onClick={() => change({ id: newRecordId() })}>Make it another record</Button>
            </div>
          )}
          <FormErrors errors={refused.rest.filter((text) => !ofMetadata.includes(text))} />
          <div className={`${styles.pair} ${styles.ids}`}>
            <CustomerField
              value={draft.customerId}
              onValue={(customerId) => change({ customerId })}
              error={errorAt('customerId')}
            />
            <DimensionField
              value={draft.dimensionId}
              onValue={(dimensionId) => change({ dimensionId })}
              error={errorAt('dimensionId')}
            />
          </div>
          <TextField
            label="Record Value"
            inputMode="decimal"
            value={draft.recordValue}
            onValue={(recordValue) => change({ recordValue: recordValue.trim() })}
            error={errorAt('recordValue')}
            help={valueHelp(known)}
          />
          <div className={styles.pair}>
            <TimestampField
              label="Timestamp"
              value={draft.timestamp}
              onValue={(timestamp) => change({ timestamp })}
              error={errorAt('timestamp')}
              help="It usually marks the end of the period."
              placeholder="2026-03-01T08:00:00Z"
            />
            <TimestampField
              label="Start time"
              value={draft.startTime}
              onValue={(startTime) => change({ startTime })}
              error={errorAt('startTime')}
              help="Optional: when the period began."
              placeholder="none"
            />
          </div>
          <MetadataTable
            rows={draft.metadata}
            onRows={(metadata) => change({ metadata })}
            cellFaults={faults.cells}
            error={errorAt('metadata') ?? ofMetadata[0]}
          />
        </div>
        <SnippetPreview
          id={draft.id}
          record={isComplete ? newRecord(draft) : null}
          missing={[
            ...FIELDS.filter((field) => faults.fields[field] !== undefined),
            ...(faults.cells.size > 0 ? ['metadata' as const] : []),
          ].map((field) => FIELD_LABELS[field])}
        />
      </div>
    </Dialog>
  );
}

function valueHelp(known: ReturnType<typeof useKnownDimension>): string {
  const unit = known === null || known === 'nobody' || known.unit === '1' ? '' : `In ${known.unit}. `;
  const credits =
    known !== null && known !== 'nobody' && known.creditsAllowed ? ' Credits are negative.' : '';
  return `${unit}Exact: up to 26 digits before the point and 12 after it.${credits}`;
}
