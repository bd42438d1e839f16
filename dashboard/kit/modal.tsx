/**
 * Something over the page, which is out of reach until it is closed: the browser's own modal dialog. It keeps the focus
 * and gives it back, closes on Escape the one on top, and is above all else. For what looks like a dialog see dialog.tsx.
 */
import { type MouseEvent, type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import styles from './modal.module.css';
import { Toasts } from './toast.tsx';

export interface ModalProps {
  /** Escape, or a press beside it. */
  onClose: () => void;
  className: string | undefined;
  'aria-label'?: string;
  'aria-labelledby'?: string;
  'aria-describedby'?: string | undefined;
  children: ReactNode;
}

/** It is open while it is there. */
export function Modal({ onClose, className, children, ...aria }: ModalProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isShown, setShown] = useState(false);
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // What is in it comes once it is shown, for `autoFocus` does nothing before. Where nothing has it the dialog itself is
    // focused, not its first button: the key that opened it would press that.
    setShown(true);
    return () => element?.close();
  }, []);
  return createPortal(
    <dialog
      ref={dialog}
      {...aria}
      className={`${styles.modal} ${className}`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A browser that will not be held closes it itself.
      onClose={({ currentTarget }) => currentTarget.isConnected && !currentTarget.open && onClose()}
      onMouseDown={(event) => {
        if (!isBeside(event)) return;
        event.preventDefault();
        onClose();
      }}
    >
      {isShown && (
        <>
          {children}
          <Toasts />
        </>
      )}
    </dialog>,
    document.body,
  );
}

/** Whether the press was on the backdrop, which is the dialog's own but outside its box. */
function isBeside({ target, currentTarget, clientX, clientY }: MouseEvent): boolean {
  const box = currentTarget.getBoundingClientRect();
  return (
    target === currentTarget &&
    (clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom)
  );
}
