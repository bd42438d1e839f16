/** Whether anything is wrong with the receiver, in words, and what to do about it. */
import type { ReactNode } from 'react';
import { Icon } from '../../kit/icon.tsx';
import { Time } from '../../kit/time.tsx';
import styles from './health.module.css';
import type { Overview } from './page.tsx';

type Problem = Overview['health']['problems'][number];

interface Line {
  name: string;
  problem: Problem;
  /** How it is. */
  text: ReactNode;
  /** What to do where it is wrong. */
  advice: string;
}

export function healthFaults({ health }: Overview): readonly Problem[] {
  return health.problems;
}

export function Health({ overview }: { overview: Overview }): ReactNode {
  return (
    <ul className={styles.lines}>
      {linesOf(overview).map(({ name, problem, text, advice }) => {
        const isWrong = overview.health.problems.includes(problem);
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

const STATES: Readonly<Record<Overview['health']['state'], string>> = {
  ready: 'Takes usage.',
  recovering: 'Reads its journal; usage is taken when that is done.',
  draining: 'Stops: it answers what is under way.',
  stopped: 'Is stopped.',
};

function linesOf({ health, freshness, disk, lake }: Overview): Line[] {
  const { unloadedRows, unloadedBytes, behindSeconds, completeUntil } = freshness;
  return [
    {
      name: 'Receiver',
      problem: 'not_ready',
      text: STATES[health.state],
      advice:
        'Exporters keep what they have and come again. If it stays so, read the receiver’s log: it says what it waits for.',
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
