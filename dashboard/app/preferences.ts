/** What this browser remembers of somebody's choices: theme and time zone. */
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** public/theme.js reads it, too. */
const THEME = 'usage-meter.theme';
const ZONE = 'usage-meter.time-zone';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}

function keep(name: string, value: string): void {
  localStorage.setItem(name, value);
  for (const tell of listeners) tell();
}

function theme(): Theme {
  return THEMES.find((each) => each === localStorage.getItem(THEME)) ?? 'system';
}

/** Shows the theme that was chosen; before the page is drawn, public/theme.js does. */
function applyTheme(): void {
  const chosen = theme();
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  dispatchEvent(new Event('themechange'));
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const chosen = useSyncExternalStore(subscribe, theme);
  return [
    chosen,
    (next) => {
      keep(THEME, next);
      applyTheme();
    },
  ];
}

/** The zone that was chosen, or the browser's own. */
function keptTimeZone(): string {
  const kept = localStorage.getItem(ZONE);
  return kept !== null && isTimeZone(kept) ? kept : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function useKeptTimeZone(): [string, (zone: string) => void] {
  return [useSyncExternalStore(subscribe, keptTimeZone), (zone) => keep(ZONE, zone)];
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
