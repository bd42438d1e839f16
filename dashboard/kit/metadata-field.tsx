/** Key-value pairs, a line each. */
import { type ReactNode, useId } from 'react';
import { Button, IconButton } from './button.tsx';
import field from './field.module.css';
import styles from './metadata-field.module.css';

export interface MetadataRow {
  /** Tells lines apart while their keys are typed. */
  row: number;
  key: string;
  value: string;
}

/** Lines without a key are left out; of two with the same one, the last holds. */
export function metadataOf(rows: readonly MetadataRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter(({ key }) => key !== '').map(({ key, value }) => [key, value]));
}

export interface MetadataFieldProps {
  rows: readonly MetadataRow[];
  onRows: (rows: MetadataRow[]) => void;
  error?: string | undefined;
}

export function MetadataField({ rows, onRows, error }: MetadataFieldProps): ReactNode {
  const errorId = useId();
  const change = (row: number, changed: Partial<MetadataRow>): void =>
    onRows(rows.map((each) => (each.row === row ? { ...each, ...changed } : each)));
  return (
    <fieldset className={styles.metadata} aria-describedby={error === undefined ? undefined : errorId}>
      <legend className={field.label}>Metadata</legend>
      {rows.map(({ row, key, value }, index) => (
        <div key={row} className={styles.line}>
          <input
            // biome-ignore lint/a11y/noAutofocus: a line that was added is there to be filled in
            autoFocus={key === '' && value === ''}
            className={field.input}
            aria-label={`Key ${index + 1}`}
            placeholder="key"
            value={key}
            onChange={(event) => change(row, { key: event.target.value })}
          />
          <input
            className={field.input}
            aria-label={`Value ${index + 1}`}
            placeholder="value"
            value={value}
            onChange={(event) => change(row, { value: event.target.value })}
          />
          <IconButton
            label={`Remove line ${index + 1}`}
            icon="close"
            onClick={() => onRows(rows.filter((each) => each.row !== row))}
          />
        </div>
      ))}
      <Button
        icon="plus"
        onClick={() =>
          onRows([...rows, { row: Math.max(0, ...rows.map((each) => each.row)) + 1, key: '', value: '' }])
        }
      >
        Add metadata
      </Button>
      {error !== undefined && (
        <p id={errorId} className={field.error}>
          {error}
        </p>
      )}
    </fieldset>
  );
}
