/** Keys that do something wherever the focus is. */
import { useEffect, useRef } from 'react';

/**
 * @param keys `?`, `mod+k` (⌘ or Ctrl), `escape`: lower-case, as `event.key` has it. Keys without `mod` do nothing while
 * somebody types.
 */
export function useHotkeys(keys: Readonly<Record<string, () => void>>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      const hasModifier = event.metaKey || event.ctrlKey;
      if (!hasModifier && isTyping(event.target)) return;
      const action = latest.current[`${hasModifier ? 'mod+' : ''}${event.key.toLowerCase()}`];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  );
}
