/** What is wrong with a form and belongs to none of its fields. */
import type { ReactNode } from 'react';
import styles from './form-errors.module.css';

export function FormErrors({ errors }: { errors: readonly string[] }): ReactNode {
  if (errors.length === 0) return null;
  return (
    <div role="alert" className={styles.errors}>
      {errors.map((error) => (
        <p key={error}>{error}</p>
      ))}
    </div>
  );
}
