/** Dialogs that stand in the address: Back closes one, and one that was closed is not behind for Back to open again. */
import { useRouter } from '@tanstack/react-router';
import { useRef } from 'react';

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** Back leads to where it was opened. */
    isOpened?: true;
  }
}

/** The `state` of `navigate` to a dialog. What changes in the dialog keeps it: `state: true`. */
export const OPENED = { isOpened: true } as const;

/** Goes back to where the dialog was opened; false where somebody came by its address. */
export function useWayBack(): () => boolean {
  const { history } = useRouter();
  const left = useRef<object>(undefined);
  return () => {
    const { state } = history.location;
    if (state.isOpened === undefined) return false;
    // Going back takes a moment: Escape twice is once.
    if (left.current !== state) history.back();
    left.current = state;
    return true;
  };
}
