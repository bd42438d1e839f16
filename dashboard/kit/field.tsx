/** A labelled field with its help and its error. Others of the kit's inputs go into {@link Field}. */
import { Field as BaseField } from '@base-ui/react/field';
import type { ComponentProps, ReactNode } from 'react';
import styles from './field.module.css';

export interface FieldProps {
  label: string;
  /** What one should know before filling it in. */
  help?: ReactNode;
  /** What is wrong with it; see `fieldErrors` of kit/problem.ts. */
  error?: string | undefined;
}

export function Field({ label, help, error, children }: FieldProps & { children: ReactNode }): ReactNode {
  return (
    <BaseField.Root invalid={error !== undefined} className={styles.field}>
      <BaseField.Label className={styles.label}>{label}</BaseField.Label>
      {children}
      {help && <BaseField.Description className={styles.help}>{help}</BaseField.Description>}
      {error !== undefined && (
        <BaseField.Error match className={styles.error}>
          {error}
        </BaseField.Error>
      )}
    </BaseField.Root>
  );
}

export interface TextFieldProps
  extends FieldProps,
    Omit<ComponentProps<'input'>, 'value' | 'onChange' | 'ref'> {
  value: string;
  onValue: (value: string) => void;
}

export function TextField({ label, help, error, onValue, ...input }: TextFieldProps): ReactNode {
  return (
    <Field label={label} help={help} error={error}>
      <BaseField.Control
        autoComplete="off"
        spellCheck={false}
        {...input}
        className={styles.input}
        onValueChange={onValue}
      />
    </Field>
  );
}

/** An input for a search: its label is said and not shown. */
export function SearchField({
  label,
  value,
  onValue,
  ...input
}: { label: string; value: string; onValue: (value: string) => void } & Omit<
  ComponentProps<'input'>,
  'value' | 'onChange'
>): ReactNode {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      autoComplete="off"
      spellCheck={false}
      {...input}
      value={value}
      onChange={(event) => onValue(event.target.value)}
      className={`${styles.input} ${styles.search}`}
    />
  );
}
