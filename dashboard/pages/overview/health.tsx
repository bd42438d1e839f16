/** Whether anything is wrong with the receiver, in words, and what to do about it. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ageText } from '../../format/time.ts';
import { Icon } from '../../kit/icon.tsx';
import { Time } from '../../kit/time.tsx';
import { type FirstRun, RECENT_MS, type Refused, refusedText } from '../first-run/wrong-turns.ts';
import styles from './health.module.css';
import type { Overview } from './page.tsx';

type Problem = Overview['health']['problems'][number] | 'refused';

interface Line {
  name: string;
  problem: Problem;
  /** How it is. */
  text: ReactNode;
  /** What to do where it is wrong. */
  advice: ReactNode;
}

export function healthFaults({ health }: Overview, firstRun: FirstRun | undefined): readonly Problem[] {
  return refusedLately(firstRun).length > 0 ? [...health.problems, 'refused'] : health.problems;
}

/**
 * Requests that brought usage in vain, the newest first. Whoever is told to come again does; why the receiver said so is
 * in the other lines.
 */
function refusedLately(firstRun: FirstRun | undefined): Refused[] {
  const since = Date.now() - RECENT_MS;
  return (firstRun?.refused ?? []).filter(({ time, status }) => status !== 503 && Date.parse(time) > since);
}

/** @param firstRun undefined while it is not known */
export function Health({
  overview,
  firstRun,
}: {
  overview: Overview;
  firstRun: FirstRun | undefined;
}): ReactNode {
  const faults = healthFaults(overview, firstRun);
  return (
    <ul className={styles.lines}>
      {linesOf(overview, firstRun).map(({ name, problem, text, advice }) => {
        const isWrong = faults.includes(problem);
        return (
          <li key={name} className={styles.line} data-wrong={isWrong || undefined}>
            <span className={styles.mark}>
              <Icon name={isWrong ? 'quality' : 'check'} />
            </span>
            <span className={styles.name}>
              {name}
              <span className="visually-hidden">{isWrong ? ': a problem.' : ': fine.'}</span>
            </span>
            <span>
              {text}
              {isWrong && <strong className={styles.advice}>{advice}</strong>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** Refused requests that the receiver remembers. */
const REMEMBERED = 50;

const STATES: Readonly<Record<Overview['health']['state'], string>> = {
  ready: 'Takes usage.',
  recovering: 'Reads its journal; usage is taken when that is done.',
  draining: 'Stops: it answers what is under way.',
  stopped: 'Is stopped.',
};

function linesOf({ health, freshness, disk, lake }: Overview, firstRun: FirstRun | undefined): Line[] {
  const { unloadedRows, unloadedBytes, behindSeconds, completeUntil } = freshness;
  const refused = refusedLately(firstRun);
  return [
    {
      name: 'Receiver',
      problem: 'not_ready',
      text: STATES[health.state],
      advice:
        'Exporters keep what they have and come again. If it stays so, read the receiver’s log: it says what it waits for.',
    },
    {
      name: 'Requests',
      problem: 'refused',
      text:
        refused.length === 0
          ? 'None was refused in the last hour.'
          : `Refused in the last hour: ${refused.length}${refused.length === REMEMBERED ? ' or more' : ''}, last ${ageText(refused[0].time, Date.now())}: ${refusedText(refused[0], location.origin).title}`,
      advice: (
        <>
          <Link to="/first-run">Connect an app</Link> says what to change.
        </>
      ),
    },
    {
      name: 'Disk',
      problem: 'disk_full',
      text: `${disk.freeBytes === null ? 'Free space is not known yet' : `${bytesText(disk.freeBytes)} free`}; the journal has ${bytesText(disk.journalBytes)}.`,
      advice:
        'Too little is free, so usage is refused with 503 and exporters come again. Free space on the disk of the data directory, or set how long the journal is kept (journalRetentionDays).',
    },
    {
      name: 'Ledger',
      problem: 'ledger_behind',
      text:
        unloadedRows === 0 ? (
          <>
            Everything that arrived can be asked for, as of <Time at={completeUntil} detail="second" />.
          </>
        ) : (
          <>
            {seconds(behindSeconds)} behind: {unloadedRows.toLocaleString('en')} rows (
            {bytesText(unloadedBytes)} of the journal) are on disk and wait to be loaded.
          </>
        ),
      advice:
        'Nothing is lost, but answers are late. It catches up when less arrives; if it does not, give the machine more processor time or stop heavy queries.',
    },
    {
      name: 'Lake (SQL)',
      problem: 'lake_behind',
      text:
        lake === null ? (
          'Nothing is published yet.'
        ) : lake.behindSeconds === 0 ? (
          'SQL and the files see everything.'
        ) : (
          <>SQL and the files are {seconds(lake.behindSeconds)} behind.</>
        ),
      advice:
        'SQL answers as of then. The lake waits while usage is loaded; if it stays behind, look at the disk of data/lake and at the receiver’s log.',
    },
  ];
}

function seconds(value: number): string {
  return value < 120 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

function bytesText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toLocaleString('en', { maximumSignificantDigits: 3 })} ${UNITS[power]}`;
}
