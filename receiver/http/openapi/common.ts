/** What answers of the API are made of: decimals, instants, pages and problems. */
import { z } from 'zod';

export const Decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .meta({ id: 'Decimal', description: 'An exact decimal, as text.', examples: ['12.5'] });

export const Instant = z.string().meta({
  id: 'Instant',
  description: 'RFC 3339 in UTC, to the nanosecond.',
  format: 'date-time',
  examples: ['2026-03-01T08:00:00Z'],
});

export const Metadata = z
  .record(z.string(), z.string())
  .meta({ description: 'What was said beside the value, to filter and group by.' });

export const Sequence = z
  .int()
  .min(0)
  .meta({ id: 'Sequence', description: 'The place of a frame in the journal.' });

/** Anything that is told as it came: a signal, a rule, a change. */
export const AnyObject = z.record(z.string(), z.unknown());

export const NextCursor = z
  .string()
  .nullable()
  .describe('Asks for the next page, with the same parameters; null on the last one.');

export const CompleteUntil = Instant.describe('Everything that was acknowledged before is in the answer.');

/**
 * A list, a page at a time.
 * @param id its name in the description
 */
export function page<Row extends z.ZodType>(id: string, row: Row) {
  return z.object({ rows: z.array(row), nextCursor: NextCursor, completeUntil: CompleteUntil }).meta({ id });
}

export const FieldError = z
  .object({
    path: z
      .string()
      .describe('Of the field: `aliases[0]`, `[3].recordValue`; empty for the body as a whole.'),
    message: z.string(),
    reason: z
      .string()
      .exactOptional()
      .describe('The quarantine code that the same fault of a signal has, where there is one.'),
  })
  .meta({ id: 'FieldError' });

export const Problem = z
  .object({
    type: z.literal('about:blank'),
    status: z.int(),
    code: z.string().describe('Stable, for programs.'),
    title: z.string(),
    detail: z.string().describe('What is wrong with this very request, for people.'),
    instance: z
      .string()
      .exactOptional()
      .describe('Of a fault of the receiver: the id by which its log has it, as `urn:uuid:…`.'),
    parameter: z.string().exactOptional().describe('The query parameter at fault.'),
    errors: z.array(FieldError).exactOptional().describe('Each field at fault.'),
    line: z.int().exactOptional().describe('Of a query in SQL: where it is wrong, from 1.'),
    column: z.int().exactOptional(),
  })
  .meta({
    id: 'Problem',
    description: 'An RFC 9457 problem.',
    examples: [
      {
        type: 'about:blank',
        status: 400,
        code: 'MISSING_PARAMETER',
        title: 'Bad request',
        detail: 'from is required: RFC 3339 with an offset, or a date',
        parameter: 'from',
      },
    ],
  });
export type Problem = z.output<typeof Problem>;
