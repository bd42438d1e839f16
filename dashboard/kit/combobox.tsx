/** A choice out of many, found by typing: the server searches. */
import { Combobox as Base } from '@base-ui/react/combobox';
import { type ReactNode, useState } from 'react';
import styles from './combobox.module.css';
import { Icon } from './icon.tsx';
import popup from './popup.module.css';

export interface ComboboxOption {
  value: string;
  label: string;
  /** Small, at the end of its line: a unit, when it was last seen. */
  note?: ReactNode;
}

export interface ComboboxProps {
  /** Said where no label of a Field stands beside it. */
  label?: string;
  value: string | null;
  onValue: (value: string | null) => void;
  /** What fits what was typed; the caller asks the server for it. */
  options: readonly ComboboxOption[];
  onSearch: (text: string) => void;
  isLoading?: boolean;
  placeholder?: string;
  /** Shown where nothing fits. */
  empty?: ReactNode;
}

export function Combobox({
  label,
  value,
  onValue,
  options,
  onSearch,
  isLoading = false,
  placeholder,
  empty = 'Nothing fits.',
}: ComboboxProps): ReactNode {
  // What is chosen stays known while the options change with what is typed.
  const [chosen, setChosen] = useState<ComboboxOption | null>(null);
  const known = options.find((option) => option.value === value);
  const current =
    value === null ? null : (known ?? (chosen?.value === value ? chosen : { value, label: value }));
  return (
    <Base.Root
      items={options}
      filter={null}
      value={current}
      isItemEqualToValue={(a: ComboboxOption, b: ComboboxOption) => a.value === b.value}
      onValueChange={(next: ComboboxOption | null) => {
        setChosen(next);
        onValue(next?.value ?? null);
      }}
      onInputValueChange={(text, { reason }) => {
        // The text of what was chosen is no search.
        onSearch(reason === 'item-press' ? '' : text);
      }}
      onOpenChange={(open) => {
        if (open) onSearch('');
      }}
    >
      <Base.InputGroup className={styles.group}>
        <Base.Input
          className={styles.input}
          aria-label={label}
          placeholder={placeholder}
          spellCheck={false}
        />
        <Base.Trigger className={styles.trigger} aria-label={`Show all of ${label ?? 'the list'}`}>
          <Icon name="down" />
        </Base.Trigger>
      </Base.InputGroup>
      <Base.Portal>
        <Base.Positioner className={popup.positioner} sideOffset={4}>
          <Base.Popup className={popup.popup} aria-busy={isLoading || undefined}>
            <Base.Empty className={popup.empty}>{isLoading ? 'Searching …' : empty}</Base.Empty>
            <Base.List className={popup.list}>
              {(option: ComboboxOption) => (
                <Base.Item key={option.value} value={option} className={popup.item}>
                  {option.label}
                  {option.note && <span className={popup.note}>{option.note}</span>}
                </Base.Item>
              )}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
