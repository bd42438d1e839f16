/** What usage is told apart and left out by: metadata keys of records in the range, and their values. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { Combobox } from '../../kit/combobox.tsx';
import { Field } from '../../kit/field.tsx';
import { Icon } from '../../kit/icon.tsx';
import { Popover } from '../../kit/popover.tsx';
import { Select } from '../../kit/select.tsx';
import styles from './page.module.css';
import { filterText, readFilter, type UsageQuestion, usageQuery } from './usage-search.ts';

/** Records whose keys are offered. */
const SAMPLE = 200;
const MAX_VALUES = 1_000;
const SHOWN_VALUES = 50;
const SHOWN_TEXT = 60;

export function GroupChoice({
  question,
  onGroup,
}: {
  question: UsageQuestion;
  onGroup: (key: string | undefined) => void;
}): ReactNode {
  const keys = useMetadataKeys(question);
  const { groupKey } = question;
  // The API takes keys apart at commas.
  const offered = keys.filter((key) => !key.includes(','));
  if (groupKey !== null && !offered.includes(groupKey)) offered.push(groupKey);
  return (
    <Select
      label="Group by metadata"
      value={groupKey ?? ''}
      options={[
        { value: '', label: 'Not grouped' },
        ...offered.map((key) => ({ value: key, label: `By ${short(key)}` })),
      ]}
      disabled={offered.length === 0}
      onValue={(key) => onGroup(key === '' ? undefined : key)}
    />
  );
}

export function MetadataFilters({
  question,
  filters,
  onFilters,
}: {
  question: UsageQuestion;
  /** As they stand in the address. */
  filters: readonly string[];
  onFilters: (filters: string[]) => void;
}): ReactNode {
  return (
    <>
      <Popover
        label="Filter by metadata"
        className={styles.filter}
        trigger={<Button icon="plus">Filter</Button>}
      >
        {(close) => (
          <NewFilter
            question={question}
            onFilter={(filter) => {
              close();
              if (!filters.includes(filter)) onFilters([...filters, filter]);
            }}
          />
        )}
      </Popover>
      {filters.map((filter) => {
        const { key, value } = readFilter(filter) ?? { key: filter, value: '' };
        return (
          <button
            key={filter}
            type="button"
            className={styles.chip}
            aria-label={`Remove filter ${short(key)} is ${short(value)}`}
            onClick={() => onFilters(filters.filter((each) => each !== filter))}
          >
            <span className={styles.chipText}>
              {short(key)} = {value === '' ? 'empty' : short(value)}
            </span>
            <Icon name="close" />
          </button>
        );
      })}
    </>
  );
}

function NewFilter({
  question,
  onFilter,
}: {
  question: UsageQuestion;
  onFilter: (filter: string) => void;
}): ReactNode {
  const keys = useMetadataKeys(question);
  const [key, setKey] = useState<string | null>(null);
  const [keyTyped, setKeyTyped] = useState('');
  const [valueTyped, setValueTyped] = useState('');
  const values = useMetadataValues(question, key);
  return (
    <>
      <Field label="Key">
        <Combobox
          value={key}
          onValue={setKey}
          onSearch={setKeyTyped}
          placeholder="region"
          empty="No record in the range has metadata like that."
          options={fitting(keys, keyTyped).map((each) => ({ value: each, label: short(each) }))}
        />
      </Field>
      <Field label="Value">
        <Combobox
          value={null}
          onValue={(value) => key !== null && onFilter(filterText({ key, value }))}
          onSearch={setValueTyped}
          placeholder={key === null ? 'Choose a key first' : 'Choose a value'}
          empty={key === null ? 'Choose a key first.' : 'No record in the range has such a value.'}
          options={fitting(values, valueTyped).map((each) => ({
            value: each,
            label: each === '' ? 'empty' : short(each),
          }))}
        />
      </Field>
    </>
  );
}

/** Metadata of the newest records in the range. */
function useMetadataSample(question: UsageQuestion): Record<string, string>[] {
  const { customerId, dimensionId, from, to, timeZone } = question;
  const records = useAnswer('GET /api/v1/records', {
    query: { customerId, dimensionId, from, to, timeZone, order: 'desc', limit: SAMPLE },
  });
  return records.data?.rows.map(({ metadata }) => metadata) ?? [];
}

function useMetadataKeys(question: UsageQuestion): string[] {
  return [...new Set(useMetadataSample(question).flatMap(Object.keys))].sort();
}

/** All values of a key in the range, whatever the filters are; of a key that cannot be grouped by, those of the sample. */
function useMetadataValues(question: UsageQuestion, key: string | null): string[] {
  const sample = useMetadataSample(question);
  const isGrouping = key !== null && !key.includes(',');
  const usage = useAnswer(
    'GET /api/v1/usage',
    {
      query: {
        ...usageQuery({ ...question, window: 'total', groupKey: isGrouping ? key : null, filters: [] }),
        limit: MAX_VALUES,
      },
    },
    { enabled: isGrouping },
  );
  if (key === null) return [];
  if (!isGrouping) return [...new Set(sample.flatMap((metadata) => metadata[key] ?? []))].sort();
  return (usage.data?.rows ?? []).flatMap(({ metadata }) => metadata?.[key] ?? []);
}

function fitting(texts: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  return texts.filter((text) => text.toLowerCase().includes(wanted)).slice(0, SHOWN_VALUES);
}

function short(text: string): string {
  return text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}…` : text;
}
