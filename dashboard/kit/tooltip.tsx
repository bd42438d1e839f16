/** A short explanation on hover and focus; nothing that one must know. */
import { type ReactNode, useId, useRef, useState } from 'react';
import popup from './popup.module.css';
import { usePopup } from './popup.ts';

/** @param props.children a button, a link or a text that it explains */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const panel = useRef<HTMLSpanElement>(null);
  const id = useId();
  usePopup(isOpen, anchor, panel);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only shows what the element in it means
    <span
      ref={anchor}
      aria-describedby={isOpen ? id : undefined}
      onPointerEnter={() => setOpen(true)}
      onPointerLeave={() => setOpen(false)}
      onFocus={() => setOpen(true)}
      onBlur={() => setOpen(false)}
      onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
    >
      {children}
      {isOpen && (
        <span
          ref={panel}
          id={id}
          role="tooltip"
          popover="manual"
          className={`${popup.popup} ${popup.tooltip}`}
        >
          {text}
        </span>
      )}
    </span>
  );
}
