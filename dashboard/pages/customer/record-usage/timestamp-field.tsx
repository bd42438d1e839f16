/** An instant as RFC 3339, typed, or chosen by date, time and zone. */
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { timeZoneOptions, useTimeZone } from '../../../app/time-zone.ts';
import { timeText } from '../../../format/time.ts';
import { Button } from '../../../kit/button.tsx';
import { Combobox } from '../../../kit/combobox.tsx';
import { Field, Input, TextField } from '../../../kit/field.tsx';
import { Popover } from '../../../kit/popover.tsx';
import { Select } from '../../../kit/select.tsx';
import styles from './timestamp-field.module.css';
import { instantOf, localText, zonedText, zonedTime } from './zoned-time.ts';

export interface TimestampFieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  help: string;
  placeholder: string;
  error?: string | undefined;
}

export function TimestampField({
  label,
  value,
  onValue,
  help,
  placeholder,
  error,
}: TimestampFieldProps): ReactNode {
  const [zone] = useTimeZone();
  const isTime = typeof instantOf(value) === 'bigint';
  return (
    <Field
      label={label}
      error={error}
      help={isTime ? `${help} ${timeText(value, zone, 'second')} in ${zone}.` : help}
    >
      <div className={styles.line}>
        <Input value={value} onValue={onValue} placeholder={placeholder} />
        <Popover
          label={`Choose ${label.toLowerCase()}`}
          align="end"
          className={styles.panel}
          trigger={
            <Button
              icon="periods"
              aria-label={`Choose ${label.toLowerCase()}`}
              title="Choose date and time"
            />
          }
        >
          {(close) => (
            <Picker
              from={isTime ? Date.parse(value) : Date.now()}
              byDefault={zone}
              onChoose={(next) => {
                onValue(next);
                close();
              }}
            />
          )}
        </Popover>
      </div>
    </Field>
  );
}

function Picker({
  from,
  byDefault,
  onChoose,
}: {
  from: number;
  byDefault: string;
  onChoose: (timestamp: string) => void;
}): ReactNode {
  const [zone, setZone] = useState(byDefault);
  const [typedZone, setTypedZone] = useState('');
  const [[date, time], setLocal] = useState(() => localText(from, byDefault).split('T'));
  /** Of two instants with this local time, the later one. */
  const [isLater, setLater] = useState(false);
  const local = `${date}T${time.length === 5 ? `${time}:00` : time}`;
  const zoned = Number.isNaN(Date.parse(`${local}Z`)) ? null : zonedTime(local, zone);
  const chosen = zoned?.instants[isLater ? zoned.instants.length - 1 : 0];
  const onKeyDown = (event: KeyboardEvent): void => {
    // The form around must not be sent; a list that is open takes it for itself.
    if (event.key !== 'Enter' || event.defaultPrevented || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    if (chosen !== undefined) onChoose(chosen);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Enter in any of its fields chooses
    <div className={styles.picker} onKeyDown={onKeyDown}>
      <div className={styles.pair}>
        <TextField label="Date" type="date" value={date} onValue={(next) => setLocal([next, time])} />
        <TextField
          label="Time"
          type="time"
          step={1}
          value={time}
          onValue={(next) => setLocal([date, next])}
        />
      </div>
      <Field label="Time zone">
        <Combobox
          value={zone}
          options={timeZoneOptions(typedZone)}
          onSearch={setTypedZone}
          empty="No such time zone."
          onValue={setZone}
        />
      </Field>
      {zoned !== null && zoned.instants.length > 1 && (
        <Field label="Clocks show this time twice" help="They go back on that day.">
          <Select
            value={isLater ? 'later' : 'earlier'}
            onValue={(next) => setLater(next === 'later')}
            options={[
              { value: 'earlier', label: `The first time, ${zoned.instants[0].slice(19)}` },
              { value: 'later', label: `The second time, ${zoned.instants[1]?.slice(19)}` },
            ]}
          />
        </Field>
      )}
      <p className={styles.result} role="status">
        {zoned === null
          ? 'A date and a time are needed.'
          : zoned.skipped === null
            ? chosen
            : `There is no ${time} on that day in ${zone}: clocks go forward over it.`}
      </p>
      <div className={styles.actions}>
        <Button onClick={() => setLocal(localText(Date.now(), zone).split('T'))}>Now</Button>
        {zoned?.skipped ? (
          <Button look="primary" onClick={() => onChoose(zoned.skipped.instant)}>
            Use {zoned.skipped.local.replace(`${date}T`, '').replace('T', ' ')}
          </Button>
        ) : (
          <Button
            look="primary"
            disabled={chosen === undefined}
            onClick={() => chosen !== undefined && onChoose(chosen)}
          >
            Use this time
          </Button>
        )}
      </div>
    </div>
  );
}

/** To the second, as the clocks of a zone show it. */
export function nowText(zone: string): string {
  return zonedText(Date.now(), zone);
}
