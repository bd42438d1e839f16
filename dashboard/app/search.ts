/** The view's state as it stands in the address: texts, each once or several times, with nothing guessed about them. */

/** What an address says, before a page has read it. */
export type RawSearch = Record<string, string | string[] | undefined>;

/** `?a=1&b=2&b=3` as `{ a: '1', b: ['2', '3'] }`: an id that looks like a number stays a text. */
export function parseSearch(search: string): RawSearch {
  const read: RawSearch = Object.create(null);
  for (const [name, value] of new URLSearchParams(search)) {
    const before = read[name];
    if (before === undefined) read[name] = value;
    else read[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return { ...read };
}

/** The other way; what is undefined or empty is left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) written.append(name, String(each));
  }
  const text = written.toString();
  return text === '' ? '' : `?${text}`;
}

/** The first text of a name, or undefined where there is none. */
export function text(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name];
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first !== '' ? first : undefined;
}

/** All texts of a name. */
export function texts(search: Record<string, unknown>, name: string): string[] {
  const value = search[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string' && each !== '');
}

/** One of a few words, or undefined. */
export function oneOf<Word extends string>(
  search: Record<string, unknown>,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = text(search, name);
  return words.find((word) => word === value);
}
