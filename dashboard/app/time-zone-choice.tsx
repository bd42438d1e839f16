/** The zone that all times are shown in, and its choice. */
import { type ReactNode, useState } from 'react';
import { Combobox } from '../kit/combobox.tsx';
import { Field } from '../kit/field.tsx';
import { Icon } from '../kit/icon.tsx';
import { Popover } from '../kit/popover.tsx';
import { timeZoneOptions, useTimeZone } from './time-zone.ts';
import styles from './time-zone-choice.module.css';

export function TimeZoneChoice(): ReactNode {
  const [zone, setZone] = useTimeZone();
  const [typed, setTyped] = useState('');
  return (
    <Popover
      label="Time zone"
      align="end"
      className={styles.panel}
      trigger={
        <button
          type="button"
          className={styles.trigger}
          aria-label={`Time zone: ${zone}`}
          title={`Times are shown in ${zone}`}
        >
          <Icon name="clock" />
          <span className={styles.name}>{zone.replaceAll('_', ' ')}</span>
        </button>
      }
    >
      {(close) => (
        <Field label="Show times in">
          <Combobox
            value={zone}
            options={timeZoneOptions(typed)}
            onSearch={setTyped}
            empty="No such time zone."
            onValue={(next) => {
              setZone(next);
              close();
            }}
          />
        </Field>
      )}
    </Popover>
  );
}
