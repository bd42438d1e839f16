/** A labelled field with its help and its error. The kit's inputs find the field that they are in by themselves. */
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from 'react';
import styles from './field.module.css';

export interface FieldProps {
  label: string;
  /** What one should know before filling it in. */
  help?: ReactNode;
  /** What is wrong with it; see `fieldErrors` of kit/problem.ts. */
  error?: string | undefined;
  /** The label is said, and not shown: of one of several alike. */
  isLabelHidden?: boolean;
}

interface FieldInput {
  id?: string;
  'aria-describedby'?: string;
  'aria-invalid'?: true;
}

const FieldContext = createContext<FieldInput>({});

/** What an input takes of the field around it: `<input {...useField()} />`. */
export function useField(): FieldInput {
  return useContext(FieldContext);
}

export function Field({
  label,
  help,
  error,
  isLabelHidden = false,
  children,
}: FieldProps & { children: ReactNode }): ReactNode {
  const id = useId();
  const describedBy = [help ? `${id}-help` : '', error === undefined ? '' : `${id}-error`].join(' ').trim();
  const input: FieldInput = {
    id,
    ...(describedBy === '' ? {} : { 'aria-describedby': describedBy }),
    ...(error === undefined ? {} : { 'aria-invalid': true }),
  };
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      <FieldContext value={input}>{children}</FieldContext>
      {help && (
        <p id={`${id}-help`} className={styles.help}>
          {help}
        </p>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}

export interface InputProps extends Omit<ComponentProps<'input'>, 'value' | 'onChange'> {
  value: string;
  onValue: (value: string) => void;
}

/** An input, in a Field or with an `aria-label`. */
export function Input({ onValue, className = '', ...input }: InputProps): ReactNode {
  const field = useField();
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      {...field}
      {...input}
      onChange={(event) => onValue(event.target.value)}
      className={`${styles.input} ${className}`}
    />
  );
}

export function TextField({ label, help, error, ...input }: FieldProps & InputProps): ReactNode {
  return (
    <Field label={label} help={help} error={error}>
      <Input {...input} />
    </Field>
  );
}

/** An input for a search: its label is said, and shown while it is empty. */
export function SearchField({ label, ...input }: { label: string } & InputProps): ReactNode {
  return <Input type="search" aria-label={label} placeholder={label} {...input} className={styles.search} />;
}
