/** A link that looks like a button: it goes somewhere, and does nothing else. */
import { Link, type LinkComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import styles from './button.module.css';
import linkStyles from './button-link.module.css';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonLinkProps {
  to: NonNullable<LinkComponentProps['to']>;
  /** Of the path. */
  params?: Readonly<Record<string, string>>;
  look?: 'plain' | 'primary' | 'quiet';
  icon?: IconName;
  children: ReactNode;
}

export function ButtonLink({ to, params = {}, look = 'plain', icon, children }: ButtonLinkProps): ReactNode {
  return (
    <Link to={to} params={params as never} className={`${styles.button} ${styles[look]} ${linkStyles.link}`}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
