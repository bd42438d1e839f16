/** Filters that several lists of periods have. */
import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '../../kit/button.tsx';
import { Input, SearchField } from '../../kit/field.tsx';
import { CustomerChoice } from '../../kit/id-choice.tsx';
import styles from './page.module.css';
import { isMonth } from './period.ts';

const PAUSE_MS = 300;

export function CustomerFilter({
  value,
  onValue,
}: {
  value: string | undefined;
  onValue: (id: string | undefined) => void;
}): ReactNode {
  return (
    <>
      <div className={styles.filter}>
        <CustomerChoice
          label="Customer"
          placeholder="All customers"
          value={value ?? null}
          onValue={onValue}
          mayBeNew
        />
      </div>
      {value !== undefined && (
        <Button look="quiet" icon="close" onClick={() => onValue(undefined)}>
          All customers
        </Button>
      )}
    </>
  );
}

export function MonthFilter({
  value,
  onValue,
}: {
  value: string | undefined;
  onValue: (month: string | undefined) => void;
}): ReactNode {
  return (
    <div className={styles.month}>
      <Input
        type="month"
        aria-label="Month"
        placeholder="2026-03"
        value={value ?? ''}
        onValue={(month) => (month === '' || isMonth(month)) && onValue(month === '' ? undefined : month)}
      />
    </div>
  );
}

/** What is typed is asked for after a short pause. */
export function TypedFilter({
  label,
  value,
  onValue,
}: {
  label: string;
  value: string | undefined;
  onValue: (text: string | undefined) => void;
}): ReactNode {
  const [typed, setTyped] = useState(value ?? '');
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the pause
  useEffect(() => {
    if (typed === (value ?? '')) return;
    const timer = setTimeout(() => onValue(typed === '' ? undefined : typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => setTyped(value ?? ''), [value]);
  return (
    <div className={styles.filter}>
      <SearchField label={label} value={typed} onValue={setTyped} />
    </div>
  );
}
