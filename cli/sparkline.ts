/** A row of numbers as a line of bars. (Pure.) */

const BARS = '▁▂▃▄▅▆▇█';

/**
 * One bar for each value, from zero (or the lowest, where that is below) to the highest; of more values than `width`
 * neighbours share a bar, which is the one furthest from zero. An absent value is a blank.
 * @param values decimals as text: a picture needs no more digits than a double has
 */
export function sparkline(values: readonly (string | null)[], width: number): string {
  const numbers = shared(
    values.map((text) => (text === null ? null : Number(text))),
    Math.max(1, width),
  );
  const known = numbers.filter((value) => value !== null);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  return numbers
    .map((value) => {
      if (value === null) return ' ';
      const share = high === low ? 0 : (value - low) / (high - low);
      return BARS[Math.round(share * (BARS.length - 1))];
    })
    .join('');
}

function shared(values: readonly (number | null)[], width: number): (number | null)[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, bar) => {
    const from = Math.floor((bar * values.length) / width);
    const to = Math.floor(((bar + 1) * values.length) / width);
    return values
      .slice(from, to)
      .reduce(
        (most, value) =>
          value !== null && (most === null || Math.abs(value) > Math.abs(most)) ? value : most,
        null,
      );
  });
}
