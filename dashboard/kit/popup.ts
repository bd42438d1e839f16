/** Places what opens over the page beside what opened it: in the browser's top layer, so nothing cuts it off. */
import { type RefObject, useLayoutEffect } from 'react';

const GAP = 4;
const EDGE = 8;

/** @param isOpen while true, `popup` (an element with the attribute `popover`) is shown below `anchor`, or above it */
export function usePopup(
  isOpen: boolean,
  anchor: RefObject<HTMLElement | null>,
  popup: RefObject<HTMLElement | null>,
  align: 'start' | 'end' = 'start',
): void {
  useLayoutEffect(() => {
    const element = popup.current;
    const beside = anchor.current;
    if (!isOpen || element === null || beside === null) return;
    if (!element.matches(':popover-open')) element.showPopover();
    const place = (): void => {
      const at = beside.getBoundingClientRect();
      element.style.setProperty('--anchor-width', `${at.width}px`);
      const { offsetWidth: width, offsetHeight: height } = element;
      const below = innerHeight - at.bottom - GAP - EDGE;
      const isAbove = height > below && at.top > below;
      const left = align === 'end' ? at.right - width : at.left;
      element.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
      element.style.top = `${isAbove ? Math.max(EDGE, at.top - GAP - height) : at.bottom + GAP}px`;
    };
    place();
    const resized = new ResizeObserver(place);
    resized.observe(element);
    addEventListener('scroll', place, true);
    addEventListener('resize', place);
    return () => {
      resized.disconnect();
      removeEventListener('scroll', place, true);
      removeEventListener('resize', place);
      if (element.isConnected && element.matches(':popover-open')) element.hidePopover();
    };
  }, [isOpen, anchor, popup, align]);
}
