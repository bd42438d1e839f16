/**
 * Texts as literals of the languages that snippets are written in. What cannot be seen is escaped, so that the code is
 * what it looks like: controls, changes of direction, characters without width. (Pure.)
 */

/** Letters that are drawn as nothing or as a space that is none, or that move what stands beside them. */
const UNSEEN = /^(?! |\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]$/u;

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** In double quotes; of JSON and of JavaScript. */
export function jsonText(text: string): string {
  return quoted(text, (letter) =>
    Array.from({ length: letter.length }, (_, at) => `\\u${hex(letter.charCodeAt(at), 4)}`).join(''),
  );
}

/** In double quotes; of Python and of Go, whose escapes are of whole characters. */
export function wideText(text: string): string {
  return quoted(text, (letter) => {
    const code = letter.codePointAt(0)!;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
}

/** One word of a shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON over several lines, with the texts of {@link jsonText}. An attribute of OTLP stays on one. */
export function jsonValue(value: JsonValue, indent = ''): string {
  if (typeof value === 'string') return jsonText(value);
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((each: JsonValue) => jsonValue(each, inner))
    : Object.entries(value).map(([key, each]) => `${jsonText(key)}: ${jsonValue(each, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (isAttribute(value) || lines.length === 0 || 'stringValue' in value)
    return `${open} ${lines.join(', ')} ${close}`;
  return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
}

/** `{"key": …, "value": {"stringValue": …}}` */
function isAttribute(value: JsonValue): boolean {
  return typeof value === 'object' && 'key' in value && typeof value.value === 'object';
}

export type JsonValue = string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

function quoted(text: string, escaped: (letter: string) => string): string {
  let literal = '"';
  for (const letter of text) literal += SHORT[letter] ?? (UNSEEN.test(letter) ? escaped(letter) : letter);
  return `${literal}"`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
