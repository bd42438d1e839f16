/** Short news at the corner: what was done, with a way to it. What went wrong stays beside what caused it instead. */
import { Toast as Base } from '@base-ui/react/toast';
import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';
import styles from './toast.module.css';

const manager = Base.createToastManager();

/** @param description may hold a link to what was made */
export function toast(title: string, description?: ReactNode): void {
  manager.add({ title, ...(description === undefined ? {} : { description }) });
}

export function ToastProvider({ children }: { children: ReactNode }): ReactNode {
  return (
    <Base.Provider toastManager={manager}>
      {children}
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function Toasts(): ReactNode {
  const { toasts } = Base.useToastManager();
  return toasts.map((each) => (
    <Base.Root key={each.id} toast={each} className={styles.toast}>
      <Base.Content className={styles.content}>
        <div>
          <Base.Title className={styles.title} />
          <Base.Description className={styles.description} />
        </div>
        <Base.Close className={styles.close} aria-label="Dismiss">
          <Icon name="close" />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ));
}
