/** Code to read and to copy, exactly as it stands. */
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import styles from './code-block.module.css';

export function CodeBlock({ code, label = 'Code' }: { code: string; label?: string }): ReactNode {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async (): Promise<void> => {
    await copyText(code);
    setCopied(code);
  };
  return (
    <div className={styles.block}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <section tabIndex={0} aria-label={label} className={styles.scroll}>
        <pre>
          <code>{code}</code>
        </pre>
      </section>
      <div className={styles.copy}>
        <Button icon={copied === code ? 'check' : 'copy'} onClick={() => void copy()}>
          {copied === code ? 'Copied' : 'Copy'}
        </Button>
      </div>
      <span className="visually-hidden" aria-live="polite">
        {copied === code ? 'Copied' : ''}
      </span>
    </div>
  );
}

/** Pages of plain HTTP, other than of this machine, have no clipboard API. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog:last-of-type') ?? document.body).append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
