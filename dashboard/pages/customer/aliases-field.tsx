/** Other ids that mean a customer, a line each. */
import type { ReactNode } from 'react';
import { Button, IconButton } from '../../kit/button.tsx';
import { Field, Input } from '../../kit/field.tsx';
import styles from './page.module.css';

export interface AliasRow {
  /** Tells lines apart while they are typed. */
  row: number;
  alias: string;
}

export function AliasesField({
  rows,
  onRows,
  errorAt,
}: {
  rows: readonly AliasRow[];
  onRows: (rows: AliasRow[]) => void;
  errorAt: (row: AliasRow) => string | undefined;
}): ReactNode {
  return (
    <fieldset className={styles.lines}>
      <legend>Aliases</legend>
      <p className={styles.quiet}>
        Other ids that mean this customer. One that was discovered is taken over with its usage.
      </p>
      {rows.map((each, index) => (
        <Field key={each.row} label={`Alias ${index + 1}`} isLabelHidden error={errorAt(each)}>
          <span className={styles.line}>
            <Input
              autoFocus={each.alias === ''}
              value={each.alias}
              onValue={(alias) =>
                onRows(rows.map((other) => (other.row === each.row ? { ...other, alias } : other)))
              }
            />
            <IconButton
              label={`Remove alias ${index + 1}`}
              icon="close"
              onClick={() => onRows(rows.filter((other) => other.row !== each.row))}
            />
          </span>
        </Field>
      ))}
      <Button
        icon="plus"
        onClick={() => onRows([...rows, { row: Math.max(-1, ...rows.map(({ row }) => row)) + 1, alias: '' }])}
      >
        Add alias
      </Button>
    </fieldset>
  );
}
