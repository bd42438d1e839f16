/**
 * A rule while it is written: as a form and as text, checked by the receiver as one types, and tested before it holds. Who
 * leaves it, or closes the tab, finds it as it was.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { receiver, type UsageMeterError } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { counted } from '../../format/count.ts';
import { Button } from '../../kit/button.tsx';
import { DraftNotice, keepDraft, keptDraft } from '../../kit/draft.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { Notice } from '../../kit/notice.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import type { RuleView } from './route.ts';
import styles from './rule-editor.module.css';
import { RuleForm } from './rule-form.tsx';
import { RuleSource } from './rule-source.tsx';
import { RuleTest } from './rule-test.tsx';
import { type Rule, yamlText } from './rule-text.ts';

const CHECK_PAUSE_MS = 250;

/** What is kept of it while it is not saved. */
interface RuleDraft {
  text: string;
  version: number | null;
}

export interface RuleEditorProps {
  /** What it begins with. */
  rule: Rule;
  /** null: a new one. */
  meterId: string | null;
  /** The version that holds at the moment. */
  inForceVersion: number | null;
  /** The last version that there was, of one that was deleted too; null of a new meter. */
  latestVersion: number | null;
  view: RuleView;
  onView: (view: RuleView) => void;
  onSaved: (meter: { id: string; version: number }) => void;
  onCancel: () => void;
}

export function RuleEditor(props: RuleEditorProps): ReactNode {
  const { meterId, inForceVersion, view, onView, onSaved, onCancel } = props;
  const client = useQueryClient();
  const draftName = `rule ${meterId ?? ''}`;
  const [beginning] = useState(() => yamlText(props.rule));
  const [kept, setKept] = useState(() => {
    const draft = keptDraft<RuleDraft>(localStorage, draftName);
    return draft?.text === beginning ? null : draft;
  });
  const [text, setText] = useState(kept?.text ?? beginning);
  /** What the text says, where it is known without asking; the form's own. */
  const [rule, setRule] = useState<Rule | null>(kept === null ? props.rule : null);
  /** The version that the text was made of; what came beside it is told before it is replaced. */
  const [known, setKnown] = useState(kept === null ? props.latestVersion : kept.version);
  const [newer, setNewer] = useState<number | null>(null);
  const asked = useSettled(text);
  const check = useAnswer('POST /api/v1/meters/check', { body: { text: asked } }, { keepPrevious: true });
  const isCurrent = asked === text && check.data !== undefined && !check.isPlaceholderData;
  // The form's empty beginning is no fault yet.
  const isBeginning = meterId === null && text === beginning;
  const problems = isBeginning ? [] : (check.data?.problems ?? []);
  const written = isCurrent ? check.data.written : undefined;
  // What was typed as text is shown by the form as soon as it is read.
  if (view === 'form' && rule === null && written) setRule(written);
  const save = useMutation<{ id: string; version: number } | null, UsageMeterError>({
    mutationFn: async () => {
      const checked = await receiver().request('POST /api/v1/meters/check', { body: { text } });
      if (checked.rule === null) return null;
      const body = checked.rule as never;
      if (meterId === null) return await receiver().request('POST /api/v1/meters', { body });
      const path = { id: meterId };
      const query = { versions: 'all' } as const;
      const present = await receiver().request('GET /api/v1/meters/{id}', { path, query });
      if (present.version !== known) {
        setKnown(present.version);
        setNewer(present.version);
        return null;
      }
      return await receiver().request('PUT /api/v1/meters/{id}', { path, body });
    },
    onSuccess: async (meter) => {
      if (meter === null) return;
      keepDraft(localStorage, draftName, null);
      onSaved(meter);
      await client.invalidateQueries();
    },
  });
  const write = (next: string, says: Rule | null): void => {
    setText(next);
    setRule(says);
    const draft: RuleDraft = { text: next, version: known };
    keepDraft(localStorage, draftName, next === beginning ? null : draft);
  };
  const form =
    rule !== null ? (
      <RuleForm
        key={`${kept === null}`}
        rule={rule}
        onRule={(next) => write(yamlText(next), next)}
        problems={problems}
        isNew={meterId === null}
      />
    ) : check.error ? (
      <ErrorState error={check.error} onRetry={() => void check.refetch()} />
    ) : written === null ? (
      <Notice look="warn">The text cannot be read as a rule: mend it there first.</Notice>
    ) : (
      <Skeleton lines={6} />
    );
  const source = <RuleSource text={text} onText={(next) => write(next, null)} problems={problems} />;
  const errors = fieldErrors(save.error, []);
  const canUse = isCurrent && check.data.rule !== null;
  return (
    <div className={styles.editor}>
      <Section title="Rule">
        <form
          className={styles.form}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          {kept !== null && (
            <DraftNotice
              onAnew={() => {
                setKept(null);
                setKnown(props.latestVersion);
                // Of that version, which may have come meanwhile.
                write(yamlText(props.rule), props.rule);
              }}
            />
          )}
          <Tabs
            value={view}
            onValue={onView}
            tabs={[
              { value: 'form', label: 'Form', content: form },
              { value: 'text', label: 'Text', content: source },
            ]}
          />
          {view === 'form' && rule !== null && <OtherProblems problems={problems} onView={onView} />}
          {newer !== null && (
            <Notice look="warn">
              <p role="alert">
                Version {newer} came while you were writing. Save again to replace it, or cancel to see what
                it changed.
              </p>
            </Notice>
          )}
          <FormErrors errors={[...fieldErrors(check.error, []).rest, ...errors.rest]} />
          <div className={styles.actions}>
            <Button type="submit" look="primary" busy={save.isPending} disabled={isCurrent && !canUse}>
              {meterId === null ? 'Create' : 'Save as a new version'}
            </Button>
            <Button
              onClick={() => {
                keepDraft(localStorage, draftName, null);
                onCancel();
              }}
            >
              Cancel
            </Button>
            <span className={styles.state} role="status">
              {isBeginning
                ? 'Say which signals, whose, and of what.'
                : !isCurrent
                  ? 'Checking …'
                  : canUse
                    ? 'The rule is well-formed.'
                    : counted(check.data.problems.length, 'thing is wrong.', 'things are wrong.')}
            </span>
          </div>
          <p className={styles.hint}>
            It holds for signals that arrive from then on. What was counted before stays as it is.
          </p>
        </form>
      </Section>
      <RuleTest rule={canUse ? (check.data.rule as Rule) : null} inForceVersion={inForceVersion} />
    </div>
  );
}

/** Faults of what the form has no field for. */
function OtherProblems({
  problems,
  onView,
}: {
  problems: readonly { line: number; path: string }[];
  onView: (view: RuleView) => void;
}): ReactNode {
  const shown = /^(id|name|signals|customer|dimension|value|unit|metadata)\b|^match($|\.all\[)/;
  const others = problems.filter(({ path }) => !shown.test(path));
  if (others.length === 0) return null;
  return (
    <Notice look="warn">
      <p>
        Something is wrong in what the form does not show: {others.map(({ path }) => path).join(', ')}.{' '}
        <Button onClick={() => onView('text')}>Show the text</Button>
      </p>
    </Notice>
  );
}

/** A text once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), CHECK_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
