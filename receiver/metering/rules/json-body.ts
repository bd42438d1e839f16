/**
 * JSON in a log's string body: parsed once, however many paths of however many meters lead into it, and with its
 * numbers exact.
 */
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import type { AnyValue } from '../../otlp/metric-columns.ts';
import type { PathStep } from './path.ts';

/** In characters. Longer text is not parsed: paths into it lead nowhere. */
export const MAX_JSON_BODY = 1 << 20;
/** What is nested deeper below a path is none of its value: the path leads nowhere. As deep as OTLP itself may go. */
const MAX_DEPTH = 100;

/** A number that a double would not keep. */
class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

// A run of 16 digits may be a number that a double rounds; shorter ones come through unchanged.
const MAY_LOSE_DIGITS = /\d[\d.]{15}/;

// The body last looked at. Meters are asked about one record after the other.
let parsedText = '';
let parsedBody: unknown;

/** The value at steps into the JSON of a string body; undefined where there is none. */
export function valueInJsonBody(
  text: string,
  steps: readonly PathStep[],
): AnyValue | { type: 'decimal'; value: string } | undefined {
  if (text !== parsedText) {
    parsedBody = parseBody(text);
    parsedText = text;
  }
  let value = parsedBody;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return undefined;
    // Only what the text itself wrote: never a prototype's.
    if (Array.isArray(value) !== (typeof step === 'number') || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PathStep, unknown>)[step];
  }
  if (value instanceof ExactNumber) return { type: 'decimal', value: value.text };
  return toAnyValue(value, 0) ?? undefined;
}

/** undefined where the text is no JSON object or array. */
function parseBody(text: string): unknown {
  if (text.length > MAX_JSON_BODY || !/^\s*[{[]/.test(text)) return undefined;
  try {
    return MAY_LOSE_DIGITS.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    // Not JSON, or nested too deep for the reviver.
    return undefined;
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || !MAY_LOSE_DIGITS.test(source)) return value;
  if (!/[eE]/.test(source)) return new ExactNumber(source);
  const scaled = scaledFromText(source);
  return scaled === null ? value : new ExactNumber(textFromScaled(scaled));
}

/** null where the value is nested too deep. */
function toAnyValue(value: unknown, depth: number): AnyValue | null {
  if (depth > MAX_DEPTH) return null;
  switch (typeof value) {
    case 'string':
      // JSON can spell half of a surrogate pair, as of a name that was cut off. Stored, it would become this too, and
      // whoever is called so would be another one after a restart.
      return { type: 'string', value: value.toWellFormed() };
    case 'boolean':
      return { type: 'bool', value };
    case 'number':
      return Number.isSafeInteger(value) ? { type: 'int', value: BigInt(value) } : { type: 'double', value };
    case 'object': {
      if (value === null) return { type: 'empty' };
      if (value instanceof ExactNumber) return { type: 'string', value: value.text };
      if (Array.isArray(value)) {
        const items: AnyValue[] = [];
        for (const item of value) {
          const converted = toAnyValue(item, depth + 1);
          if (converted === null) return null;
          items.push(converted);
        }
        return { type: 'array', value: items };
      }
      const entries: { key: string; value: AnyValue }[] = [];
      for (const [key, item] of Object.entries(value)) {
        const converted = toAnyValue(item, depth + 1);
        if (converted === null) return null;
        entries.push({ key: key.toWellFormed(), value: converted });
      }
      return { type: 'map', value: entries };
    }
    default:
      return { type: 'empty' };
  }
}
