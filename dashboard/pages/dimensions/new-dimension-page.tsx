/** A new dimension: the form, and what it would make of a few records. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useChange } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { FormErrors } from '../../kit/form-errors.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { fieldErrors } from '../../kit/problem.ts';
import { toast } from '../../kit/toast.tsx';
import styles from './dimension-form.module.css';
import { DIMENSION_FIELDS, DimensionFields } from './dimension-form.tsx';
import { bodyOf, draftFaults, exampleRule, NEW_DRAFT } from './draft.ts';
import { Example } from './example.tsx';

export function Page(): ReactNode {
  const navigate = useNavigate();
  const create = useChange('POST /api/v1/dimensions');
  const [draft, setDraft] = useState(NEW_DRAFT);
  const errors = fieldErrors(create.error, DIMENSION_FIELDS);
  const submit = (): void => {
    if (Object.keys(draftFaults(draft)).length > 0) return;
    create.mutate(
      { body: { ...bodyOf(draft), id: draft.id } },
      {
        onSuccess: ({ id }) => {
          toast('Dimension created', id.slice(0, 200));
          void navigate({ to: '/dimensions/$dimensionId', params: { dimensionId: id } });
        },
      },
    );
  };
  return (
    <PageFrame title="New dimension" back={{ to: '/dimensions', label: 'Dimensions' }}>
      <div className={styles.columns}>
        <Section title="What is billed">
          <form
            className={styles.form}
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              submit();
            }}
          >
            <DimensionFields draft={draft} onDraft={setDraft} errorAt={errors.at} isNew />
            <FormErrors errors={errors.rest} />
            <div className={styles.actions}>
              <Button type="submit" look="primary" busy={create.isPending}>
                Create
              </Button>
              <ButtonLink to="/dimensions">Cancel</ButtonLink>
            </div>
          </form>
        </Section>
        <Section title="What it makes of usage">
          <Example rule={exampleRule(draft)} unit={draft.unit} uniqueKey={draft.uniqueKey} />
        </Section>
      </div>
    </PageFrame>
  );
}
