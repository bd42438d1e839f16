/** Which signals are shown and repaired: by meter, dimension, customer and attributes. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { TextField } from '../../kit/field.tsx';
import { CustomerChoice, DimensionChoice } from '../../kit/id-choice.tsx';
import { Popover } from '../../kit/popover.tsx';
import { Select } from '../../kit/select.tsx';
import styles from './page.module.css';
import type { QualitySearch } from './route.ts';

export interface FiltersProps {
  search: QualitySearch;
  onAsk: (change: Partial<Record<keyof QualitySearch, unknown>>) => void;
}

/** Select takes texts alone. */
const ANY = '';

export function Filters({ search, onAsk }: FiltersProps): ReactNode {
  const { meterId, dimensionId, customerId, missing = [], metadata = [], timeFrom, timeTo } = search;
  const meters = useAnswer('GET /api/v1/meters', { query: { deleted: true, limit: 1000 } });
  const known = meters.data?.rows.map(({ id }) => id) ?? [];
  const ids = [...new Set([...known, ...(meterId === undefined ? [] : [meterId])])];
  const without = (name: string): string[] | undefined => {
    const left = missing.filter((each) => each !== name);
    return left.length === 0 ? undefined : left;
  };
  const chips: { label: string; onRemove: () => void }[] = [
    ...(dimensionId === undefined
      ? []
      : [{ label: `Dimension: ${dimensionId}`, onRemove: () => onAsk({ dimensionId: undefined }) }]),
    ...(customerId === undefined
      ? []
      : [{ label: `Customer: ${customerId}`, onRemove: () => onAsk({ customerId: undefined }) }]),
    ...missing.map((name) => ({
      label: name === 'customerId' ? 'Names no customer' : 'Names no dimension',
      onRemove: () => onAsk({ missing: without(name) }),
    })),
    ...(timeFrom === undefined && timeTo === undefined
      ? []
      : [
          {
            label: `Time: ${timeFrom ?? ''} – ${timeTo ?? ''}`,
            onRemove: () => onAsk({ timeFrom: undefined, timeTo: undefined }),
          },
        ]),
    ...metadata.map((pair) => ({
      label: pair.replace('=', ': '),
      onRemove: () => {
        const left = metadata.filter((each) => each !== pair);
        onAsk({ metadata: left.length === 0 ? undefined : left });
      },
    })),
  ];
  return (
    <div className={styles.filters}>
      <div className={styles.filter}>
        <CustomerChoice
          label="Customer"
          placeholder="Customer"
          value={customerId ?? null}
          onValue={(id) => onAsk({ customerId: id, missing: without('customerId') })}
          mayBeNew
        />
      </div>
      <div className={styles.filter}>
        <DimensionChoice
          label="Dimension"
          placeholder="Dimension"
          value={dimensionId ?? null}
          onValue={(id) => onAsk({ dimensionId: id, missing: without('dimensionId') })}
          mayBeNew
        />
      </div>
      <Select
        label="Meter"
        value={meterId ?? ANY}
        onValue={(id) => onAsk({ meterId: id === ANY ? undefined : id })}
        options={[
          { value: ANY, label: 'All meters' },
          ...ids.map((id) => ({ value: id, label: id.slice(0, 60) })),
        ]}
      />
      <AttributeFilter onAdd={(pair) => onAsk({ metadata: [...new Set([...metadata, pair])] })} />
      {chips.map(({ label, onRemove }) => (
        <Button key={label} look="quiet" icon="close" className={styles.chip} onClick={onRemove}>
          <span className="visually-hidden">Remove filter </span>
          <span>{label}</span>
        </Button>
      ))}
    </div>
  );
}

function AttributeFilter({ onAdd }: { onAdd: (pair: string) => void }): ReactNode {
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  return (
    <Popover label="Filter by attribute" trigger={<Button icon="plus">Attribute</Button>}>
      {(close) => (
        <form
          className={styles.view}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (key === '') return;
            onAdd(`${key}=${value}`);
            setKey('');
            setValue('');
            close();
          }}
        >
          <TextField label="Attribute" value={key} onValue={setKey} placeholder="region" />
          <TextField label="Is" value={value} onValue={setValue} placeholder="eu" />
          <Button type="submit" look="primary">
            Filter
          </Button>
        </form>
      )}
    </Popover>
  );
}
