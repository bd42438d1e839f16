/** Record metadata as a table of pairs, whose cells are edited in place. */
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Button, IconButton } from '../../../kit/button.tsx';
import field from '../../../kit/field.module.css';
import type { DraftFaults, MetadataRow } from './draft.ts';
import styles from './metadata-table.module.css';

type Column = 'key' | 'value';

interface Place {
  row: number;
  column: Column;
}

export interface MetadataTableProps {
  rows: readonly MetadataRow[];
  onRows: (rows: MetadataRow[]) => void;
  cellFaults: DraftFaults['cells'];
  error?: string | undefined;
}

export function MetadataTable({ rows, onRows, cellFaults, error }: MetadataTableProps): ReactNode {
  const [edited, setEdited] = useState<Place | null>(null);
  /** What gets the focus once it is drawn. */
  const focused = useRef<Place | 'add' | null>(null);
  const frame = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    const next = focused.current;
    if (next === null) return;
    focused.current = null;
    const selector = next === 'add' ? '[data-add]' : `[data-cell="${next.row} ${next.column}"]`;
    frame.current?.querySelector<HTMLElement>(selector)?.focus();
  });

  const add = (): void => {
    const row = Math.max(0, ...rows.map((each) => each.row)) + 1;
    onRows([...rows, { row, key: '', value: '' }]);
    setEdited({ row, column: 'key' });
  };
  const remove = (row: number): void => {
    const at = rows.findIndex((each) => each.row === row);
    const rest = rows.filter((each) => each.row !== row);
    const neighbour = rest[Math.min(at, rest.length - 1)];
    focused.current = neighbour === undefined ? 'add' : { row: neighbour.row, column: 'key' };
    setEdited(null);
    onRows(rest);
  };
  const save = (place: Place, text: string): MetadataRow[] =>
    rows.map((each) => (each.row === place.row ? { ...each, [place.column]: text } : each));
  /** Where editing a cell ends; `next` is edited then, or the cell that was has the focus. */
  const leave = (place: Place, text: string | null, next: Place | 'add' | null): void => {
    const changed = text === null ? [...rows] : save(place, text);
    const own = changed.find(({ row }) => row === place.row);
    // A row that was added, and then left as it was, was not meant.
    if (own?.key === '' && own.value === '' && next === null) {
      remove(place.row);
      return;
    }
    if (text !== null) onRows(changed);
    if (next === 'add' || next === null) {
      focused.current = next ?? place;
      setEdited(null);
    } else setEdited(next);
  };
  const neighbourOf = ({ row, column }: Place, step: 1 | -1): Place | null => {
    const places = rows.flatMap((each): Place[] => [
      { row: each.row, column: 'key' },
      { row: each.row, column: 'value' },
    ]);
    return places[places.findIndex((each) => each.row === row && each.column === column) + step] ?? null;
  };
  return (
    <fieldset ref={frame} className={styles.metadata}>
      <legend className={field.label}>Record Metadata</legend>
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table whose cells are edited is a grid
        <table role="grid" aria-label="Record Metadata" className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Value</th>
              <th scope="col">
                <span className="visually-hidden">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody onKeyDown={moveByArrow}>
            {rows.map((each, index) => (
              <tr key={each.row}>
                {(['key', 'value'] as const).map((column) => {
                  const place = { row: each.row, column };
                  return (
                    <Cell
                      key={column}
                      name={`${column === 'key' ? 'Key' : 'Value'} ${index + 1}`}
                      place={place}
                      text={each[column]}
                      empty={
                        column === 'value' && each.key !== '' ? 'empty: stored as an empty text' : 'empty'
                      }
                      fault={cellFaults.get(each.row)?.[column]}
                      isEdited={edited?.row === each.row && edited.column === column}
                      onEdit={() => setEdited(place)}
                      onSave={(text) => leave(place, text, null)}
                      onRevert={() => leave(place, null, null)}
                      onBlur={(text) => {
                        onRows(save(place, text));
                        setEdited(null);
                      }}
                      onTab={(text, step) => leave(place, text, neighbourOf(place, step) ?? 'add')}
                      onRemove={() => remove(each.row)}
                    />
                  );
                })}
                <td className={styles.remove}>
                  <IconButton
                    label={`Remove row ${index + 1}`}
                    icon="close"
                    tabIndex={-1}
                    onClick={() => remove(each.row)}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className={styles.below}>
        <Button icon="plus" data-add="" onClick={add}>
          Add Metadata
        </Button>
        {rows.length > 0 && (
          <span className={field.help}>
            Type, double click, <kbd>F2</kbd> or <kbd>Enter</kbd> to edit, <kbd>Delete</kbd> to remove
          </span>
        )}
      </div>
      {error !== undefined && <p className={field.error}>{error}</p>}
    </fieldset>
  );
}

interface CellProps {
  name: string;
  place: Place;
  text: string;
  /** What is shown where there is no text. */
  empty: string;
  fault: string | undefined;
  isEdited: boolean;
  onEdit: () => void;
  onSave: (text: string) => void;
  onRevert: () => void;
  /** The focus went elsewhere: what was typed is kept. */
  onBlur: (text: string) => void;
  onTab: (text: string, step: 1 | -1) => void;
  onRemove: () => void;
}

function Cell(props: CellProps): ReactNode {
  const { name, place, text, empty, fault, isEdited, onEdit, onRemove } = props;
  const faultId = `metadata-${place.row}-${place.column}-fault`;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isEdited) return;
    if (event.key === 'Enter' || event.key === 'F2') onEdit();
    else if (event.key === 'Delete') onRemove();
    else {
      // What is typed replaces the text: the editor has the focus, all of it selected, before the character goes there.
      const isShortcut = (event.ctrlKey || event.metaKey) && !event.getModifierState('AltGraph');
      if (event.key.length === 1 && !isShortcut) onEdit();
      return;
    }
    event.preventDefault();
  };
  return (
    <td
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: see the table
      role="gridcell"
      data-cell={`${place.row} ${place.column}`}
      aria-invalid={fault === undefined ? undefined : true}
      aria-describedby={fault === undefined ? undefined : faultId}
      tabIndex={isEdited ? -1 : 0}
      className={styles.cell}
      onDoubleClick={onEdit}
      onKeyDown={onKeyDown}
    >
      {isEdited ? (
        <Editor {...props} name={name} />
      ) : (
        <span className={text === '' ? styles.empty : styles.text}>{text === '' ? empty : text}</span>
      )}
      {fault !== undefined && (
        <span id={faultId} className={field.error}>
          {fault}
        </span>
      )}
    </td>
  );
}

/** Enter saves, Shift+Enter begins a line, Escape leaves the cell as it was, Tab saves and edits the next. */
function Editor({ name, text, onSave, onRevert, onBlur, onTab }: CellProps): ReactNode {
  const [typed, setTyped] = useState(text);
  const isDone = useRef(false);
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => input.current?.select(), []);
  const done = (act: () => void): void => {
    isDone.current = true;
    act();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    event.stopPropagation();
    if (event.key === 'Enter' && !event.shiftKey) done(() => onSave(typed));
    else if (event.key === 'Escape') done(onRevert);
    else if (event.key === 'Tab') done(() => onTab(typed, event.shiftKey ? -1 : 1));
    else return;
    event.preventDefault();
  };
  return (
    <textarea
      ref={input}
      // biome-ignore lint/a11y/noAutofocus: it was opened to type in
      autoFocus
      rows={1}
      aria-label={name}
      autoComplete="off"
      spellCheck={false}
      className={styles.editor}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => !isDone.current && onBlur(typed)}
    />
  );
}

/** Between cells, and to the button that removes their row. */
function moveByArrow(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const target = event.target as HTMLElement;
  const cell = target.closest('td');
  if (cell === null || target instanceof HTMLTextAreaElement) return;
  const row = cell.parentElement as HTMLTableRowElement;
  const rows = [...event.currentTarget.rows];
  const at = rows.indexOf(row);
  const next = {
    ArrowDown: rows[at + 1]?.cells[cell.cellIndex],
    ArrowUp: rows[at - 1]?.cells[cell.cellIndex],
    ArrowRight: row.cells[cell.cellIndex + 1],
    ArrowLeft: row.cells[cell.cellIndex - 1],
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  (next.querySelector('button') ?? next).focus();
}
