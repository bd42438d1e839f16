/** What the API says is wrong, at the fields where it is wrong. */
import type { UsageMeterError } from '../api/client.ts';

/**
 * The message of each field by its path (`aliases[0]`, `[3].recordValue`), or of the parameter at fault.
 * @param fields the paths that the form shows; errors elsewhere are in `rest`
 */
export function fieldErrors(
  error: UsageMeterError | null,
  fields: readonly string[],
): { at: (path: string) => string | undefined; rest: string[] } {
  if (error === null) return { at: () => undefined, rest: [] };
  const errors = error.problem?.errors ?? [];
  const { parameter, detail } = error.problem ?? {};
  const messages = new Map(errors.map(({ path, message }) => [path, message]));
  if (parameter !== undefined && detail !== undefined) messages.set(parameter, detail);
  const isShown = ([path]: [string, string]): boolean => fields.some((field) => isAt(path, field));
  const shown = [...messages].filter(isShown);
  const rest = [...messages].filter((each) => !isShown(each));
  return {
    at: (path) => shown.find(([each]) => isAt(each, path))?.[1],
    rest:
      messages.size === 0 ? [detail ?? error.message] : rest.map(([path, message]) => `${path}: ${message}`),
  };
}

/** `aliases[0]` is at the field `aliases`. */
function isAt(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}[`) || path.startsWith(`${field}.`);
}
