/** The page in the place of all others until the receiver has been told one of its keys. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { keepApiKey } from '../api/key.ts';
import { Button } from '../kit/button.tsx';
import { TextField } from '../kit/field.tsx';
import { PageFrame } from '../kit/page-frame.tsx';
import styles from './api-key-question.module.css';

export function ApiKeyQuestion(): ReactNode {
  const queries = useQueryClient();
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    const given = key.trim();
    if (!/^[!-~]+$/.test(given)) {
      setError(given === '' ? 'Enter one of the keys.' : 'A key has no spaces and no letters beyond ASCII.');
      return;
    }
    setBusy(true);
    try {
      const { status } = await fetch('/api/v1/status?freshness=available', {
        headers: { Authorization: `Bearer ${given}` },
      });
      if (status === 401) {
        setError('The receiver does not know this key.');
        return;
      }
      keepApiKey(given);
      await queries.resetQueries();
    } catch {
      setError('The receiver does not answer; try again in a moment.');
    } finally {
      setBusy(false);
    }
  };
  return (
    <PageFrame
      title="API key"
      description="This receiver answers only those who have one of its keys (USAGE_METER_API_KEYS). It is kept until this tab is closed."
    >
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField label="API key" type="password" value={key} onValue={setKey} error={error} autoFocus />
        <Button type="submit" look="primary" busy={busy}>
          Continue
        </Button>
      </form>
    </PageFrame>
  );
}
