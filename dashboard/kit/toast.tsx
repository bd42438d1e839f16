/** Short news at the corner: what was done, with a way to it. What went wrong stays beside what caused it instead. */
import { type ReactNode, useEffect, useId, useLayoutEffect, useSyncExternalStore } from 'react';
import { IconButton } from './button.tsx';
import styles from './toast.module.css';

interface Shown {
  key: number;
  title: string;
  description: ReactNode;
}

const LASTS_MS = 8_000;

let state: {
  shown: readonly Shown[];
  /** The last one shows them: what an open dialog is over is out of reach, and is not read out. */
  regions: readonly string[];
} = { shown: [], regions: [] };
let count = 0;
const listeners = new Set<() => void>();

function change(next: Partial<typeof state>): void {
  state = { ...state, ...next };
  for (const tell of listeners) tell();
}

/** @param description may hold a link to what was made */
export function toast(title: string, description?: ReactNode): void {
  count += 1;
  change({ shown: [...state.shown.slice(-2), { key: count, title, description }] });
}

/** Once in the page, and in each modal. */
export function Toasts(): ReactNode {
  const id = useId();
  const { shown, regions } = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
  useLayoutEffect(() => {
    change({ regions: [...state.regions, id] });
    return () => change({ regions: state.regions.filter((each) => each !== id) });
  }, [id]);
  return (
    <div className={styles.toasts} role="status">
      {regions.at(-1) === id &&
        shown.map((each) => (
          <Toast
            key={each.key}
            title={each.title}
            description={each.description}
            onClose={() => change({ shown: state.shown.filter(({ key }) => key !== each.key) })}
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
