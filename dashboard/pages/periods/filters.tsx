/** Filters that several lists of periods have. */
import type { ReactNode } from 'react';
import { Button } from '../../kit/button.tsx';
import { Input } from '../../kit/field.tsx';
import { CustomerChoice } from '../../kit/id-choice.tsx';
import { SearchBox } from '../../kit/search-box.tsx';
import styles from './page.module.css';
import { isMonth } from './period.ts';

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

export function TypedFilter({
  label,
  value,
  onValue,
}: {
  label: string;
  value: string | undefined;
  onValue: (text: string | undefined) => void;
}): ReactNode {
  return (
    <div className={styles.filter}>
      <SearchBox label={label} search={value ?? ''} onSearch={(text) => onValue(text || undefined)} />
    </div>
  );
}
