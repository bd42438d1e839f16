/**
 * A text area for a query: with line numbers, with completion by typing or Ctrl+Space, and with a mark where something is
 * wrong. It stays the browser's own, so undo, selection and screen readers are as everywhere.
 */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import popup from '../../kit/popup.module.css';
import { usePopup } from '../../kit/popup.ts';
import { type CatalogueEntry, type Completion, completionAt, insertionOf } from './completion.ts';
import styles from './editor.module.css';

export interface EditorProps {
  value: string;
  onValue: (value: string) => void;
  onRun: () => void;
  catalogue: readonly CatalogueEntry[];
  /** From 1: the line where something is wrong. */
  faultLine?: number | undefined;
  /** The text area, to go to a place in it. */
  area: React.RefObject<HTMLTextAreaElement | null>;
}

const LEAST_LINES = 7;
const MOST_LINES = 22;
const TAB = '  ';

export function Editor({ value, onValue, onRun, catalogue, faultLine, area }: EditorProps): ReactNode {
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [active, setActive] = useState(0);
  const gutter = useRef<HTMLPreElement>(null);
  const caret = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const isOpen = completion !== null;
  usePopup(isOpen, caret, list);
  useEffect(() => {
    list.current?.querySelector('[data-highlighted]')?.scrollIntoView({ block: 'nearest' });
  });

  const complete = (isAsked: boolean): void => {
    const element = area.current;
    if (element === null) return;
    const next =
      element.selectionStart === element.selectionEnd
        ? completionAt(catalogue, element.value, element.selectionStart, isAsked)
        : null;
    if (next !== null && caret.current !== null) placeAt(caret.current, element, next.from);
    setCompletion(next);
    setActive(0);
  };
  // Whoever typed before the catalogue was there gets what it has.
  const hasTyped = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the catalogue is news
  useEffect(() => {
    if (hasTyped.current && document.activeElement === area.current) complete(false);
  }, [catalogue]);
  const choose = (entry: CatalogueEntry): void => {
    const element = area.current;
    if (element === null || completion === null) return;
    element.setSelectionRange(completion.from, completion.to);
    write(element, insertionOf(entry));
    setCompletion(null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      setCompletion(null);
      onRun();
      return;
    }
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      complete(true);
      return;
    }
    if (completion === null) return;
    const { entries } = completion;
    const next = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: active - 8 }[
      event.key
    ];
    if (next !== undefined) {
      event.preventDefault();
      setActive(
        Math.abs(next - active) === 1
          ? (next + entries.length) % entries.length
          : Math.max(0, Math.min(entries.length - 1, next)),
      );
    } else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey)) {
      event.preventDefault();
      choose(entries[active]);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      setCompletion(null);
    } else if (/^(ArrowLeft|ArrowRight|Home|End)$/.test(event.key)) setCompletion(null);
  };
  const lines = value.split('\n').length;
  return (
    <div className={styles.editor}>
      <pre ref={gutter} className={styles.gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the number of a line is what it is
          <span key={index} data-fault={index + 1 === faultLine || undefined}>
            {index + 1}
          </span>
        ))}
      </pre>
      <div className={styles.area}>
        <span ref={caret} className={styles.caret} />
        <textarea
          ref={area}
          className={styles.text}
          aria-label="Query"
          aria-description="Ctrl+Enter runs it, Ctrl+Space completes what you type."
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={isOpen ? `${id}-list` : undefined}
          aria-activedescendant={isOpen ? `${id}-${active}` : undefined}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          autoCorrect="off"
          rows={Math.max(LEAST_LINES, Math.min(MOST_LINES, lines + 1))}
          value={value}
          onChange={(event) => {
            onValue(event.target.value);
            const { inputType } = event.nativeEvent as InputEvent;
            hasTyped.current = inputType === 'insertText';
            // Not after what was pasted, or written by the page.
            if (inputType === 'insertText' || (isOpen && inputType?.startsWith('delete'))) complete(false);
            else setCompletion(null);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setCompletion(null)}
          onClick={() => setCompletion(null)}
          onScroll={(event) => {
            if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      <span className="visually-hidden" role="status">
        {isOpen && `${completion.entries.length} suggestions`}
      </span>
      {isOpen && (
        <div ref={list} popover="manual" className={popup.popup}>
          <div id={`${id}-list`} role="listbox" aria-label="Suggestions" className={popup.list}>
            {completion.entries.map((entry, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are pressed in the text area
              <div
                key={`${entry.kind} ${entry.name}`}
                id={`${id}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === active}
                data-highlighted={index === active || undefined}
                className={popup.item}
                // The text area keeps the focus.
                onPointerDown={(event) => event.preventDefault()}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(entry)}
              >
                <span className={styles.entry}>
                  <span className={styles.name}>
                    {entry.name}
                    {entry.kind === 'macro' && `(${entry.type ?? ''})`}
                  </span>
                  {entry.comment && <span className={styles.comment}>{entry.comment}</span>}
                </span>
                <span className={popup.note}>{noteOf(entry)}</span>
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

function noteOf({ kind, name, type }: CatalogueEntry): string | undefined {
  if (kind === 'column') return type;
  return kind === 'keyword' && name.endsWith('(') ? 'function' : kind;
}

/** As if it was typed: what was there comes back by undo. */
export function write(element: HTMLTextAreaElement, text: string): void {
  element.focus();
  if (document.execCommand('insertText', false, text)) return;
  element.setRangeText(text, element.selectionStart, element.selectionEnd, 'end');
  element.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Puts what a list hangs on below a letter of the text. */
function placeAt(anchor: HTMLElement, area: HTMLTextAreaElement, offset: number): void {
  const before = area.value.slice(0, offset).split('\n');
  const look = getComputedStyle(area);
  const canvas = document.createElement('canvas').getContext('2d')!;
  canvas.font = look.font;
  const line = (before[before.length - 1] ?? '').replaceAll('\t', TAB);
  const left = Number.parseFloat(look.paddingLeft) + canvas.measureText(line).width - area.scrollLeft;
  const height = Number.parseFloat(look.lineHeight);
  const top = Number.parseFloat(look.paddingTop) + before.length * height - area.scrollTop;
  anchor.style.left = `${Math.max(0, Math.min(left, area.clientWidth))}px`;
  anchor.style.top = `${Math.max(0, Math.min(top, area.clientHeight))}px`;
}
