/** JSON whose numbers are the text that stands in it: a double would not hold them. (Pure.) */

/** The source of a value is what the types of JSON.parse do not know yet. */
const parseJson = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  return parseJson(text, (_key, value, { source }) => (typeof value === 'number' ? source : value));
}
