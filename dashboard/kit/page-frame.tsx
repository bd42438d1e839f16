/** What every page begins with: its title, a way back, what can be done here. */
import { Link, type LinkProps } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { Icon } from './icon.tsx';
import styles from './page-frame.module.css';

export interface PageFrameProps {
  title: string;
  /** One sentence of what is seen here. */
  description?: ReactNode;
  back?: {
    to: NonNullable<LinkProps['to']>;
    label: string;
    /** Of the address: an id, the view that it was left in. */
    params?: Record<string, string>;
    search?: object;
  };
  /** Tags beside the title. */
  tags?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function PageFrame({ title, description, back, tags, actions, children }: PageFrameProps): ReactNode {
  useEffect(() => {
    document.title = `${title.slice(0, 80)} · Usage`;
  }, [title]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div className={styles.titles}>
          {back && <Back {...back} />}
          <div className={styles.title}>
            <h1>{title}</h1>
            {tags}
          </div>
          {description && <p className={styles.description}>{description}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

function Back({ label, ...place }: NonNullable<PageFrameProps['back']>): ReactNode {
  return (
    <Link {...(place as LinkProps)} className={styles.back}>
      <Icon name="left" />
      {label}
    </Link>
  );
}

/** A part of a page, with a heading of its own. */
export function Section({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <section className={styles.section} aria-label={title}>
      <div className={styles.sectionHead}>
        <h2>{title}</h2>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** A line of filters above what they filter. */
export function Toolbar({ children }: { children: ReactNode }): ReactNode {
  return <div className={styles.toolbar}>{children}</div>;
}
