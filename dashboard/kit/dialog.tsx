/** A dialog over the page; Escape and its close button leave it. */
import { type ReactNode, useId } from 'react';
import styles from './dialog.module.css';
import { Icon } from './icon.tsx';
import { Modal } from './modal.tsx';

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** Buttons at its end. */
  actions?: ReactNode;
  /** Where given, the content is a form: Enter and the submit button call it. */
  onSubmit?: () => void;
  /** Wider than a column of fields; `most` takes nearly all of a laptop's width. */
  wide?: boolean | 'most';
  children: ReactNode;
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  actions,
  onSubmit,
  wide = false,
  children,
}: DialogProps): ReactNode {
  const id = useId();
  if (!open) return null;
  const content = (
    <>
      <div className={styles.body}>{children}</div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </>
  );
  return (
    <Modal
      onClose={onClose}
      className={`${styles.popup} ${wide === 'most' ? styles.most : wide ? styles.wide : ''}`}
      aria-labelledby={id}
      aria-describedby={description ? `${id}-description` : undefined}
    >
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        <button type="button" className={styles.close} aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {description && (
        <p id={`${id}-description`} className={styles.description}>
          {description}
        </p>
      )}
      {onSubmit === undefined ? (
        content
      ) : (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      )}
    </Modal>
  );
}
