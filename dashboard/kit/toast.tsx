/** Short news at the corner: what was done, with a way to it. What went wrong stays beside what caused it instead. */
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { IconButton } from './button.tsx';
import styles from './toast.module.css';

interface Shown {
  key: number;
  title: string;
  description: ReactNode;
}

const LASTS_MS = 8_000;

let shown: readonly Shown[] = [];
let count = 0;
const listeners = new Set<() => void>();

function show(next: readonly Shown[]): void {
  shown = next;
  for (const tell of listeners) tell();
}

/** @param description may hold a link to what was made */
export function toast(title: string, description?: ReactNode): void {
  count += 1;
  show([...shown.slice(-2), { key: count, title, description }]);
}

/** Once in the page. */
export function Toasts(): ReactNode {
  const all = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  return (
    <div className={styles.toasts} role="status">
      {all.map((each) => (
        <Toast
          key={each.key}
          title={each.title}
          description={each.description}
          onClose={() => show(shown.filter(({ key }) => key !== each.key))}
        />
      ))}
    </div>
  );
}

function Toast({ title, description, onClose }: Omit<Shown, 'key'> & { onClose: () => void }): ReactNode {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time begins when it appears
  useEffect(() => {
    const timer = setTimeout(onClose, LASTS_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={styles.toast}>
      <div>
        <p className={styles.title}>{title}</p>
        {description && <p className={styles.description}>{description}</p>}
      </div>
      <IconButton label="Dismiss" icon="close" onClick={onClose} />
    </div>
  );
}
