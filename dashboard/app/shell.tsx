/** What is around every page: the sidebar, the top bar, what keys do everywhere. */
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { isApiKeyNeeded, onApiKeyChange } from '../api/key.ts';
import { Button, IconButton } from '../kit/button.tsx';
import { useHotkeys } from '../kit/hotkeys.ts';
import { Icon } from '../kit/icon.tsx';
import { Menu } from '../kit/menu.tsx';
import { Modal } from '../kit/modal.tsx';
import { RecordUsageDialog } from '../pages/customer/record-usage/record-usage-dialog.tsx';
import { NewCustomer } from '../pages/customers/new-customer.tsx';
import { ApiKeyQuestion } from './api-key-question.tsx';
import { CommandPalette } from './command-palette.tsx';
import { KeyboardHelp } from './keyboard-help.tsx';
import { PAGES } from './pages.ts';
import { THEMES, useTheme } from './preferences.ts';
import styles from './shell.module.css';
import { TimeZoneChoice } from './time-zone-choice.tsx';

type Opened = 'palette' | 'help' | 'pages' | 'new-customer' | 'record-usage' | null;

export const THEME_LABELS = {
  system: 'Theme of the system',
  light: 'Light theme',
  dark: 'Dark theme',
} as const;

const SHORTCUT = navigator.platform.startsWith('Mac') ? '⌘ K' : 'Ctrl K';

export function Shell(): ReactNode {
  const [opened, setOpened] = useState<Opened>(null);
  const close = (): void => setOpened(null);
  const keyNeeded = useSyncExternalStore(onApiKeyChange, isApiKeyNeeded);
  const { pathname } = useLocation();
  const [theme, setTheme] = useTheme();
  useHotkeys({ 'mod+k': () => setOpened('palette'), '?': () => setOpened('help') });
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever goes to another page is done with what was open
  useEffect(close, [pathname]);
  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        Skip to the content
      </a>
      <header className={styles.top}>
        <span className={styles.narrowOnly}>
          <IconButton label="Pages" icon="menu" onClick={() => setOpened('pages')} />
        </span>
        <Link to="/" className={styles.brand}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3.500 12V9M8 12V4M12.500 12V7" />
          </svg>
          Usage
        </Link>
        <button type="button" className={styles.find} onClick={() => setOpened('palette')}>
          <Icon name="search" />
          <span className={styles.findText}>Go to or search</span>
          <kbd className={styles.wideOnly}>{SHORTCUT}</kbd>
        </button>
        <span className={styles.topEnd}>
          <TimeZoneChoice />
          <Menu
            label="Theme"
            trigger={<IconButton label="Theme" icon="sun" />}
            items={THEMES.map((each) => ({
              label: THEME_LABELS[each],
              checked: each === theme,
              onSelect: () => setTheme(each),
            }))}
          />
          <span className={styles.wideOnly}>
            <IconButton label="Keyboard help" icon="help" onClick={() => setOpened('help')} />
          </span>
        </span>
      </header>
      <nav className={styles.side} aria-label="Pages">
        <PageLinks />
      </nav>
      <main id="content" className={styles.main} tabIndex={-1}>
        {keyNeeded ? <ApiKeyQuestion /> : <Outlet />}
      </main>

      {opened === 'pages' && (
        <Modal onClose={close} className={styles.drawer} aria-label="Pages">
          <Button look="quiet" icon="close" onClick={close}>
            Close
          </Button>
          <nav aria-label="Pages">
            <PageLinks />
          </nav>
        </Modal>
      )}
      {opened === 'palette' && (
        <CommandPalette
          onClose={close}
          commands={[
            { label: 'New customer', onSelect: () => setOpened('new-customer') },
            { label: 'Record usage…', onSelect: () => setOpened('record-usage') },
            ...THEMES.map((each) => ({ label: THEME_LABELS[each], onSelect: () => setTheme(each) })),
            { label: 'Keyboard help', onSelect: () => setOpened('help') },
          ]}
        />
      )}
      <KeyboardHelp open={opened === 'help'} onClose={close} />
      <NewCustomer open={opened === 'new-customer'} onClose={close} />
      <RecordUsageDialog open={opened === 'record-usage'} onClose={close} />
    </div>
  );
}

function PageLinks(): ReactNode {
  return PAGES.map(({ to, label, icon }) => (
    <Link
      key={to}
      to={to}
      className={styles.link}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      activeProps={{ 'data-active': true, 'aria-current': 'page' }}
    >
      <Icon name={icon} />
      {label}
    </Link>
  ));
}
