/**
 * A picture of one list of values, named by whatever they are named by: bars, or a line. Pointer and arrow keys move
 * along it, and what they are at is said in exact numbers. For windows of time that open something, see kit/chart.tsx.
 */
import { type CSSProperties, type KeyboardEvent, type PointerEvent, type ReactNode, useState } from 'react';
import { toPixelValue } from '../format/decimal.ts';
import { ExactNumber } from './exact-number.tsx';
import styles from './plot.module.css';

export interface PlotPoint {
  name: string;
  /**
   * Under the picture, where there is less room: the name unless said otherwise. Where some are empty, all of the others
   * stand there.
   */
  short?: string;
  /** An exact decimal; null where there is nothing. */
  value: string | null;
}

export interface PlotProps {
  /** What it shows, in words. */
  label: string;
  points: readonly PlotPoint[];
  look: 'bars' | 'line';
  unit?: string;
  height?: number;
}

const WIDTH = 1000;
const NAMES = 5;
const LINES = 4;

export function Plot({ label, points, look, unit, height = 160 }: PlotProps): ReactNode {
  const [pointed, setAt] = useState<number | null>(null);
  const last = points.length - 1;
  const at = pointed === null || last < 0 ? null : Math.min(pointed, last);
  const values = points.map(({ value }) => (value === null ? null : toPixelValue(value)));
  const lines = gridLines(values);
  const [low, high] = [lines[0], lines[lines.length - 1]];
  const y = (value: number): number => height - ((value - low) / (high - low)) * height;
  const x = (index: number): number => ((index + 0.5) / points.length) * WIDTH;
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = {
      ArrowRight: at === null ? 0 : Math.min(at + 1, last),
      ArrowLeft: at === null ? last : Math.max(at - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
  };
  const onPointerMove = (event: PointerEvent): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setAt(Math.max(0, Math.min(last, Math.floor(((event.clientX - left) / width) * points.length))));
  };
  const shown = at === null ? undefined : points[at];
  return (
    <div className={styles.plot}>
      <div className={styles.readout} aria-live="polite">
        {shown === undefined ? (
          <span className={styles.hint}>{label}</span>
        ) : (
          <>
            <strong className={styles.name}>{shown.name}</strong>
            {shown.value === null ? (
              <span className={styles.hint}>nothing</span>
            ) : (
              <ExactNumber value={shown.value} {...(unit === undefined ? {} : { unit })} />
            )}
          </>
        )}
      </div>
      <div className={styles.frame} style={{ height }}>
        <div className={styles.scale} aria-hidden="true">
          {lines.map((value) => (
            <span key={value} style={{ top: y(value) }}>
              {SHORT.format(value)}
            </span>
          ))}
        </div>
        <section
          className={styles.picture}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move along it
          tabIndex={0}
          aria-label={`${label}. Arrow keys move along it.`}
          onKeyDown={onKeyDown}
          onPointerMove={onPointerMove}
          onPointerLeave={() => setAt(null)}
          onBlur={() => setAt(null)}
        >
          <svg viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            {lines.map((value) => (
              <path key={value} className={styles.line} d={`M0 ${y(value)}H${WIDTH}`} />
            ))}
            {at !== null && <path className={styles.cursor} d={`M${x(at)} 0V${height}`} />}
            {look === 'bars' ? (
              <path className={styles.bars} d={barsPath(values, x, y)} />
            ) : (
              <>
                <path className={styles.area} d={areaPath(values, x, y)} />
                <path className={styles.curve} d={curvePath(values, x, y)} />
              </>
            )}
          </svg>
        </section>
      </div>
      <div className={styles.names} aria-hidden="true">
        {namedPlaces(points).map((index) => (
          <span key={index} style={placeOf(index, last, x(index) / 10)}>
            {points[index].short ?? points[index].name}
          </span>
        ))}
      </div>
    </div>
  );
}

type Scale = (value: number) => number;

function barsPath(values: readonly (number | null)[], x: Scale, y: Scale): string {
  const half = (WIDTH / values.length) * 0.4;
  return values
    .map((value, index) =>
      value === null ? '' : `M${x(index) - half} ${y(0)}V${y(value)}H${x(index) + half}V${y(0)}z`,
    )
    .join('');
}

/** A value that is missing interrupts the line. */
function curvePath(values: readonly (number | null)[], x: Scale, y: Scale): string {
  let isDown = false;
  return values
    .map((value, index) => {
      const command = isDown ? 'L' : 'M';
      isDown = value !== null;
      // A point between two that are missing is seen, too.
      return value === null ? '' : `${command}${x(index)} ${y(value)}h0.1`;
    })
    .join('');
}

function areaPath(values: readonly (number | null)[], x: Scale, y: Scale): string {
  const step = WIDTH / values.length;
  return values
    .map((value, index) => {
      const next = values[index + 1];
      if (value === null || next === null || next === undefined) return '';
      return `M${x(index)} ${y(0)}V${y(value)}L${x(index) + step} ${y(next)}V${y(0)}z`;
    })
    .join('');
}

/** Round numbers below, among and above the values, and 0. */
function gridLines(values: readonly (number | null)[]): number[] {
  const known = values.filter((value) => value !== null);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  if (low === high) return [0, 1];
  const raw = (high - low) / LINES;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw * 0.999)!;
  const first = Math.floor(low / step + 1e-9);
  const count = Math.ceil(high / step - 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** Which points have their name under the picture. */
function namedPlaces(points: readonly PlotPoint[]): number[] {
  const count = points.length;
  const chosen = [...points.keys()].filter((index) => points[index].short !== '');
  if (chosen.length < count) return chosen;
  if (count <= NAMES) return Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: NAMES }, (_, index) => Math.round((index * (count - 1)) / (NAMES - 1)));
}

/** The first and the last name stay within the picture. */
function placeOf(index: number, last: number, percent: number): CSSProperties {
  if (last >= NAMES && index === 0) return { left: 0 };
  if (last >= NAMES && index === last) return { right: 0 };
  return { left: `${percent}%`, transform: 'translateX(-50%)' };
}

const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
