/** A short explanation on hover and focus; nothing that one must know. */
import { Tooltip as Base } from '@base-ui/react/tooltip';
import type { ReactElement, ReactNode } from 'react';
import popup from './popup.module.css';
import styles from './tooltip.module.css';

export function TooltipProvider({ children }: { children: ReactNode }): ReactNode {
  return <Base.Provider delay={400}>{children}</Base.Provider>;
}

/** @param props.children the element that it explains */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactElement }): ReactNode {
  return (
    <Base.Root>
      <Base.Trigger render={children} />
      <Base.Portal>
        <Base.Positioner className={popup.positioner} sideOffset={6}>
          <Base.Popup className={styles.tooltip}>{text}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
