/** What a rule would have made of the signals of the last hours, before it holds. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type AnswerOf, receiver, type UsageMeterError } from '../../api/client.ts';
import { Button } from '../../kit/button.tsx';
import { Notice } from '../../kit/notice.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { Select } from '../../kit/select.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../kit/states.tsx';
import styles from './rule-test.module.css';
import type { Rule } from './rule-text.ts';
import { TestReport } from './test-report.tsx';

export type Report = AnswerOf<'POST /api/v1/meters/test'>;

const HOURS = [
  { value: '1', label: 'Last hour' },
  { value: '24', label: 'Last 24 hours' },
  { value: '72', label: 'Last 3 days' },
  { value: '168', label: 'Last 7 days' },
];

export interface RuleTestProps {
  /** null while something is wrong with it. */
  rule: Rule | null;
  inForceVersion: number | null;
}

export function RuleTest({ rule, inForceVersion }: RuleTestProps): ReactNode {
  const [hours, setHours] = useState('24');
  const test = useMutation<Report, UsageMeterError, { rule: Rule; lastHours: number }>({
    mutationFn: (body) => receiver().request('POST /api/v1/meters/test', { body: body as never }),
  });
  const isOther = rule !== null && JSON.stringify(test.variables?.rule) !== JSON.stringify(rule);
  return (
    <Section
      title="Test on recent signals"
      actions={
        <>
          <Select label="Signals of" value={hours} onValue={setHours} options={HOURS} />
          <Button
            busy={test.isPending}
            disabled={rule === null}
            onClick={() => rule !== null && test.mutate({ rule, lastHours: Number(hours) })}
          >
            Test
          </Button>
        </>
      }
    >
      {test.isPending ? (
        <div className={styles.report}>
          <p className={styles.hint} role="status">
            Reading what came. It takes a minute at most, and changes nothing.
          </p>
          <Skeleton lines={5} />
        </div>
      ) : test.error ? (
        <ErrorState error={test.error} />
      ) : test.data === undefined ? (
        <EmptyState title="Nothing tested yet">
          See what the rule would have counted and quarantined
          {inForceVersion === null ? '' : ', and what is different from the version that holds'}. Nothing is
          changed.
        </EmptyState>
      ) : (
        <div className={styles.report}>
          {isOther && <Notice>The rule is another one since. Test it again.</Notice>}
          <TestReport report={test.data} />
        </div>
      )}
    </Section>
  );
}
