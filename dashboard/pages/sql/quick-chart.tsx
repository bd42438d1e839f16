/** One column of numbers of a result, along another column. */
import type { ReactNode } from 'react';
import { Plot, type PlotPoint } from '../../kit/plot.tsx';
import { Select } from '../../kit/select.tsx';
import { EmptyState } from '../../kit/states.tsx';
import styles from './quick-chart.module.css';
import type { SqlSearch } from './route.ts';
import { isNumeric, readableText, type SqlResult, type SqlValue } from './run-sql.ts';

/** More bars would be thinner than a pixel. */
const MOST_POINTS = 500;

const LOOKS = [
  { value: 'bars', label: 'Bars' },
  { value: 'line', label: 'Line' },
] as const;

export function QuickChart({
  result,
  search: { chart = 'bars', x, y },
  onChange,
}: {
  result: SqlResult;
  search: SqlSearch;
  onChange: (change: SqlSearch) => void;
}): ReactNode {
  const { columns, rows } = result;
  const options = columns.map(({ name }, index) => ({ value: String(index), label: name.slice(0, 60) }));
  const numbers = options.filter((_, index) => isNumeric(columns[index].type));
  if (numbers.length === 0)
    return <EmptyState title="No column of numbers">A chart needs one: a sum, or a count.</EmptyState>;
  const other = columns.findIndex(({ type }) => !isNumeric(type));
  const along = columns[Number(x)] !== undefined && x !== undefined ? Number(x) : Math.max(other, 0);
  const of = numbers.some(({ value }) => value === y) ? Number(y) : Number(numbers[0].value);
  const points: PlotPoint[] = rows.slice(0, MOST_POINTS).map((values) => {
    const name = readableText(values[along], columns[along].type) || 'NULL';
    return {
      name: name.slice(0, 200),
      short: name.replace(/[ T]00:00:00(\.0+)?$/, '').slice(0, 40),
      value: numberText(values[of], columns[of].type),
    };
  });
  return (
    <div className={styles.chart}>
      <div className={styles.choices}>
        <Choice label="Show" value={String(of)} options={numbers} onValue={(next) => onChange({ y: next })} />
        <Choice
          label="along"
          value={String(along)}
          options={options}
          onValue={(next) => onChange({ x: next })}
        />
        <Choice
          label="as"
          value={chart}
          options={LOOKS}
          onValue={(next) => onChange({ chart: next as 'bars' | 'line' })}
        />
      </div>
      <Plot
        label={`${columns[of].name.slice(0, 60)} along ${columns[along].name.slice(0, 60)}`}
        points={points}
        look={chart}
        height={220}
      />
      {rows.length > MOST_POINTS && (
        <p className={styles.note}>The first {MOST_POINTS} rows. Order and LIMIT in the query say which.</p>
      )}
    </div>
  );
}

function Choice({
  label,
  value,
  options,
  onValue,
}: {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onValue: (value: string) => void;
}): ReactNode {
  return (
    <span className={styles.choice}>
      <span aria-hidden="true">{label}</span>
      <Select label={label} value={value} options={options} onValue={onValue} />
    </span>
  );
}

/** null for what has no height: NULL, NaN, infinity. */
function numberText(value: SqlValue, type: string): string | null {
  if (value === null || typeof value === 'object' || !Number.isFinite(Number(value))) return null;
  return readableText(value, type);
}
