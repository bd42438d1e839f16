/** The code that does what Submit does, while the form is filled in. Which language is shown stands in the address. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { apiKey } from '../../../api/key.ts';
import { oneOf } from '../../../app/search.ts';
import { CodeBlock } from '../../../kit/code-block.tsx';
import { Icon } from '../../../kit/icon.tsx';
import { Tabs } from '../../../kit/tabs.tsx';
import type { NewRecord } from './draft.ts';
import styles from './snippet-preview.module.css';
import { reservedKey, SNIPPET_LABELS, SNIPPETS, type SnippetName, snippet } from './snippets.ts';

export interface SnippetPreviewProps {
  id: string;
  /** null while something of it is wrong or missing. */
  record: NewRecord | null;
  /** The names of the fields that are not right yet. */
  missing: readonly string[];
}

/** The language whose code is shown; undefined while none is. */
export function useShownSnippet(): SnippetName | undefined {
  return oneOf(useSearch({ strict: false }), 'snippet', SNIPPETS);
}

export function SnippetPreview({ id, record, missing }: SnippetPreviewProps): ReactNode {
  const shown = useShownSnippet();
  const navigate = useNavigate();
  const show = (next: SnippetName | undefined): void =>
    void navigate({
      to: '.',
      search: ((before: object) => ({ ...before, snippet: next })) as never,
      replace: true,
      state: true,
    });
  return (
    <section className={styles.preview} aria-label="Code">
      <button
        type="button"
        className={styles.toggle}
        aria-expanded={shown !== undefined}
        onClick={() => show(shown === undefined ? 'curl' : undefined)}
      >
        <Icon name={shown === undefined ? 'right' : 'down'} />
        Preview Record Code Snippet
      </button>
      {shown !== undefined && (
        <>
          <p className={styles.note}>
            The same record as Submit sends, by its id <code className={styles.id}>{id}</code>: doing both
            counts once.
          </p>
          <Tabs
            value={shown}
            onValue={show}
            tabs={SNIPPETS.map((name) => ({
              value: name,
              label: SNIPPET_LABELS[name],
              content: <Code name={name} record={record} missing={missing} />,
            }))}
          />
        </>
      )}
    </section>
  );
}

function Code({
  name,
  record,
  missing,
}: {
  name: SnippetName;
  record: NewRecord | null;
  missing: readonly string[];
}): ReactNode {
  if (record === null)
    return <p className={styles.missing}>Code stands here once these are right: {missing.join(', ')}.</p>;
  const reserved = name === 'curl' || name === 'typescript' ? null : reservedKey(record);
  if (reserved !== null)
    return (
      <p className={styles.missing}>
        The metadata key <code>{reserved}</code> says something else in OpenTelemetry. Send this record with
        curl or TypeScript.
      </p>
    );
  const code = snippet(name, record, { url: location.origin, needsKey: apiKey() !== null });
  return <CodeBlock label={`${SNIPPET_LABELS[name]} code`} code={code} />;
}
