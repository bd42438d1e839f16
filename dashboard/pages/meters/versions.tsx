/** The versions of a meter: when each came, who brought it, and what it changed. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../api/query.ts';
import { Section } from '../../kit/page-frame.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import type { Meter } from './meter-page.tsx';
import { meterRoute } from './route.ts';
import { differenceOf, type Rule, withoutDefaults, yamlText } from './rule-text.ts';
import styles from './versions.module.css';

type Version = NonNullable<Meter['versions']>[number];

const MOST_ENTRIES = 1_000;
const UNCHANGED_AROUND = 3;

export function Versions({
  meterId,
  versions,
}: {
  meterId: string;
  versions: readonly Version[];
}): ReactNode {
  const search = meterRoute.useSearch();
  const log = useAnswer('GET /api/v1/audit', {
    query: { kind: ['meter_put'], subject: [meterId], limit: MOST_ENTRIES },
  });
  const shown = versions.find(({ version }) => `${version}` === search.version) ?? versions[0];
  const before = versions.find(({ version }) => version === shown.version - 1);
  /** A version and the change that brought it came in one frame. */
  const actorOf = (at: string): string =>
    log.data?.rows.find(({ time }) => Date.parse(time) === Date.parse(at))?.actor ?? '';
  return (
    <Section title="Versions">
      <div className={styles.versions}>
        <ol className={styles.list}>
          {versions.map(({ version, createdAt, managedBy, deleted }) => (
            <li key={version}>
              <Link
                to="/meters/$meterId"
                params={{ meterId }}
                search={{ version: `${version}` }}
                replace
                resetScroll={false}
                className={styles.version}
                aria-current={version === shown.version || undefined}
              >
                <strong>Version {version}</strong>
                <span>
                  <Time at={createdAt} />
                </span>
                <span>
                  {managedBy === 'file' ? 'usage-meter.yaml' : actorText(actorOf(createdAt))}{' '}
                  {deleted && <Tag look="warn">deleted</Tag>}
                </span>
              </Link>
            </li>
          ))}
        </ol>
        <Difference version={shown} before={before} />
      </div>
    </Section>
  );
}

function actorText(actor: string): string {
  if (actor === 'local') return 'somebody without a key';
  return actor.startsWith('key:') ? `API key ${actor.slice('key:'.length)}` : actor;
}

function Difference({ version, before }: { version: Version; before: Version | undefined }): ReactNode {
  const textOf = ({ rule }: Version): string => yamlText(withoutDefaults(rule as Rule)).trimEnd();
  const lines =
    before === undefined
      ? textOf(version)
          .split('\n')
          .map((text) => ({ sign: ' ' as const, text }))
      : differenceOf(textOf(before), textOf(version));
  const isNear = lines.map((_line, index) =>
    lines
      .slice(Math.max(0, index - UNCHANGED_AROUND), index + UNCHANGED_AROUND + 1)
      .some(({ sign }) => sign !== ' '),
  );
  const label =
    before === undefined
      ? `Version ${version.version}`
      : `What version ${version.version} changed in version ${before.version}`;
  return (
    <figure className={styles.difference}>
      <figcaption>{label}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <section tabIndex={0} aria-label={label} className={styles.scroll}>
        <pre>
          {lines.map(({ sign, text }, index) =>
            before === undefined || isNear[index] ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
              <code key={index} data-sign={sign === ' ' ? undefined : sign}>
                {before === undefined ? '' : `${sign} `}
                {text}
                {'\n'}
              </code>
            ) : (
              isNear[index - 1] !== false && (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
                <code key={index} className={styles.left}>
                  {'…\n'}
                </code>
              )
            ),
          )}
        </pre>
      </section>
    </figure>
  );
}
