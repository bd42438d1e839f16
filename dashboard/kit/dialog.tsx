/** A dialog over the page; Escape and its close button leave it. */
import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import styles from './dialog.module.css';
import { Icon } from './icon.tsx';

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
  const content = (
    <>
      <div className={styles.body}>{children}</div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </>
  );
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={`${styles.popup} ${wide === 'most' ? styles.most : wide ? styles.wide : ''}`}>
          <header className={styles.head}>
            <Base.Title>{title}</Base.Title>
            <Base.Close className={styles.close} aria-label="Close">
              <Icon name="close" />
            </Base.Close>
          </header>
          {description && <Base.Description className={styles.description}>{description}</Base.Description>}
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
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
