/** What somebody has written and not sent: who leaves it finds it again. */
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import styles from './draft.module.css';
import { Notice } from './notice.tsx';

/** @returns what {@link keepDraft} kept; null where nothing was */
export function keptDraft<Draft>(storage: Storage, name: string): Draft | null {
  return JSON.parse(storage.getItem(keyOf(name)) ?? 'null') as Draft | null;
}

/** @param storage `sessionStorage` for what the tab may forget when it is closed, `localStorage` for what it may not */
export function keepDraft(storage: Storage, name: string, draft: object | null): void {
  if (draft === null) storage.removeItem(keyOf(name));
  else storage.setItem(keyOf(name), JSON.stringify(draft));
}

function keyOf(name: string): string {
  return `usage-meter.draft.${name}`;
}

/** Over a form that shows a draft again. */
export function DraftNotice({ onAnew }: { onAnew: () => void }): ReactNode {
  return (
    <Notice>
      <div className={styles.draft}>
        <p role="status">You had written this before, and not sent it.</p>
        <Button onClick={onAnew}>Begin anew</Button>
      </div>
    </Notice>
  );
}
