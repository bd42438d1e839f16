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

/** UTC first, then all that the browser knows. */
export function timeZones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
}
