/** Repairs signals in place: says what will happen to how many, does it, and says what came of it. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { UsageMeterError } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { sumOf } from '../../format/decimal.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { Field, TextField } from '../../kit/field.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { Quantities, type QuarantineTotal } from '../../kit/quantities.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { Select } from '../../kit/select.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import styles from './fix-dialog.module.css';
import { FixFields, type FixForm, faultOf, formOf, repairOf } from './fix-fields.tsx';
import { type Fix, fixesOf, type Reason } from './reasons.ts';
import { MANY_IDS, queryOf, type Repaired, repair, type Signal } from './repair.ts';
import { isEmpty, type Selection } from './selection.ts';

export const FIX_LABELS: Readonly<Record<Fix, string>> = {
  customer: 'Choose the customer',
  'declare-customer': 'Declare the customer',
  'declare-dimension': 'Declare the dimension',
  unit: 'Change the dimension’s unit',
  aggregation: 'Change the dimension’s aggregation',
  credits: 'Let the dimension take credits',
  'own-values': 'Count each at its own value',
  correct: 'Correct by hand',
  replay: 'Replay as it is',
  dismiss: 'Dismiss',
};

export interface FixDialogProps {
  fix: Fix;
  reason: Reason | undefined;
  /** All signals that are meant; or these. */
  selection: Selection;
  picked: readonly Signal[] | null;
  /** One of those that are meant, to fill in what is known. */
  sample: Signal | undefined;
  onClose: () => void;
}

export function FixDialog(props: FixDialogProps): ReactNode {
  const { picked, reason, onClose } = props;
  const selection = picked === null ? props.selection : { ids: picked.map(({ id }) => id) };
  const totals = useAnswer(
    'GET /api/v1/quarantine/totals',
    { query: totalsQuery(selection) },
    { enabled: picked === null },
  );
  // What was at stake before it is repaired: the question answers anew afterwards.
  const [before, setBefore] = useState<QuarantineTotal['atStake'] | null>(null);
  const [fix, setFix] = useState(props.fix);
  const atStake = before ?? (picked === null ? totals.data && merged(totals.data.rows) : stakesOf(picked));
  const signals = sumOfSignals(atStake ?? []);
  const [form, setForm] = useState<FixForm>(() => formOf(props.sample));
  const [isAsked, setAsked] = useState(false);
  const [done, setDone] = useState(0);
  const stopping = useRef(new AbortController());
  const [isStopped, setStopped] = useState(false);
  // Who leaves stops what has not begun.
  useEffect(() => () => stopping.current.abort(), []);
  const client = useQueryClient();
  const repairing = useMutation<Repaired, UsageMeterError, void>({
    mutationFn: () => {
      stopping.current = new AbortController();
      const progress = { stopped: stopping.current.signal, tell: setDone };
      return repair(repairOf(fix, form), selection, form.note, progress);
    },
    onSettled: () => client.invalidateQueries(),
  });
  const errors = fieldErrors(repairing.error, FIELDS);
  const fault = faultOf(fix, form);
  const submit = (): void => {
    setAsked(true);
    if (fault !== null || atStake === undefined || repairing.isPending) return;
    setBefore(atStake);
    setStopped(false);
    repairing.mutate();
  };
  if (totals.error !== null && picked === null)
    return (
      <Dialog open onClose={onClose} title="Repair">
        <ErrorState error={totals.error} onRetry={() => void totals.refetch()} />
      </Dialog>
    );
  const isByParts = fix === 'own-values' || (picked?.length ?? 0) > MANY_IDS;
  const counted = signals === 1 ? '1 signal' : `${signals} signals`;
  if (repairing.data !== undefined)
    return (
      <Dialog
        open
        onClose={onClose}
        title={fix === 'dismiss' ? 'Dismissed' : 'Replayed'}
        actions={
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Result
          fix={fix}
          form={form}
          repaired={repairing.data}
          atStake={before ?? []}
          isStopped={isStopped}
        />
      </Dialog>
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title={FIX_LABELS[fix]}
      onSubmit={submit}
      actions={
        <>
          {repairing.isPending && isByParts ? (
            <Button
              disabled={isStopped}
              onClick={() => {
                stopping.current.abort();
                setStopped(true);
              }}
            >
              Stop
            </Button>
          ) : (
            <Button onClick={onClose}>{repairing.isPending ? 'Close' : 'Cancel'}</Button>
          )}
          <Button
            type="submit"
            look={fix === 'dismiss' ? 'danger' : 'primary'}
            busy={repairing.isPending}
            disabled={signals === 0}
          >
            {repairing.isPending && done > 0
              ? `${done} of ${signals} done`
              : `${fix === 'dismiss' ? 'Dismiss' : fix === 'replay' ? 'Replay' : 'Fix and replay'} ${counted}`}
          </Button>
        </>
      }
    >
      <section className={styles.stake} aria-label="What is meant">
        <strong>{atStake === undefined ? 'Counting …' : counted}</strong>
        {reason !== undefined && (
          <span className={styles.reason}>
            <ReasonTitle code={reason} />
          </span>
        )}
        {atStake === undefined ? <Skeleton lines={1} /> : <Quantities atStake={atStake} />}
      </section>
      <Field label="What to do">
        <Select
          value={fix}
          onValue={setFix}
          options={fixesOf(reason).map((value) => ({ value, label: FIX_LABELS[value] }))}
        />
      </Field>
      <FixFields
        fix={fix}
        form={form}
        onForm={(change) => setForm((known) => ({ ...known, ...change }))}
        errorAt={(field) =>
          (isAsked && fault?.field === field ? fault.message : undefined) ?? errors.at(PATHS[field] ?? field)
        }
      />
      <TextField
        label="Note"
        value={form.note}
        onValue={(note) => setForm((known) => ({ ...known, note }))}
        help={
          fix === 'dismiss'
            ? 'Why they shall not be counted. It stays with them.'
            : 'Why, for whoever looks into it later. Optional.'
        }
        error={(isAsked && fault?.field === 'note' ? fault.message : undefined) ?? errors.at('note')}
        required={fix === 'dismiss'}
      />
      {isEmpty(selection) && fix !== 'replay' && (
        <p className={styles.warning}>
          Choose a reason, a dimension or single signals first: not everything is repaired at once.
        </p>
      )}
      <p className={styles.consequence}>{CONSEQUENCES[fix]}</p>
      <FormErrors errors={errors.rest} />
    </Dialog>
  );
}

const PATHS: Readonly<Record<string, string>> = {
  customerId: 'correction.customerId',
  dimensionId: 'correction.dimensionId',
  recordValue: 'correction.recordValue',
  timestamp: 'correction.timestamp',
  startTime: 'correction.startTime',
};
const FIELDS = [...Object.values(PATHS), 'note', 'id', 'name', 'unit', 'aggregation'];

const EACH_ONCE = 'Each counts once, at its own time, however often it came or comes again.';
/** What will happen, before it does. */
const CONSEQUENCES: Readonly<Record<Fix, string>> = {
  customer: `They count for this customer. ${EACH_ONCE}`,
  'declare-customer': `The customer is declared, then they are judged again. ${EACH_ONCE}`,
  'declare-dimension': `The dimension is declared, then they are judged again. ${EACH_ONCE}`,
  unit: `The dimension gets this unit, then they are judged again. It keeps its unit once it has usage: then count each at its own value. ${EACH_ONCE}`,
  aggregation: `The dimension changes for all its usage, then they are judged again. ${EACH_ONCE}`,
  credits: `The dimension takes negative usage from now on, then they are judged again. ${EACH_ONCE}`,
  'own-values': `Each counts the value that it came with, in the unit of its dimension, whatever unit it named. ${EACH_ONCE}`,
  correct: `They count as you say; what is left empty stays as it came. ${EACH_ONCE}`,
  replay: `They are judged by what is known now, as after a meter was changed. What still cannot be counted stays. ${EACH_ONCE}`,
  dismiss: 'They are not counted, also when they come again. They stay listed with your note.',
};

function Result({
  fix,
  form,
  repaired: { signals, settled, left, untouched },
  atStake,
  isStopped,
}: {
  fix: Fix;
  form: FixForm;
  repaired: Repaired;
  atStake: QuarantineTotal['atStake'];
  isStopped: boolean;
}): ReactNode {
  const verb = fix === 'dismiss' ? 'dismissed' : 'counted';
  const meant = isStopped ? sumOfSignals(atStake) : signals;
  const isAll = settled === meant;
  // Where a value was said for all, or some are left, what was counted is not what was at stake.
  const isSame = isAll && !(fix === 'correct' && form.recordValue !== '');
  return (
    <div className={styles.result} role="status">
      <p>
        <strong>{isAll ? `${settled} ${verb}` : `${settled} of ${meant} ${verb}`}</strong>
      </p>
      {isSame && signals > 0 && <Quantities atStake={atStake} />}
      {signals < meant && <p>It was stopped. The others wait as they did.</p>}
      {left.map(({ reason, signals: still }) => (
        <p key={reason}>
          {still} still in quarantine: <ReasonTitle code={reason} />
        </p>
      ))}
      {untouched > 0 && (
        <p>
          {untouched} could not be counted so: they lack something else (a running total its value, say),
          would end before they begin, or the journal has them no more. Correct them by hand, or dismiss them.
        </p>
      )}
    </div>
  );
}

function sumOfSignals(atStake: QuarantineTotal['atStake']): number {
  return atStake.reduce((sum, { signals }) => sum + signals, 0);
}

function totalsQuery(selection: Selection): object {
  return selection.ids === undefined ? queryOf(selection) : {};
}

/** Of all reasons together, by dimension and unit. */
function merged(totals: readonly QuarantineTotal[]): QuarantineTotal['atStake'] {
  const all = new Map<string, QuarantineTotal['atStake'][number]>();
  for (const part of totals.flatMap(({ atStake }) => atStake)) add(all, part);
  return [...all.values()];
}

function stakesOf(picked: readonly Signal[]): QuarantineTotal['atStake'] {
  const all = new Map<string, QuarantineTotal['atStake'][number]>();
  for (const { dimensionId, unit, quantity } of picked) add(all, { dimensionId, unit, quantity, signals: 1 });
  return [...all.values()];
}

function add(
  all: Map<string, QuarantineTotal['atStake'][number]>,
  part: QuarantineTotal['atStake'][number],
): void {
  const key = JSON.stringify([part.dimensionId, part.unit]);
  const known = all.get(key);
  if (known === undefined) {
    all.set(key, part);
    return;
  }
  const quantities = [known.quantity, part.quantity].filter((quantity) => quantity !== null);
  all.set(key, {
    ...known,
    signals: known.signals + part.signals,
    quantity: quantities.length === 0 ? null : sumOf(quantities),
  });
}
