/**
 * Bars by window, stacked by series. Pointer and arrow keys move along them (and up and down in one), and what they are at
 * is said in exact numbers; a click, or Enter, opens it. Only the height of a bar is a float.
 */
import 'uplot/dist/uPlot.min.css';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useTimeZone } from '../app/time-zone.ts';
import { sumOf, toPixelValue } from '../format/decimal.ts';
import { type TimeDetail, timeText } from '../format/time.ts';
import { unitText } from '../format/unit.ts';
import styles from './chart.module.css';
import { ExactNumber } from './exact-number.tsx';

export interface ChartSeries {
  label: string;
  /** For each window an exact decimal, or null where there is nothing. */
  values: readonly (string | null)[];
}

export interface ChartProps {
  /** What it shows, in words. */
  label: string;
  /** Begin of each window, RFC 3339, oldest first. */
  windows: readonly string[];
  /** Of the windows' names: `day` for days, `hour` for hours. */
  detail: TimeDetail;
  /** At most eight are told apart by colour. */
  series: readonly ChartSeries[];
  unit?: string;
  /** Whether the sum of the series means something; true unless said otherwise. */
  isTotalShown?: boolean;
  height?: number;
  /** A bar was clicked, or Enter pressed; `seriesIndex` is null for the window as a whole. */
  onOpen?: (windowIndex: number, seriesIndex: number | null) => void;
}

const COLOURS = 8;
/** Of a name in the readout. */
const MOST_LETTERS = 60;

export function Chart({
  label,
  windows,
  detail,
  series,
  unit,
  isTotalShown = true,
  height = 220,
  onOpen,
}: ChartProps): ReactNode {
  const [zone] = useTimeZone();
  const [at, setAt] = useState<number | null>(null);
  /** Of the bar that keys are at: 0 is all of it, 1 its lowest layer. */
  const [layer, setLayer] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const look = useLook();
  const opened = useRef(onOpen);
  opened.current = onOpen;
  const stacked = useMemo(() => stack(series, windows.length), [series, windows.length]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are others with another look
  useEffect(() => {
    const parent = frame.current;
    if (parent === null || windows.length === 0) return;
    const colour = colours(parent);
    const axis = {
      stroke: colour('--text-2'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const font = `12px ${getComputedStyle(parent).fontFamily}`;
    const bars = uPlot.paths.bars?.({ size: [0.82, 64], align: 0 });
    const options: uPlot.Options = {
      width: parent.clientWidth,
      height,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => [-0.5, windows.length - 0.5] },
        y: { range: (_plot, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        {
          ...axis,
          font,
          grid: { show: false },
          size: 28,
          space: 70,
          splits: (_plot, _axis, low, high, step) => {
            const every = Math.max(1, Math.round(step));
            const places: number[] = [];
            for (let place = Math.max(0, Math.ceil(low)); place <= high; place += every) places.push(place);
            return places;
          },
          values: (_plot, places) =>
            places.map((place) => timeText(windows[place] ?? '', zone, shortened(detail))),
        },
        { ...axis, font, size: 48, values: (_plot, values) => values.map(shortNumber) },
      ],
      series: [
        {},
        // The tallest is drawn first, and the others over it.
        ...stacked
          .map((_values, index) => ({
            ...(bars === undefined ? {} : { paths: bars }),
            fill: colour(`--series-${(index % COLOURS) + 1}`),
            width: 0,
            points: { show: false },
          }))
          .reverse(),
      ],
      hooks: {
        setCursor: [
          (self) => {
            setAt(self.cursor.idx ?? null);
            setLayer(0);
          },
        ],
      },
    };
    const xs = windows.map((_window, index) => index);
    const made = new uPlot(options, [xs, ...[...stacked].reverse()] as uPlot.AlignedData, parent);
    plot.current = made;
    const onClick = (): void => {
      const { idx, top } = made.cursor;
      if (idx === null || idx === undefined) return;
      const value = made.posToVal(top ?? 0, 'y');
      const layer = stacked.findIndex((values) => value >= 0 && value <= values[idx]);
      opened.current?.(idx, layer === -1 ? null : layer);
    };
    made.over.addEventListener('click', onClick);
    const resized = new ResizeObserver(() => made.setSize({ width: parent.clientWidth, height }));
    resized.observe(parent);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [stacked, windows, zone, detail, height, look]);

  const chosen = series[layer - 1];
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = windows.length - 1;
    if (event.key === 'Enter' && at !== null) onOpen?.(at, chosen === undefined ? null : layer - 1);
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step !== undefined && at !== null && series.length > 1) {
      event.preventDefault();
      setLayer((layer + step + series.length + 1) % (series.length + 1));
    }
    const next = {
      ArrowRight: at === null ? 0 : Math.min(at + 1, last),
      ArrowLeft: at === null ? last : Math.max(at - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    plot.current?.setCursor({ left: plot.current.valToPos(next, 'x'), top: 0 }, false);
    setAt(next);
  };
  const shown = at === null ? null : windows[at];
  return (
    <div className={styles.chart}>
      <div className={styles.readout} aria-live="polite">
        {at !== null && shown !== undefined && shown !== null ? (
          <>
            <strong>
              {timeText(shown, zone, detail)}
              {chosen && `, ${chosen.label.slice(0, MOST_LETTERS)}`}
            </strong>
            {isTotalShown && series.length > 1 && (
              <Total series={series} at={at} {...(unit === undefined ? {} : { unit })} />
            )}
          </>
        ) : (
          <span className={styles.hint}>
            {label}
            {unit && unit !== '1' && `, ${unitText(unit)}`}
          </span>
        )}
        <ul className={styles.legend}>
          {series.map((each, index) => (
            <li key={each.label}>
              {series.length > 1 && (
                <>
                  <span
                    className={styles.swatch}
                    style={{ background: `var(--series-${(index % COLOURS) + 1})` }}
                  />
                  <span className={styles.name}>{each.label}</span>
                </>
              )}
              {at !== null && each.values[at] && (
                <ExactNumber value={each.values[at]} {...(unit === undefined ? {} : { unit })} />
              )}
            </li>
          ))}
        </ul>
      </div>
      <section
        ref={frame}
        className={styles.plot}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move along the bars
        tabIndex={0}
        aria-label={`${label}. Arrow keys move along it.`}
        data-opens={onOpen !== undefined || undefined}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

function Total({
  series,
  at,
  unit,
}: {
  series: readonly ChartSeries[];
  at: number;
  unit?: string;
}): ReactNode {
  const values = series
    .map(({ values }) => values[at])
    .filter((value) => value !== null && value !== undefined);
  return <ExactNumber value={sumOf(values)} {...(unit === undefined ? {} : { unit })} />;
}

/** Tops of the layers, from the lowest. */
function stack(series: readonly ChartSeries[], count: number): number[][] {
  const below = new Array<number>(count).fill(0);
  return series.map(({ values }) => {
    for (let index = 0; index < count; index += 1) below[index] += toPixelValue(values[index] ?? '0');
    return [...below];
  });
}

/** The canvas knows no custom properties: an element of the page is asked what they are at the moment. */
function colours(parent: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('i');
    probe.style.color = `var(${name})`;
    parent.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/** Changes with the theme, and for print. */
function useLook(): number {
  const [look, setLook] = useState(0);
  useEffect(() => {
    const change = (): void => setLook((before) => before + 1);
    const queries = [matchMedia('(prefers-color-scheme: dark)'), matchMedia('print')];
    for (const query of queries) query.addEventListener('change', change);
    addEventListener('themechange', change);
    return () => {
      for (const query of queries) query.removeEventListener('change', change);
      removeEventListener('themechange', change);
    };
  }, []);
  return look;
}

/** Axes have little room: no year at every day. */
function shortened(detail: TimeDetail): TimeDetail {
  return detail === 'day' ? 'short-day' : detail === 'minute' || detail === 'second' ? 'hour' : detail;
}

const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** Of an axis: about how much. */
function shortNumber(value: number): string {
  return SHORT.format(value);
}
