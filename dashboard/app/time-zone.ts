/** The zone that all times of the page are shown in: the address's `zone`, else what this browser remembers. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { isTimeZone, useKeptTimeZone } from './preferences.ts';

export function useTimeZone(): [string, (zone: string) => void] {
  const { zone } = useSearch({ strict: false }) as { zone?: string };
  const [kept, keep] = useKeptTimeZone();
  const navigate = useNavigate();
  const choose = (next: string): void => {
    keep(next);
    void navigate({ to: '.', search: (before: object) => ({ ...before, zone: next }), replace: true });
  };
  return [zone !== undefined && isTimeZone(zone) ? zone : kept, choose];
}

/** More would not be read. */
const MAX_OPTIONS = 60;

/** The zones whose names have all that is typed in them, UTC first: the options of a Combobox. */
export function timeZoneOptions(typed: string): { value: string; label: string }[] {
  const words = typed.toLowerCase().split(/[\s/_]+/);
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]
    .filter((zone) => words.every((word) => zone.toLowerCase().includes(word)))
    .slice(0, MAX_OPTIONS)
    .map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }));
}
