/** A button, or a link that looks like one. */
import type { ComponentProps, ReactNode } from 'react';
import styles from './button.module.css';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps extends ComponentProps<'button'> {
  /** `plain` (default), `primary` for the one thing to do here, `quiet` without a border, `danger` for what destroys. */
  look?: 'plain' | 'primary' | 'quiet' | 'danger';
  icon?: IconName;
  /** Work is under way: it cannot be pressed again. */
  busy?: boolean;
}

export function Button({
  look = 'plain',
  icon,
  busy = false,
  className = '',
  children,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || busy}
      aria-busy={busy || undefined}
      className={`${styles.button} ${styles[look]} ${className}`}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button that shows only an icon; its label is said and shown as a tooltip. */
export function IconButton({
  label,
  icon,
  ...rest
}: { label: string; icon: IconName } & ComponentProps<'button'>): ReactNode {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      className={`${styles.button} ${styles.quiet} ${styles.square}`}
    >
      <Icon name={icon} />
    </button>
  );
}
