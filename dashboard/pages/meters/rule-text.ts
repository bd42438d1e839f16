/** A meter's rule as text: written as YAML, compared line by line. The receiver reads it. (Pure.) */

/** A rule as it is written: what is left out has its default. */
export type Rule = Readonly<Record<string, unknown>>;

const DEFAULTS: Rule = {
  name: null,
  description: null,
  enabled: true,
  unit: null,
  metadata: [],
  eventId: [
    'attributes["usage.event.id"]',
    'attributes["log.record.uid"]',
    'attributes["cloudevents.event_id"]',
    'attributes["event.id"]',
  ],
  temporality: null,
  allowDuplicateAttributes: false,
  overflow: 'quarantine',
  replaces: [],
};

const ORDER = [
  'id',
  'name',
  'description',
  'enabled',
  'signals',
  'match',
  'customer',
  'dimension',
  'value',
  'unit',
];

/** As somebody would write it: without what goes without saying, in the order of the documentation. */
export function withoutDefaults(rule: Rule): Rule {
  const said = Object.entries(rule).filter(
    ([key, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(DEFAULTS[key]),
  );
  const place = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  return Object.fromEntries(said.sort(([one], [other]) => place(one) - place(other)));
}

/** YAML of plain values; what is short stands on one line. */
export function yamlText(rule: Rule): string {
  return `${mapLines(rule, '').join('\n')}\n`;
}

const LINE_LENGTH = 100;

function mapLines(map: object, indent: string): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    const name = scalar(key);
    const line = `${indent}${name}: ${flow(value)}`;
    const isBlock =
      isMap(value) && Object.values(value).some((inner) => Array.isArray(inner) || isMap(inner));
    const isFlow = !isBlock && line.length <= LINE_LENGTH && !isListOfMaps(value);
    if (isFlow || isEmpty(value)) return [line];
    if (Array.isArray(value)) return [`${indent}${name}:`, ...listLines(value, `${indent}  `)];
    return isMap(value) ? [`${indent}${name}:`, ...mapLines(value, `${indent}  `)] : [line];
  });
}

function listLines(list: readonly unknown[], indent: string): string[] {
  return list.flatMap((item) => {
    const line = `${indent}- ${flow(item)}`;
    const isNested = isMap(item) && Object.values(item).some(isListOfMaps);
    if (!isMap(item) || isEmpty(item) || (line.length <= LINE_LENGTH && !isNested)) return [line];
    const [first, ...rest] = mapLines(item, `${indent}  `);
    return [`${indent}- ${first.trimStart()}`, ...rest];
  });
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isMap(value)) return scalar(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? null);
  const isPlain = /^[A-Za-z_][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  if (isPlain) return value;
  // In single quotes nothing is escaped; what no line can show is.
  return /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(value)
    ? JSON.stringify(value).replaceAll(/[\x7f-\x9f\p{Cf}\u2028\u2029]/gu, escaped)
    : `'${value.replaceAll("'", "''")}'`;
}

function escaped(text: string): string {
  return [...text]
    .map((each) => {
      const code = (each.codePointAt(0) as number).toString(16);
      return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
    })
    .join('');
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfMaps(value: unknown): boolean {
  return Array.isArray(value) && value.some(isMap);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export interface DiffLine {
  sign: '+' | '-' | ' ';
  text: string;
}

/** What became of lines: the longest common part stays. Rules are short. */
export function differenceOf(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i] });
      i += 1;
      j += 1;
    } else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push({ sign: '-', text: a[i] });
      i += 1;
    } else {
      lines.push({ sign: '+', text: b[j] });
      j += 1;
    }
  }
  return lines;
}
