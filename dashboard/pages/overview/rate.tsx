/** Signals and records that were acknowledged, by five seconds. */
import type { ReactNode } from 'react';
import { useTimeZone } from '../../app/time-zone.ts';
import { timeText } from '../../format/time.ts';
import { Plot } from '../../kit/plot.tsx';
import type { Overview } from './page.tsx';

const STEP_SECONDS = 5;
const NAMED_SECONDS = 120;

export function Rate({ ingest: { series, seriesUntil } }: { ingest: Overview['ingest'] }): ReactNode {
  const [zone] = useTimeZone();
  const until = Math.floor(Date.parse(seriesUntil) / 1000);
  const points = byStep(series, until).map(({ begin, perSecond }) => ({
    name: timeText(begin * 1000, zone, 'second'),
    short: begin % NAMED_SECONDS === 0 ? timeText(begin * 1000, zone, 'time').slice(0, 5) : '',
    value: String(perSecond),
  }));
  return (
    <Plot label="Signals and records a second" points={points} look="line" unit="a second" height={140} />
  );
}

/**
 * Steps stand at whole multiples, so that the picture moves on from refresh to refresh and does not change.
 * @param until the second behind the last one of `series`
 */
function byStep(series: readonly number[], until: number): { begin: number; perSecond: number }[] {
  const begin = until - series.length;
  const first = Math.ceil(begin / STEP_SECONDS) * STEP_SECONDS;
  const steps = [];
  for (let at = first; at + STEP_SECONDS <= until; at += STEP_SECONDS) {
    const counts = series.slice(at - begin, at - begin + STEP_SECONDS);
    steps.push({ begin: at, perSecond: counts.reduce((sum, each) => sum + each, 0) / STEP_SECONDS });
  }
  return steps;
}
