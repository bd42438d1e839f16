/** A range of time: a preset, or from and to as the API takes them. It stands in the address; see format/range.ts. */
import { type ReactNode, useState } from 'react';
import { useTimeZone } from '../app/time-zone.ts';
import {
  PRESET_LABELS,
  PRESETS,
  type Preset,
  type Range,
  type RangeSearch,
  rangeOf,
} from '../format/range.ts';
import { addDays, boundFault, timeText } from '../format/time.ts';
import { Button } from './button.tsx';
import styles from './date-range.module.css';
import { TextField } from './field.tsx';
import { Popover } from './popover.tsx';

export interface DateRangeProps {
  value: RangeSearch;
  onValue: (value: RangeSearch) => void;
  byDefault?: Preset;
}

export function DateRange({ value, onValue, byDefault = 'this-month' }: DateRangeProps): ReactNode {
  const [zone] = useTimeZone();
  const range = rangeOf(value, zone, Date.now(), byDefault);
  const preset = value.from === undefined ? (value.range ?? byDefault) : null;
  return (
    <Popover
      label="Range of time"
      className={styles.panel}
      trigger={
        <Button icon="periods" aria-label={`Range: ${labelOf(preset, range, zone)}`}>
          {labelOf(preset, range, zone)}
        </Button>
      }
    >
      {(close) => (
        <>
          <div className={styles.presets}>
            {PRESETS.map((each) => (
              <Button
                key={each}
                look="quiet"
                aria-pressed={each === preset}
                onClick={() => {
                  onValue({ range: each });
                  close();
                }}
              >
                {PRESET_LABELS[each]}
              </Button>
            ))}
          </div>
          <Custom
            range={range}
            zone={zone}
            onApply={(next) => {
              onValue(next);
              close();
            }}
          />
        </>
      )}
    </Popover>
  );
}

function Custom({
  range,
  zone,
  onApply,
}: {
  range: Range;
  zone: string;
  onApply: (range: Range) => void;
}): ReactNode {
  const [from, setFrom] = useState(range.from);
  const [to, setTo] = useState(range.to);
  const [isAsked, setAsked] = useState(false);
  const fromFault = boundFault(from);
  const toFault =
    boundFault(to) ?? (fromFault === null && Date.parse(to) < Date.parse(from) ? 'Before the begin' : null);
  return (
    <form
      className={styles.custom}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (fromFault === null && toFault === null) onApply({ from, to });
      }}
    >
      <TextField label="From" value={from} onValue={setFrom} error={(isAsked && fromFault) || undefined} />
      <TextField
        label="To, not in it"
        value={to}
        onValue={setTo}
        error={(isAsked && toFault) || undefined}
        help={`Dates begin at midnight in ${zone}; or RFC 3339 with an offset.`}
      />
      <Button type="submit" look="primary">
        Apply
      </Button>
    </form>
  );
}

function labelOf(preset: Preset | null, { from, to }: Range, zone: string): string {
  if (preset !== null) return PRESET_LABELS[preset];
  const isDate = (text: string): boolean => text.length === 10;
  const shown = (text: string): string =>
    isDate(text) ? timeText(`${text}T00:00:00Z`, 'UTC', 'day') : timeText(text, zone, 'minute');
  // Of dates, people name the last day that is in it.
  const last = isDate(to) && isDate(from) && to > from ? addDays(to, -1) : to;
  return from === last ? shown(from) : `${shown(from)} – ${shown(last)}`;
}
