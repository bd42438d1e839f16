/** A button with a menu of things to do. */
import { cloneElement, type KeyboardEvent, type ReactNode } from 'react';
import { Icon } from './icon.tsx';
import { type Trigger, useOpened } from './popover.tsx';
import popup from './popup.module.css';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  /** Given for those that exclude each other: whether it is the one that holds. */
  checked?: boolean;
  disabled?: boolean;
}

/** @param props.trigger the button, as `<Button>Export</Button>` */
export function Menu({
  trigger,
  items,
  label,
}: {
  trigger: Trigger;
  items: readonly MenuItem[];
  label: string;
}): ReactNode {
  const { isOpen, setOpen, anchor, panel, id } = useOpened('end');
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') event.stopPropagation();
    if (event.key === 'Tab') setOpen(false);
    const all = [...(panel.current?.querySelectorAll<HTMLElement>('button:not(:disabled)') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length)?.focus();
  };
  return (
    <>
      {cloneElement(trigger, {
        ref: anchor,
        onClick: () => setOpen(!isOpen),
        'aria-haspopup': 'menu',
        'aria-expanded': isOpen,
        'aria-controls': id,
      })}
      {isOpen && (
        <div
          ref={panel}
          id={id}
          popover="auto"
          role="menu"
          tabIndex={-1}
          aria-label={label}
          className={`${popup.popup} ${popup.list}`}
          onKeyDown={onKeyDown}
        >
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              {...(item.checked === undefined
                ? { role: 'menuitem' }
                : { role: 'menuitemradio', 'aria-checked': item.checked })}
              tabIndex={-1}
              disabled={item.disabled}
              className={popup.item}
              onClick={() => {
                setOpen(false);
                item.onSelect();
              }}
            >
              {item.label}
              {item.checked && (
                <span className={popup.indicator}>
                  <Icon name="check" />
                </span>
              )}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
