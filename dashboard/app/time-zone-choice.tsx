/** The zone that all times are shown in, and its choice. */
import { Popover } from '@base-ui/react/popover';
import { type ReactNode, useState } from 'react';
import { Combobox } from '../kit/combobox.tsx';
import { Icon } from '../kit/icon.tsx';
import popup from '../kit/popup.module.css';
import { timeZones, useTimeZone } from './time-zone.ts';
import styles from './time-zone-choice.module.css';

/** More would not be read. */
const MAX_SHOWN = 60;

export function TimeZoneChoice(): ReactNode {
  const [zone, setZone] = useTimeZone();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const words = typed.toLowerCase().split(/[\s/_]+/);
  const options = timeZones()
    .filter((each) => words.every((word) => each.toLowerCase().includes(word)))
    .slice(0, MAX_SHOWN)
    .map((each) => ({ value: each, label: each.replaceAll('_', ' ') }));
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        className={styles.trigger}
        aria-label={`Time zone: ${zone}`}
        title={`Times are shown in ${zone}`}
      >
        <Icon name="clock" />
        <span className={styles.name}>{zone.replaceAll('_', ' ')}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className={popup.positioner} sideOffset={4} align="end">
          <Popover.Popup className={`${popup.popup} ${styles.popup}`}>
            <Popover.Title className={styles.title}>Show times in</Popover.Title>
            <Combobox
              label="Time zone"
              value={zone}
              options={options}
              onSearch={setTyped}
              empty="No such time zone."
              onValue={(next) => {
                if (next === null) return;
                setZone(next);
                setOpen(false);
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
