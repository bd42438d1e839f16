/** A button with a menu of things to do. */
import { Menu as Base } from '@base-ui/react/menu';
import type { ReactElement, ReactNode } from 'react';
import { Icon } from './icon.tsx';
import popup from './popup.module.css';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  /** Marks one of several that exclude each other. */
  checked?: boolean;
  disabled?: boolean;
}

/** @param props.trigger the button, as `<Button>Export</Button>` */
export function Menu({ trigger, items }: { trigger: ReactElement; items: readonly MenuItem[] }): ReactNode {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className={popup.positioner} sideOffset={4} align="end">
          <Base.Popup className={`${popup.popup} ${popup.list}`}>
            {items.map((item) => (
              <Base.Item
                key={item.label}
                className={popup.item}
                disabled={item.disabled ?? false}
                onClick={item.onSelect}
              >
                {item.label}
                {item.checked && (
                  <span className={popup.indicator}>
                    <Icon name="check" />
                    <span className="visually-hidden">chosen</span>
                  </span>
                )}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
