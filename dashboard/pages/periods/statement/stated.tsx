/** Tables of what a statement says, or would say: as many rows as it has, on screen and on paper. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AnswerOf } from '../../../api/client.ts';
import { unitText } from '../../../format/unit.ts';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import { periodText } from '../period.ts';
import { Reasons } from '../reasons.tsx';
import styles from './page.module.css';

type Content = Pick<AnswerOf<'GET /api/v1/statements/{id}'>, 'lines' | 'adjustments'>;
type Line = Content['lines'][number];
type Adjustment = Content['adjustments'][number];

export function Lines({ lines, total }: { lines: readonly Line[]; total: string | null }): ReactNode {
  return (
    <Stated label="Usage" total={total}>
      {lines.map((line) => (
        <tr key={line.dimensionId}>
          <td>
            <span className={styles.id}>{line.dimensionId}</span>
            <span className={styles.terms}>
              {termsText(line)}, {line.records} {line.records === 1 ? 'record' : 'records'}
            </span>
          </td>
          <Numbers stated={line} />
        </tr>
      ))}
    </Stated>
  );
}

export function Adjusted({
  adjustments,
  total,
}: {
  adjustments: readonly Adjustment[];
  total: string | null;
}): ReactNode {
  return (
    <Stated label="Adjustments of earlier periods" total={total}>
      {adjustments.map((one) => (
        <tr key={JSON.stringify([one.statementId, one.from, one.dimensionId])}>
          <td>
            <span className={styles.id}>{one.dimensionId}</span>
            <span className={styles.terms}>
              {one.statementId === null ? (
                periodText(one, one.timeZone)
              ) : (
                <Link to="/periods/statements/$statementId" params={{ statementId: one.statementId }}>
                  {periodText(one, one.timeZone)}
                </Link>
              )}
            </span>
            <span className={styles.terms}>
              <Reasons reasons={one.reasons} />
            </span>
          </td>
          <Numbers stated={one} />
        </tr>
      ))}
    </Stated>
  );
}

function Stated({
  label,
  total,
  children,
}: {
  label: string;
  total: string | null;
  children: ReactNode;
}): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways is reached by keyboard
    <section className={styles.scroll} aria-label={label} tabIndex={0}>
      <table className={styles.table} aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Dimension</th>
            <th scope="col">Quantity</th>
            <th scope="col">Billable</th>
            <th scope="col">Unit price</th>
            <th scope="col">Amount</th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
        {total !== null && (
          <tfoot>
            <tr>
              <th scope="row" colSpan={4}>
                Sum
              </th>
              <td data-label="Sum">
                <ExactNumber value={total} />
              </td>
            </tr>
          </tfoot>
        )}
      </table>
    </section>
  );
}

function Numbers({ stated }: { stated: Line | Adjustment }): ReactNode {
  const { quantity, billableQuantity, unitPrice, amount, unit } = stated;
  return (
    <>
      <td data-label="Quantity">
        <ExactNumber value={quantity} unit={unitText(unit)} />
      </td>
      <td data-label="Billable">
        <ExactNumber value={billableQuantity} />
      </td>
      <td data-label="Unit price">{unitPrice === null ? <None /> : <ExactNumber value={unitPrice} />}</td>
      <td data-label="Amount">{amount === null ? <None /> : <ExactNumber value={amount} />}</td>
    </>
  );
}

function None(): ReactNode {
  return <span className={styles.quiet}>–</span>;
}

function termsText({ terms }: Line): string {
  const { aggregation, interval, usageIncrement, rounding } = terms;
  return [
    aggregation.replaceAll('_', ' '),
    ...(interval === 'none' ? [] : [`per ${interval}`]),
    ...(usageIncrement === null ? [] : [`in steps of ${usageIncrement}, ${rounding ?? 'round'}`]),
  ].join(', ');
}
