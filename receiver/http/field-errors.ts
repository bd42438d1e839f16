/** The faults that zod finds, as the API tells them: one error per field, with its path. */
import type { z } from 'zod';
import { type FieldError, invalidFields } from './problem.ts';

/**
 * Reads a value by a schema.
 * @param prefix path of the value in the body
 * @throws ProblemError 400 with every field at fault
 */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown, prefix = ''): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidFields(fieldErrors(parsed.error.issues, prefix));
}

export function fieldErrors(issues: readonly z.core.$ZodIssue[], prefix = ''): FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const path = pathText(issue.path, prefix);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: pathText([key], path),
        message: 'is no field that is known here',
      }));
    return [{ path, message: messageOf(issue) }];
  });
}

/** `[3].recordValue`, `metadata["a.b"]`. */
export function pathText(path: readonly PropertyKey[], prefix = ''): string {
  let text = prefix;
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step))}]`;
  }
  return text;
}

/** zod's own words say "Invalid input: expected string, received undefined". */
function messageOf(issue: z.core.$ZodIssue): string {
  const said = issue.message.replace(/^Invalid input: /, '');
  const expected = /^expected (.+), received (.+)$/.exec(said);
  if (expected === null) return said;
  const [, wanted, came] = expected;
  if (came === 'undefined') return 'is required';
  return `must be ${/^[aeiou]/.test(wanted) ? 'an' : 'a'} ${wanted} (got ${came})`;
}
