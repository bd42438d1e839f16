/** A choice of a few. For many, see kit/combobox.tsx. */
import { Select as Base } from '@base-ui/react/select';
import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';
import popup from './popup.module.css';
import styles from './select.module.css';

export interface SelectProps<Value extends string> {
  /** Said where no label stands beside it. */
  label?: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onValue: (value: Value) => void;
}

export function Select<Value extends string>({
  label,
  value,
  options,
  onValue,
}: SelectProps<Value>): ReactNode {
  return (
    <Base.Root items={options} value={value} onValueChange={(next) => onValue(next as Value)}>
      <Base.Trigger
        className={styles.trigger}
        aria-label={
          label === undefined
            ? undefined
            : `${label}: ${options.find((each) => each.value === value)?.label ?? value}`
        }
      >
        <Base.Value />
        <Base.Icon className={styles.icon}>
          <Icon name="down" />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={popup.positioner} sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className={popup.popup}>
            <Base.List className={popup.list}>
              {options.map((option) => (
                <Base.Item key={option.value} value={option.value} className={popup.item}>
                  <Base.ItemText>{option.label}</Base.ItemText>
                  <Base.ItemIndicator className={popup.indicator}>
                    <Icon name="check" />
                  </Base.ItemIndicator>
                </Base.Item>
              ))}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
