/** What keys do. */
import type { ReactNode } from 'react';
import { Dialog } from '../kit/dialog.tsx';
import styles from './keyboard-help.module.css';

const KEYS: readonly [keys: string, what: string][] = [
  ['⌘K or Ctrl K', 'Go to a page, a customer or a dimension'],
  ['?', 'This help'],
  ['↑ ↓ ← →', 'Move in a table, a list or a chart'],
  ['Home End', 'First and last row, or bar'],
  ['Enter', 'Open the row, cell or bar, or save what is edited'],
  ['Space', 'Pick the row'],
  ['F2', 'Edit a cell'],
  ['P', 'Pause or resume what arrives live'],
  ['Ctrl Enter', 'Run the query'],
  ['Ctrl Space', 'Complete what is typed of a query'],
  ['Escape', 'Close, or leave as it was'],
];

export function KeyboardHelp({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard">
      <dl className={styles.keys}>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
