/** The edge of a query: names and values of URL parameters, checked once. (Pure.) */
import { z } from 'zod';
import { instantFromText, isTimeZone } from './instant.ts';
import { QueryError, quoted } from './query-error.ts';

/** Rows of one answer, unless fewer are asked for; also the most that can be asked for. */
export const MAX_LIMIT = 10_000;

const METADATA = 'metadata.';

/** Which usage a question is about. Ids that nobody knows match nothing. */
export interface UsageFilter {
  /** Any of these; null = all. */
  customerIds: string[] | null;
  /** Any of these; null = all. */
  dimensionIds: string[] | null;
  /** Each key must have one of its values. */
  metadata: { key: string; values: string[] }[];
}

/** Parameters by name, each with its values in the order in which they came. */
export class QueryParameters {
  readonly #values = new Map<string, string[]>();

  /**
   * @param names every name that may come, `metadata.` standing for all that begin with it
   * @throws QueryError UNKNOWN_PARAMETER
   */
  constructor(params: Iterable<[string, string]>, names: readonly string[]) {
    for (const [name, value] of params) {
      const known = names.includes(name.startsWith(METADATA) ? METADATA : name) && name !== METADATA;
      if (!known) {
        const expected = names.map((each) => (each === METADATA ? `${METADATA}KEY` : each)).join(', ');
        throw new QueryError(
          'UNKNOWN_PARAMETER',
          name,
          `unknown parameter ${quoted(name)}: expected one of ${expected}`,
        );
      }
      const values = this.#values.get(name);
      if (values === undefined) this.#values.set(name, [value]);
      else values.push(value);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** All values of a name without repetition, or null where it did not come. */
  all(name: string): string[] | null {
    const values = this.#values.get(name);
    return values === undefined ? null : [...new Set(values)];
  }

  /** The value of a name that stands once, read by a schema; undefined where it did not come. */
  one<T>(name: string, schema: z.ZodType<T, string>): T | undefined {
    const values = this.#values.get(name);
    if (values === undefined) return undefined;
    if (values.length > 1) {
      throw new QueryError(
        'REPEATED_PARAMETER',
        name,
        `${name} must come once (came ${values.length} times)`,
      );
    }
    const result = schema.safeParse(values[0]);
    if (result.success) return result.data;
    throw invalid(name, result.error.issues[0].message, values[0]);
  }

  /** The customers, dimensions and metadata that the question is about. */
  filter(): UsageFilter {
    const metadata: UsageFilter['metadata'] = [];
    for (const name of this.#values.keys()) {
      if (name.startsWith(METADATA)) {
        metadata.push({ key: name.slice(METADATA.length), values: this.all(name)! });
      }
    }
    return { customerIds: this.#ids('customerId'), dimensionIds: this.#ids('dimensionId'), metadata };
  }

  timeZone(): string {
    return this.one('timeZone', timeZone) ?? 'UTC';
  }

  limit(): number {
    return this.one('limit', limit) ?? MAX_LIMIT;
  }

  /** The required, half-open range in Unix nanoseconds. */
  range(zone: string): { from: bigint; to: bigint } {
    const from = this.instant('from', zone);
    const to = this.instant('to', zone);
    if (from === undefined || to === undefined) {
      const missing = from === undefined ? 'from' : 'to';
      throw new QueryError(
        'MISSING_PARAMETER',
        missing,
        `${missing} is required: RFC 3339 with an offset, or a date`,
      );
    }
    if (to < from) throw invalid('to', 'to must not be before from', this.all('to')![0]);
    return { from, to };
  }

  /** Unix nanoseconds; undefined where the parameter did not come. */
  instant(name: string, zone: string): bigint | undefined {
    const text = this.one(name, z.string());
    if (text === undefined) return undefined;
    const instant = instantFromText(text, zone);
    if (typeof instant === 'bigint') return instant;
    throw invalid(name, `${name} must be ${instant.fault}`, text);
  }

  /** An empty id is what a script with an unset variable sends: it would ask about nobody, or seem to about all. */
  #ids(name: string): string[] | null {
    const ids = this.all(name);
    if (ids?.includes('')) throw invalid(name, `${name} must not be empty`, '');
    return ids;
  }
}

export function invalid(parameter: string, expectation: string, came: string): QueryError {
  return new QueryError('INVALID_PARAMETER', parameter, `${expectation} (got ${quoted(came)})`);
}

const timeZone = z
  .string()
  .refine(isTimeZone, { error: 'timeZone must be the name of an IANA time zone, as Europe/Berlin' });

const limit = z
  .string()
  .regex(/^\d{1,9}$/, { error: `limit must be a whole number from 1 to ${MAX_LIMIT}` })
  .transform(Number)
  .refine((value) => value >= 1 && value <= MAX_LIMIT, {
    error: `limit must be a whole number from 1 to ${MAX_LIMIT}`,
  });
