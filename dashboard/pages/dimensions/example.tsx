/** A few records on a line of time, and what the dimension makes of them: it answers as one types. */
import { type ReactNode, useState } from 'react';
import { decimalFault, grouped, toPixelValue } from '../../format/decimal.ts';
import { timeText } from '../../format/time.ts';
import { Button, IconButton } from '../../kit/button.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Input } from '../../kit/field.tsx';
import styles from './example.module.css';
import { AGGREGATION_WORDS, ROUNDING_WORDS } from './words.ts';
import {
  type ExamplePart,
  type ExampleRule,
  exampleSpan,
  type Interval,
  isLevel,
  levelSeconds,
  movedTo,
  type SampleRecord,
  workedExample,
} from './worked-example.ts';

/** Over four days. */
const SAMPLES: readonly SampleRecord[] = [
  { row: 1, minute: 540, value: '4', key: 'ann' },
  { row: 2, minute: 1050, value: '7.5', key: 'bob' },
  { row: 3, minute: 1935, value: '3', key: 'ann' },
  { row: 4, minute: 3480, value: '6.2', key: 'eve' },
  { row: 5, minute: 5160, value: '2.1', key: 'bob' },
];
const MOST_SAMPLES = 12;
const MINUTE_MS = 60_000;

export interface ExampleProps {
  rule: ExampleRule;
  unit: string;
  /** Of `unique`. */
  uniqueKey: string;
}

export function Example({ rule, unit, uniqueKey }: ExampleProps): ReactNode {
  const [state, setState] = useState<{ interval: Interval; records: readonly SampleRecord[] }>({
    interval: rule.interval,
    records: movedTo(SAMPLES, 'day', rule.interval),
  });
  // The same picture over another time.
  if (state.interval !== rule.interval)
    setState({ interval: rule.interval, records: movedTo(state.records, state.interval, rule.interval) });
  const { records } = state;
  const setRecords = (next: readonly SampleRecord[]): void =>
    setState({ interval: rule.interval, records: next });
  const known = records.filter(({ value }) => decimalFault(value) === null);
  const result = workedExample(rule, known);
  return (
    <div className={styles.example}>
      <Picture rule={rule} records={known} counted={result.counted} parts={result.parts} />
      <dl className={styles.result} aria-live="polite">
        <div>
          <dt>{AGGREGATION_WORDS[rule.aggregation].label}</dt>
          <dd data-testid="quantity">
            {result.quantity === null ? 'no usage' : <ExactNumber value={result.quantity} unit={unit} />}
          </dd>
        </div>
        <div>
          <dt>
            Billable
            <span className={styles.how}>
              {rule.usageIncrement === null
                ? ' as it is'
                : `, ${ROUNDING_WORDS[rule.rounding ?? 'round'].toLowerCase()}: multiples of ${grouped(rule.usageIncrement)}`}
            </span>
          </dt>
          <dd data-testid="billable">
            {result.billableQuantity === null ? (
              '–'
            ) : (
              <ExactNumber value={result.billableQuantity} unit={unit} />
            )}
          </dd>
        </div>
        <div>
          <dt>
            Amount
            <span className={styles.how}>
              {rule.unitPrice === null ? ' needs a unit price' : ` × ${grouped(rule.unitPrice)}`}
            </span>
          </dt>
          <dd data-testid="amount">{result.amount === null ? '–' : <ExactNumber value={result.amount} />}</dd>
        </div>
      </dl>
      <Records
        records={records}
        onRecords={setRecords}
        interval={rule.interval}
        keyName={rule.aggregation === 'unique' ? uniqueKey || 'unique key' : null}
      />
    </div>
  );
}

interface PictureProps {
  rule: ExampleRule;
  records: readonly SampleRecord[];
  counted: ReadonlySet<number>;
  parts: readonly ExamplePart[];
}

function Picture({ rule, records, counted, parts }: PictureProps): ReactNode {
  const span = exampleSpan(rule.interval);
  const length = span.parts.at(-1) as number;
  const inOrder = [...records].sort((a, b) => a.minute - b.minute);
  // Where each record counts one, their values have no height.
  const isOne = rule.aggregation === 'count' || rule.aggregation === 'unique';
  const heights = inOrder.map(({ value }) => (isOne ? 1 : toPixelValue(value)));
  const top = Math.max(0, ...heights) || 1;
  const bottom = Math.min(0, ...heights);
  const percent = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(3)}%`;
  const place = (height: number): { bottom: string; height: string } => ({
    bottom: percent(Math.min(height, 0) - bottom, top - bottom),
    height: percent(Math.abs(height), top - bottom),
  });
  return (
    <div
      className={styles.picture}
      role="img"
      aria-label={`${inOrder.length} usage records over ${parts.length === 1 ? 'four days' : `${parts.length} intervals`}`}
    >
      <div className={styles.plot}>
        <div className={styles.area}>
          {parts.slice(1).map(({ from }) => (
            <i key={from} className={styles.border} style={{ left: percent(from, length) }} />
          ))}
          <i className={styles.zero} style={{ bottom: percent(-bottom, top - bottom) }} />
          {inOrder.map((record, index) => {
            if (isLevel(rule.aggregation)) {
              const { from, to } = levelSeconds(inOrder, index, rule.levelTtl, length);
              return (
                <i
                  key={record.row}
                  className={styles.level}
                  style={{
                    left: percent(from, length * 60),
                    width: percent(to - from, length * 60),
                    ...place(heights[index]),
                  }}
                >
                  <b>{shortened(record.value)}</b>
                </i>
              );
            }
            return (
              <i
                key={record.row}
                className={styles.stem}
                data-counted={counted.has(record.row) || undefined}
                data-down={heights[index] < 0 || undefined}
                style={{ left: percent(record.minute, length), ...place(heights[index]) }}
              >
                <b>{label(rule, record)}</b>
              </i>
            );
          })}
        </div>
      </div>
      <ol className={styles.parts} style={{ gridTemplateColumns: columnsOf(parts) }}>
        {parts.map(({ from, quantity }) => (
          <li key={from}>
            <span>{partName(rule.interval, span.from, from)}</span>
            <strong title={quantity ?? ''}>{quantity === null ? '–' : shortened(quantity)}</strong>
          </li>
        ))}
      </ol>
    </div>
  );
}

function label({ aggregation }: ExampleRule, { value, key }: SampleRecord): string {
  if (aggregation === 'unique') return key.slice(0, 10);
  return aggregation === 'count' ? '1' : shortened(value);
}

function shortened(decimal: string): string {
  const text = grouped(decimal);
  return text.length > 9 ? `${text.slice(0, 8)}…` : text;
}

function columnsOf(parts: readonly ExamplePart[]): string {
  return parts.map(({ from, to }) => `minmax(0, ${to - from}fr)`).join(' ');
}

function partName(interval: Interval, from: string, minute: number): string {
  if (interval === 'none') return 'Four days';
  const begin = Date.parse(from) + minute * MINUTE_MS;
  if (interval === 'hour') return timeText(begin, 'UTC', 'time').slice(0, 5);
  return timeText(begin, 'UTC', interval === 'day' ? 'short-day' : 'month').replace(/ 2026$/, '');
}

interface RecordsProps {
  records: readonly SampleRecord[];
  onRecords: (records: readonly SampleRecord[]) => void;
  interval: Interval;
  /** The metadata key that counts; null where none does. */
  keyName: string | null;
}

function Records({ records, onRecords, interval, keyName }: RecordsProps): ReactNode {
  const span = exampleSpan(interval);
  const last = (span.parts.at(-1) as number) - 1;
  const local = (minute: number): string =>
    new Date(Date.parse(span.from) + minute * MINUTE_MS).toISOString().slice(0, 16);
  const change = (row: number, changed: Partial<SampleRecord>): void =>
    onRecords(records.map((each) => (each.row === row ? { ...each, ...changed } : each)));
  const setTime = (row: number, text: string): void => {
    const minute = Math.round((Date.parse(`${text}Z`) - Date.parse(span.from)) / MINUTE_MS);
    if (!Number.isNaN(minute)) change(row, { minute: Math.min(Math.max(minute, 0), last) });
  };
  return (
    <fieldset className={styles.records}>
      <legend>Usage records to try, times in UTC</legend>
      {records.map(({ row, minute, value, key }, index) => (
        <div key={row} className={styles.record} data-keyed={keyName !== null || undefined}>
          <Input
            type="datetime-local"
            aria-label={`Time ${index + 1}`}
            min={local(0)}
            max={local(last)}
            value={local(minute)}
            onValue={(text) => setTime(row, text)}
          />
          <Input
            aria-label={`Value ${index + 1}`}
            inputMode="decimal"
            value={value}
            aria-invalid={decimalFault(value) !== null || undefined}
            title={decimalFault(value) ?? undefined}
            onValue={(text) => change(row, { value: text })}
          />
          {keyName !== null && (
            <Input
              aria-label={`${keyName} ${index + 1}`}
              placeholder={keyName.slice(0, 40)}
              value={key}
              onValue={(text) => change(row, { key: text })}
            />
          )}
          <IconButton
            label={`Remove usage record ${index + 1}`}
            icon="close"
            onClick={() => onRecords(records.filter((each) => each.row !== row))}
          />
        </div>
      ))}
      <Button
        icon="plus"
        disabled={records.length >= MOST_SAMPLES}
        onClick={() =>
          onRecords([
            ...records,
            {
              row: Math.max(0, ...records.map((each) => each.row)) + 1,
              minute: Math.min(
                last,
                Math.max(-1, ...records.map((each) => each.minute)) + Math.ceil(last / 20),
              ),
              value: '1',
              key: 'ann',
            },
          ])
        }
      >
        Add usage record
      </Button>
    </fieldset>
  );
}
