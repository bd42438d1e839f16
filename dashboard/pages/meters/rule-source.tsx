/** A rule as text: YAML or JSON with line numbers, and what is wrong with it at its lines. */
import { type ReactNode, useId, useRef } from 'react';
import styles from './rule-source.module.css';

export interface Problem {
  line: number;
  column: number;
  path: string;
  message: string;
}

export interface RuleSourceProps {
  text: string;
  /** Left out where it is only to be read. */
  onText?: (text: string) => void;
  problems?: readonly Problem[];
}

const FEWEST_LINES = 14;

export function RuleSource({ text, onText, problems = [] }: RuleSourceProps): ReactNode {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = text.split('\n');
  const atFault = new Set(problems.map(({ line }) => line));
  const goTo = ({ line, column }: Problem): void => {
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const place = Math.min(before + column - 1, text.length);
    area.current?.focus();
    area.current?.setSelectionRange(place, place);
  };
  const shown = Math.max(lines.length, onText === undefined ? 1 : FEWEST_LINES);
  return (
    <div className={styles.source}>
      <div className={styles.frame}>
        <div className={styles.numbers} aria-hidden="true">
          {Array.from({ length: shown }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
            <span key={index} data-fault={atFault.has(index + 1) || undefined}>
              {index < lines.length ? index + 1 : ''}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          aria-label="Rule"
          aria-describedby={problems.length === 0 ? undefined : id}
          aria-invalid={problems.length > 0 || undefined}
          className={styles.text}
          rows={shown}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          readOnly={onText === undefined}
          value={text}
          onChange={(event) => onText?.(event.target.value)}
        />
      </div>
      {problems.length > 0 && (
        <ol id={id} className={styles.problems} aria-label="What is wrong">
          {problems.map((problem) => (
            <li key={`${problem.line}:${problem.column} ${problem.path} ${problem.message}`}>
              <button type="button" onClick={() => goTo(problem)}>
                <span className={styles.line}>Line {problem.line}</span>
                <span>
                  {problem.path !== '' && <code>{problem.path}</code>} {problem.message}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
