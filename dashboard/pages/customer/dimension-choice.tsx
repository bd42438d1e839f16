/** Which dimension is shown: those that the customer used, the latest first, found by typing. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { ageText } from '../../format/time.ts';
import { unitText } from '../../format/unit.ts';
import { Combobox } from '../../kit/combobox.tsx';
import styles from './page.module.css';

const OPTIONS = 50;

export function DimensionChoice({
  customerId,
  value,
  onValue,
}: {
  customerId: string;
  value: string | null;
  onValue: (dimensionId: string) => void;
}): ReactNode {
  const [typed, setTyped] = useState('');
  const dimensions = useAnswer(
    'GET /api/v1/dimensions',
    {
      query: {
        customerId,
        sort: 'lastSeen',
        limit: OPTIONS,
        ...(typed === '' ? {} : { search: typed }),
      },
    },
    { keepPrevious: true },
  );
  return (
    <div className={styles.dimension}>
      <Combobox
        label="Dimension"
        value={value}
        onValue={onValue}
        onSearch={setTyped}
        isLoading={dimensions.isPending}
        placeholder="Dimension"
        empty="No dimension that this customer used is called that."
        options={(dimensions.data?.rows ?? []).map(({ id, unit, lastSeen }) => ({
          value: id,
          label: id.length > 80 ? `${id.slice(0, 80)}…` : id,
          note: [unitText(unit), lastSeen === null ? '' : ageText(lastSeen, Date.now())]
            .filter((each) => each !== '')
            .join(' · '),
        }))}
      />
    </div>
  );
}
