/** ⌘K: go to a page, a customer or a dimension by typing, or do one of the page's commands. */
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useDeferredValue, useId, useState } from 'react';
import { useAnswer } from '../api/query.ts';
import { Modal } from '../kit/modal.tsx';
import popup from '../kit/popup.module.css';
import styles from './command-palette.module.css';
import { PAGES } from './pages.ts';

export interface Command {
  label: string;
  onSelect: () => void;
}

interface Entry extends Command {
  key: string;
  group: string;
  note?: string;
}

const MAX_FOUND = 6;

export function CommandPalette({
  commands,
  onClose,
}: {
  commands: readonly Command[];
  onClose: () => void;
}): ReactNode {
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const entries = useEntries(typed.trim(), commands);
  const current = Math.min(active, entries.length - 1);
  const choose = (entry: Entry | undefined): void => {
    if (entry === undefined) return;
    onClose();
    entry.onSelect();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && entries.length > 0) {
      event.preventDefault();
      const next = (current + step + entries.length) % entries.length;
      setActive(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      choose(entries[current]);
    }
  };
  return (
    <Modal onClose={onClose} className={styles.popup} aria-label="Go to or search">
      <input
        // biome-ignore lint/a11y/noAutofocus: it was opened to type in
        autoFocus
        role="combobox"
        aria-label="Go to or search"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={current >= 0 ? `${id}-${current}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        className={styles.input}
        placeholder="A page, a customer, a dimension, a command"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} role="listbox" aria-label="What was found" className={styles.list}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are pressed in the input
          <div
            key={entry.key}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            data-highlighted={index === current || undefined}
            className={popup.item}
            onClick={() => choose(entry)}
            onPointerMove={() => setActive(index)}
          >
            <span className={styles.label}>{entry.label}</span>
            {entry.note && <span className={styles.name}>{entry.note}</span>}
            <span className={popup.note}>{entry.group}</span>
          </div>
        ))}
        {entries.length === 0 && <div className={styles.empty}>Nothing is called that.</div>}
      </div>
    </Modal>
  );
}

function useEntries(typed: string, commands: readonly Command[]): Entry[] {
  const navigate = useNavigate();
  const search = useDeferredValue(typed);
  const enabled = search !== '';
  const customers = useAnswer(
    'GET /api/v1/customers',
    { query: { search, limit: MAX_FOUND, freshness: 'available' } },
    { enabled, keepPrevious: true },
  );
  const dimensions = useAnswer(
    'GET /api/v1/dimensions',
    { query: { search, limit: MAX_FOUND, freshness: 'available' } },
    { enabled, keepPrevious: true },
  );
  const fits = ({ label }: { label: string }): boolean => label.toLowerCase().includes(typed.toLowerCase());
  const pages = PAGES.filter(fits).map(({ to, label }) => ({
    key: `page ${to}`,
    group: 'Page',
    label,
    onSelect: () => void navigate({ to }),
  }));
  const found = [
    ...(customers.data?.rows ?? []).map(({ id, name }) => ({
      key: `customer ${id}`,
      group: 'Customer',
      label: id,
      ...(name === null ? {} : { note: name }),
      onSelect: () => void navigate({ to: '/customers/$customerId', params: { customerId: id } }),
    })),
    ...(dimensions.data?.rows ?? []).map(({ id, name }) => ({
      key: `dimension ${id}`,
      group: 'Dimension',
      label: id,
      ...(name === null ? {} : { note: name }),
      onSelect: () => void navigate({ to: '/dimensions', search: { search: id } }),
    })),
  ];
  const rest = commands
    .filter(fits)
    .map((command) => ({ ...command, key: `command ${command.label}`, group: 'Command' }));
  return enabled ? [...pages, ...found, ...rest] : [...pages, ...rest];
}
