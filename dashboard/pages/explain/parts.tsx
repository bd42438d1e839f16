/** The intervals that a quantity is added up from, as a picture and exactly. */
import { type ReactNode, useState } from 'react';
import type { TimeDetail } from '../../format/time.ts';
import { MAX_PLACES } from '../../format/windows.ts';
import { Chart } from '../../kit/chart.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Time } from '../../kit/time.tsx';
import type { Explanation } from './page.tsx';

type Part = Explanation['parts'][number];

const PAGE_SIZE = 10;
const DETAILS: Readonly<Record<string, TimeDetail>> = { hour: 'hour', month: 'month' };

export function Parts({ explanation }: { explanation: Explanation }): ReactNode {
  const { parts, dimension } = explanation;
  const [first, setFirst] = useState(0);
  const detail = DETAILS[dimension?.interval ?? ''] ?? 'day';
  const columns: Column<Part>[] = [
    { id: 'begin', header: `Each ${dimension?.interval}`, cell: ({ begin }) => <Time at={begin} /> },
    {
      id: 'sum',
      header: 'Sum',
      align: 'end',
      wideOnly: true,
      cell: ({ sum }) => <ExactNumber value={sum} />,
    },
    {
      id: 'divisor',
      header: 'Divided by',
      align: 'end',
      wideOnly: true,
      cell: ({ divisor }) => <ExactNumber value={divisor} />,
    },
    {
      id: 'quantity',
      header: 'Quantity',
      align: 'end',
      cell: ({ quantity }) => <ExactNumber value={quantity} />,
    },
    { id: 'records', header: 'Records', align: 'end', cell: ({ records }) => records },
  ];
  return (
    <Section title={`${parts.length} parts, added up`}>
      {parts.length <= MAX_PLACES && (
        <Chart
          label={`Quantity of each ${dimension?.interval}`}
          windows={parts.map(({ begin }) => begin)}
          detail={detail}
          unit={dimension?.unit ?? '1'}
          height={160}
          series={[{ label: dimension?.id ?? '', values: parts.map(({ quantity }) => quantity) }]}
        />
      )}
      <Table
        label="Parts"
        columns={columns}
        rows={parts.slice(first, first + PAGE_SIZE)}
        rowKey={({ begin }) => begin}
        footer={
          <Pager
            hasPrevious={first > 0}
            nextCursor={first + PAGE_SIZE < parts.length ? 'next' : null}
            onPrevious={() => setFirst(first - PAGE_SIZE)}
            onNext={() => setFirst(first + PAGE_SIZE)}
          >
            {first + 1} to {Math.min(first + PAGE_SIZE, parts.length)} of {parts.length}
          </Pager>
        }
      />
    </Section>
  );
}
