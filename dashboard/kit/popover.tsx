/** A small panel that a button opens; Escape and a click beside it close it. */
import {
  cloneElement,
  type ReactElement,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import popup from './popup.module.css';
import { usePopup } from './popup.ts';

/** What a trigger takes: the kit's buttons do. */
export type Trigger = ReactElement<{
  ref?: Ref<HTMLButtonElement>;
  onClick?: () => void;
  'aria-haspopup'?: 'dialog' | 'menu';
  'aria-expanded'?: boolean;
  'aria-controls'?: string;
}>;

export interface PopoverProps {
  trigger: Trigger;
  /** What the panel is for. */
  label: string;
  align?: 'start' | 'end';
  className?: string;
  children: ReactNode | ((close: () => void) => ReactNode);
}

export function Popover({
  trigger,
  label,
  align = 'start',
  className = '',
  children,
}: PopoverProps): ReactNode {
  const { isOpen, setOpen, anchor, panel, id } = useOpened(align);
  return (
    <>
      {cloneElement(trigger, {
        ref: anchor,
        onClick: () => setOpen(!isOpen),
        'aria-haspopup': 'dialog',
        'aria-expanded': isOpen,
        'aria-controls': id,
      })}
      {isOpen && (
        <div
          ref={panel}
          id={id}
          popover="auto"
          role="dialog"
          aria-label={label}
          className={`${popup.popup} ${popup.panel} ${className}`}
          onKeyDown={(event) => {
            // What it is in stays open.
            if (event.key === 'Escape') event.stopPropagation();
          }}
        >
          {typeof children === 'function' ? children(() => setOpen(false)) : children}
        </div>
      )}
    </>
  );
}

/** The state of a panel that the browser itself closes, too. */
export function useOpened(align: 'start' | 'end') {
  const [isOpen, setOpen] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();
  usePopup(isOpen, anchor, panel, align);
  useEffect(() => {
    const element = panel.current;
    if (!isOpen || element === null) return;
    const onToggle = (event: ToggleEvent): void => {
      if (event.newState === 'closed') setOpen(false);
    };
    element.addEventListener('toggle', onToggle);
    (element.querySelector<HTMLElement>('input, [role^="menuitem"], button, select') ?? element).focus();
    const button = anchor.current;
    return () => {
      element.removeEventListener('toggle', onToggle);
      if (element.contains(document.activeElement) || document.activeElement === document.body)
        button?.focus();
    };
  }, [isOpen]);
  return { isOpen, setOpen, anchor, panel, id };
}
