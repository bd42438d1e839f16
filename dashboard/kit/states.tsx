/** What stands in the place of something that is not there: yet, at all, or because of an error. */
import type { ReactNode } from 'react';
import { UsageMeterError } from '../api/client.ts';
import { Button } from './button.tsx';
import styles from './states.module.css';

export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}): ReactNode {
  return (
    <div className={styles.state}>
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}

/** @param props.onRetry asks again; left out where it would not help */
export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }): ReactNode {
  // Asked again, it is still not there.
  const isGone = error instanceof UsageMeterError && error.status === 404;
  return (
    <div className={`${styles.state} ${styles.error}`} role="alert">
      <p className={styles.title}>{titleOf(error)}</p>
      <p className={styles.text}>{adviceOf(error)}</p>
      {error instanceof UsageMeterError && <code className={styles.code}>{error.code}</code>}
      {onRetry && !isGone && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

function titleOf(error: Error): string {
  if (!(error instanceof UsageMeterError)) return 'The page failed';
  if (error.code === 'UNREACHABLE') return 'The receiver does not answer';
  return error.problem?.title ?? 'The receiver refused';
}

/** What one can do about it. */
function adviceOf(error: Error): string {
  if (!(error instanceof UsageMeterError))
    return `${error.message} Load the page again; if it comes back, report it.`;
  if (error.code === 'UNREACHABLE')
    return 'It may be starting, or the network is down. Nothing that was acknowledged is lost.';
  if (error.code === 'NOT_JSON')
    return 'Something between this page and the receiver answered instead: a proxy, perhaps.';
  const detail = error.problem?.detail ?? error.message;
  return error.retryable ? `${detail} It passes by itself: try again in a moment.` : detail;
}

/** Grey lines where text will be. */
export function Skeleton({ lines = 3 }: { lines?: number }): ReactNode {
  return (
    <div className={styles.skeleton} aria-busy="true">
      <span className="visually-hidden">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are all alike
        <div key={line} className={styles.line} />
      ))}
    </div>
  );
}
