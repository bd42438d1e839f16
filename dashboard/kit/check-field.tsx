/** A box to tick, with its label beside it. */
import type { ReactNode } from 'react';
import styles from './check-field.module.css';

export function CheckField({
  label,
  help,
  checked,
  onChecked,
}: {
  label: string;
  help?: string;
  checked: boolean;
  onChecked: (checked: boolean) => void;
}): ReactNode {
  return (
    <label className={styles.field}>
      <input type="checkbox" checked={checked} onChange={(event) => onChecked(event.target.checked)} />
      <span>
        <span className={styles.label}>{label}</span>
        {help !== undefined && <span className={styles.help}>{help}</span>}
      </span>
    </label>
  );
}
