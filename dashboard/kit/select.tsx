/** A choice of a few: the browser's own, which is good on phones and by keyboard. For many, see kit/combobox.tsx. */
import type { ReactNode } from 'react';
import { useField } from './field.tsx';
import styles from './select.module.css';

export interface SelectProps<Value extends string> {
  /** Said where no Field's label stands beside it. */
  label?: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onValue: (value: Value) => void;
  disabled?: boolean;
}

export function Select<Value extends string>({
  label,
  value,
  options,
  onValue,
  disabled,
}: SelectProps<Value>): ReactNode {
  return (
    <select
      {...useField()}
      aria-label={label}
      className={styles.select}
      value={value}
      disabled={disabled}
      onChange={(event) => onValue(event.target.value as Value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
