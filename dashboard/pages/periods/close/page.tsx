/** Closes a period: which, whose, what will be in the statement, and what speaks against closing it now. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { AnswerOf, RequestOptions } from '../../../api/client.ts';
import { useAnswer, useChange } from '../../../api/query.ts';
import { timeZoneOptions, useTimeZone } from '../../../app/time-zone.ts';
import { boundFault, dateIn, timeText } from '../../../format/time.ts';
import { Button } from '../../../kit/button.tsx';
import { ButtonLink } from '../../../kit/button-link.tsx';
import { Combobox } from '../../../kit/combobox.tsx';
import { Field, TextField } from '../../../kit/field.tsx';
import { FormErrors } from '../../../kit/form-errors.tsx';
import { CustomerChoice } from '../../../kit/id-choice.tsx';
import { PageFrame, Section } from '../../../kit/page-frame.tsx';
import { fieldErrors } from '../../../kit/problem.ts';
import { Select } from '../../../kit/select.tsx';
import { ErrorState, Skeleton } from '../../../kit/states.tsx';
import { toast } from '../../../kit/toast.tsx';
import { isAnchor, isMonth, monthBefore, periodOf, periodText } from '../period.ts';
import styles from './page.module.css';
import { Preview } from './preview.tsx';
import { type CloseSearch, closeRoute } from './route.ts';
import { Warnings } from './warnings.tsx';

export type CloseAnswer = AnswerOf<'POST /api/v1/periods/close'>;
type CloseBody = RequestOptions<'POST /api/v1/periods/close'>['body'];

const BACK = { to: '/periods', label: 'Periods' } as const;

export function Page(): ReactNode {
  const search = closeRoute.useSearch();
  const navigate = useNavigate({ from: '/periods/close' });
  const [zone] = useTimeZone();
  const [note, setNote] = useState('');
  const { customerId, anchor = '1', timeZone } = search;
  const isMonthly = search.from === undefined && search.to === undefined;
  const month = search.month ?? monthBefore(dateIn(zone, Date.now()));
  const period = isMonthly
    ? periodOf(month, Number(anchor))
    : { from: search.from ?? '', to: search.to ?? '' };
  const isComplete = period.from !== '' && period.to !== '';
  const body: CloseBody = {
    ...period,
    ...(customerId === undefined ? {} : { customerId }),
    ...(timeZone === undefined ? {} : { timeZone }),
  };
  const preview = useAnswer(
    'POST /api/v1/periods/close',
    { body: { ...body, dryRun: true } },
    { enabled: isComplete },
  );
  const close = useChange('POST /api/v1/periods/close');
  const errors = fieldErrors(close.error, ['note']);
  const ask = (change: Partial<Record<keyof CloseSearch, string | undefined>>): void => {
    close.reset();
    void navigate({ search: (before) => ({ ...before, ...change }) as CloseSearch, replace: true });
  };
  const submit = (): void =>
    close.mutate(
      { body: { ...body, ...(note === '' ? {} : { note }) } },
      {
        onSuccess: (answer) => {
          if (!('id' in answer)) return;
          toast('Period closed');
          void navigate({
            to: '/periods/statements/$statementId',
            params: { statementId: answer.id },
            search: {},
          });
        },
      },
    );
  const closed = close.data;
  if (closed !== undefined && 'closed' in closed) return <ClosedAll closed={closed} />;
  const canClose =
    preview.data !== undefined &&
    !preview.isPlaceholderData &&
    ('statement' in preview.data || ('closed' in preview.data && preview.data.closed > 0));
  // None where there is nothing to close, or no customer.
  const periods =
    preview.data === undefined || 'id' in preview.data
      ? []
      : 'statement' in preview.data
        ? [preview.data.statement]
        : preview.data.periods;
  return (
    <PageFrame
      title="Close a period"
      back={BACK}
      description="What was used in it is frozen as statements. Usage that comes later becomes an adjustment."
    >
      <div className={styles.columns}>
        <form
          className={styles.form}
          noValidate
          aria-label="Period"
          onSubmit={(event) => {
            event.preventDefault();
            if (canClose) submit();
          }}
        >
          <Field label="Customer">
            <CustomerChoice
              value={customerId ?? null}
              onValue={(id) => ask({ customerId: id })}
              placeholder="All customers"
            />
          </Field>
          {customerId !== undefined && (
            <Button look="quiet" icon="close" onClick={() => ask({ customerId: undefined })}>
              All customers
            </Button>
          )}
          <Field label="Period">
            <Select
              value={isMonthly ? 'month' : 'range'}
              onValue={(next) =>
                ask(
                  next === 'month'
                    ? { from: undefined, to: undefined }
                    : { ...periodOf(month, Number(anchor)), month: undefined, anchor: undefined },
                )
              }
              options={[
                { value: 'month', label: 'A month' },
                { value: 'range', label: 'Another range' },
              ]}
            />
          </Field>
          {isMonthly ? (
            <div className={styles.pair}>
              <Month month={month} onMonth={(next) => ask({ month: next })} />
              <Anchor
                key={anchor}
                anchor={anchor}
                onAnchor={(next) => ask({ anchor: next === '1' ? undefined : next })}
              />
            </div>
          ) : (
            <div className={styles.pair}>
              <Bound label="From" value={period.from} onValue={(from) => ask({ from })} />
              <Bound label="To, not in it" value={period.to} onValue={(to) => ask({ to })} />
            </div>
          )}
          <Zone
            timeZone={timeZone}
            placeholder={customerId === undefined ? 'Each customer’s own' : 'The customer’s own'}
            onZone={(next) => ask({ timeZone: next })}
          />
          <TextField
            label="Note"
            value={note}
            onValue={setNote}
            error={errors.at('note')}
            help="The statement says it of itself. Optional."
          />
          <FormErrors errors={errors.rest} />
          <Button type="submit" look="primary" busy={close.isPending} disabled={!canClose}>
            {customerId === undefined ? closeAllText(preview.data) : 'Close the period'}
          </Button>
        </form>
        <div className={styles.preview}>
          {periods.length > 0 && <Warnings customerId={customerId} periods={periods} />}
          <Section title="What will be stated">
            {!isComplete ? (
              <p className={styles.quiet}>Say from when to when.</p>
            ) : preview.error?.code === 'PERIOD_NOT_OVER' ? (
              <NotOver period={period} zone={timeZone ?? 'the customer’s own time zone'} />
            ) : preview.error !== null ? (
              <ErrorState
                error={preview.error}
                {...(preview.error.retryable ? { onRetry: () => void preview.refetch() } : {})}
              />
            ) : preview.data === undefined ? (
              <Skeleton lines={6} />
            ) : (
              <Preview answer={preview.data} />
            )}
          </Section>
        </div>
      </div>
    </PageFrame>
  );
}

/** @param props.zone where the midnights of its dates are */
function NotOver({ period, zone }: { period: { from: string; to: string }; zone: string }): ReactNode {
  // Of bare dates, it is the midnight that UTC would show, wherever that is.
  return (
    <p className={styles.warning} role="alert">
      {periodText(period, 'UTC')} is not over: it can be closed from {timeText(period.to, 'UTC', 'minute')} (
      {period.to.includes('T') ? 'UTC' : zone}).
    </p>
  );
}

function closeAllText(answer: CloseAnswer | undefined): string {
  if (answer === undefined || !('closed' in answer)) return 'Close the period';
  return answer.closed === 1 ? 'Make 1 statement' : `Make ${answer.closed} statements`;
}

function Month({ month, onMonth }: { month: string; onMonth: (month: string) => void }): ReactNode {
  const [typed, setTyped] = useState(month);
  return (
    <TextField
      label="Month"
      type="month"
      placeholder="2026-03"
      value={typed}
      onValue={(next) => {
        setTyped(next);
        if (isMonth(next)) onMonth(next);
      }}
      error={isMonth(typed) ? undefined : 'A month, like 2026-03'}
    />
  );
}

function Anchor({ anchor, onAnchor }: { anchor: string; onAnchor: (anchor: string) => void }): ReactNode {
  return (
    <Field label="Begins on day">
      <Select
        value={isAnchor(anchor) ? String(Number(anchor)) : '1'}
        onValue={onAnchor}
        options={Array.from({ length: 31 }, (_, day) => ({ value: `${day + 1}`, label: `${day + 1}.` }))}
      />
    </Field>
  );
}

/** It is asked for when it is a date or a time, and no one types any more. */
function Bound({
  label,
  value,
  onValue,
}: {
  label: string;
  value: string;
  onValue: (value: string) => void;
}): ReactNode {
  const [typed, setTyped] = useState(value);
  const fault = boundFault(typed);
  return (
    <TextField
      label={label}
      value={typed}
      onValue={(next) => {
        setTyped(next);
        if (boundFault(next) === null) onValue(next);
      }}
      error={fault ?? undefined}
    />
  );
}

function Zone({
  timeZone,
  placeholder,
  onZone,
}: {
  timeZone: string | undefined;
  placeholder: string;
  onZone: (zone: string | undefined) => void;
}): ReactNode {
  const [typed, setTyped] = useState('');
  return (
    <>
      <Field label="Time zone" help="Its midnight begins and ends the period.">
        <Combobox
          value={timeZone ?? null}
          onValue={onZone}
          placeholder={placeholder}
          empty="No such time zone."
          onSearch={setTyped}
          options={timeZoneOptions(typed)}
        />
      </Field>
      {timeZone !== undefined && (
        <Button look="quiet" icon="close" onClick={() => onZone(undefined)}>
          {placeholder}
        </Button>
      )}
    </>
  );
}

function ClosedAll({ closed }: { closed: Extract<CloseAnswer, { closed: number }> }): ReactNode {
  return (
    <PageFrame title="Period closed" back={BACK}>
      <Section title="What was done">
        <div role="status">
          <Preview answer={closed} isDone />
        </div>
        <p>
          <ButtonLink to="/periods" look="primary">
            Show the statements
          </ButtonLink>
        </p>
        <p className={styles.quiet}>
          Usage that comes late from now on is listed in{' '}
          <Link to="/periods" search={{ view: 'adjustments' }}>
            pending adjustments
          </Link>
          .
        </p>
      </Section>
    </PageFrame>
  );
}
