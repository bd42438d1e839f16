/** Several views of one thing. Which one is shown belongs into the address. */
import { type KeyboardEvent, type ReactNode, useId } from 'react';
import styles from './tabs.module.css';

export interface Tab<Value extends string> {
  value: Value;
  label: string;
  content: ReactNode;
}

export interface TabsProps<Value extends string> {
  value: Value;
  onValue: (value: Value) => void;
  tabs: readonly Tab<Value>[];
}

/** https://www.w3.org/WAI/ARIA/apg/patterns/tabs/: Tab comes to the chosen one, arrows choose. */
export function Tabs<Value extends string>({ value, onValue, tabs }: TabsProps<Value>): ReactNode {
  const id = useId();
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = to % tabs.length;
    onValue(tabs.at(next)!.value);
    ([...event.currentTarget.children] as HTMLElement[]).at(next)?.focus();
  };
  return (
    <div className={styles.root}>
      <div role="tablist" className={styles.list} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={`${id}-${tab.value}`}
            aria-selected={tab.value === value}
            aria-controls={tab.value === value ? id : undefined}
            tabIndex={tab.value === value ? 0 : -1}
            className={styles.tab}
            onClick={() => onValue(tab.value)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {tabs.map(
        (tab) =>
          tab.value === value && (
            <div
              key={value}
              role="tabpanel"
              id={id}
              aria-labelledby={`${id}-${value}`}
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what is in it may have nothing to tab to
              tabIndex={0}
              className={styles.panel}
            >
              {tab.content}
            </div>
          ),
      )}
    </div>
  );
}
