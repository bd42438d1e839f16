/** Who a customer is: what was declared of them. */
import type { ReactNode } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { Facts } from '../../kit/facts.tsx';
import { Section } from '../../kit/page-frame.tsx';
import styles from './page.module.css';

const SHOWN_ALIASES = 20;

export type Customer = AnswerOf<'GET /api/v1/customers/{id}'>;

export function Details({ customer }: { customer: Customer }): ReactNode {
  const { name, email, timeZone, aliases, metadata, discovered, managedBy } = customer;
  return (
    <Section title="Details">
      <Facts
        facts={[
          ['Name', name],
          ['E-mail', email],
          ['Time zone', timeZone?.replaceAll('_', ' ')],
          [
            'Aliases',
            aliases.length > 0 && (
              <ul className={styles.aliases}>
                {aliases.slice(0, SHOWN_ALIASES).map((alias) => (
                  <li key={alias}>{alias}</li>
                ))}
                {aliases.length > SHOWN_ALIASES && (
                  <li className={styles.quiet}>and {aliases.length - SHOWN_ALIASES} more</li>
                )}
              </ul>
            ),
          ],
        ]}
      />
      <h3>Metadata</h3>
      {Object.keys(metadata).length === 0 ? (
        <p className={styles.quiet}>None</p>
      ) : (
        <Facts facts={Object.entries(metadata)} />
      )}
      {discovered && (
        <p className={styles.quiet}>Usage that came created this customer. Edit it to declare it.</p>
      )}
      {managedBy === 'file' && (
        <p className={styles.quiet}>Declared in usage-meter.yaml, and changed there alone.</p>
      )}
    </Section>
  );
}
