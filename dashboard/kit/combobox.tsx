/** A choice out of many, found by typing: the caller searches, mostly by asking the server. */
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react';
import styles from './combobox.module.css';
import field from './field.module.css';
import { useField } from './field.tsx';
import { Icon } from './icon.tsx';
import popup from './popup.module.css';
import { usePopup } from './popup.ts';

export interface ComboboxOption {
  value: string;
  label: string;
  /** Small, at the end of its line: a unit, when it was last seen. */
  note?: ReactNode;
}

export interface ComboboxProps {
  /** Said where no Field's label stands beside it. */
  label?: string;
  value: string | null;
  onValue: (value: string) => void;
  /** What fits what was typed. */
  options: readonly ComboboxOption[];
  /** What is typed; empty when the list opens. */
  onSearch: (text: string) => void;
  isLoading?: boolean;
  placeholder?: string;
  /** Shown where nothing fits. */
  empty?: ReactNode;
}

export function Combobox(props: ComboboxProps): ReactNode {
  const {
    label,
    value,
    onValue,
    options,
    onSearch,
    isLoading = false,
    placeholder,
    empty = 'Nothing fits.',
  } = props;
  /** What is typed; null while nothing is searched, and the choice is shown. */
  const [typed, setTyped] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  // The label of the choice, while the options change with what is typed.
  const chosen = useRef(new Map<string, string>());
  for (const option of options) if (option.value === value) chosen.current.set(value, option.label);
  const id = useId();
  const group = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  usePopup(isOpen, group, list);
  const current = Math.min(active, options.length - 1);

  const open = (): void => {
    if (isOpen) return;
    setOpen(true);
    setActive(options.findIndex((option) => option.value === value));
    onSearch('');
  };
  const close = (): void => {
    setOpen(false);
    setTyped(null);
  };
  const choose = (option: ComboboxOption | undefined): void => {
    if (option === undefined) return;
    chosen.current.set(option.value, option.label);
    close();
    onValue(option.value);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (!isOpen) {
        open();
        return;
      }
      const next = (current + step + options.length) % Math.max(options.length, 1);
      setActive(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
    }
    if (event.key === 'Enter' && isOpen) {
      event.preventDefault();
      choose(options[current]);
    }
    if (event.key === 'Escape' && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };
  return (
    <div ref={group} className={styles.group}>
      <input
        {...useField()}
        ref={input}
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={isOpen ? `${id}-list` : undefined}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && current >= 0 ? `${id}-${current}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        className={`${field.input} ${styles.input}`}
        value={typed ?? (value === null ? '' : (chosen.current.get(value) ?? value))}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
          setActive(0);
          onSearch(event.target.value);
        }}
        onKeyDown={onKeyDown}
        onClick={open}
        onFocus={(event) => event.target.select()}
        onBlur={close}
      />
      <span className={styles.icon}>
        <Icon name="down" />
      </span>
      {isOpen && (
        <div ref={list} popover="manual" className={popup.popup}>
          {options.length === 0 ? (
            <div className={popup.empty} role="status">
              {isLoading ? 'Searching …' : empty}
            </div>
          ) : null}
          <div
            id={`${id}-list`}
            role="listbox"
            aria-label={label ?? 'Options'}
            className={options.length === 0 ? '' : popup.list}
          >
            {options.map((option, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are pressed in the input
              <div
                key={option.value}
                id={`${id}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={option.value === value}
                data-highlighted={index === current || undefined}
                className={popup.item}
                // The input keeps the focus.
                onPointerDown={(event) => event.preventDefault()}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(option)}
                onPointerMove={() => setActive(index)}
              >
                {option.label}
                {option.note && <span className={popup.note}>{option.note}</span>}
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
