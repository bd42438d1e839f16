/**
 * Paths: how a rule names a place in a signal.
 *
 * A path is the name of a field, then steps into it. Keys of attributes contain dots, so the first step into attributes
 * is always written in brackets: `attributes["http.route"]`, `resource["service.name"]`. Steps into what lies below,
 * and into a body, may be written with dots: `attributes["request"].user.id`, `body.usage[0]["tokens.in"]`.
 */

export const SIGNALS = ['metrics', 'logs', 'spans'] as const;
export type SignalType = (typeof SIGNALS)[number];

/** What a path begins with. The steps lead on from it. */
export type PathField =
  | 'resource'
  | 'scope.attributes'
  | 'scope.name'
  | 'scope.version'
  | 'attributes'
  | 'body'
  | 'event_name'
  | 'severity_number'
  | 'severity_text'
  | 'trace_id'
  | 'span_id'
  | 'name'
  | 'kind'
  | 'status.code'
  | 'metric.name'
  | 'metric.unit';

/** A key of a map, or an index of an array from 0. */
export type PathStep = string | number;

export interface Path {
  field: PathField;
  /** Of attributes, the first one is the attribute's key. Empty for fields that have no inside. */
  steps: readonly PathStep[];
}

/** Which signals have a field. */
export const FIELD_SIGNALS: Readonly<Record<PathField, readonly SignalType[]>> = {
  resource: SIGNALS,
  'scope.attributes': SIGNALS,
  'scope.name': SIGNALS,
  'scope.version': SIGNALS,
  attributes: SIGNALS,
  body: ['logs'],
  event_name: ['logs'],
  severity_number: ['logs'],
  severity_text: ['logs'],
  trace_id: ['logs', 'spans'],
  span_id: ['logs', 'spans'],
  name: ['spans'],
  kind: ['spans'],
  'status.code': ['spans'],
  'metric.name': ['metrics'],
  'metric.unit': ['metrics'],
};

export const MAX_PATH_LENGTH = 1024;
export const MAX_PATH_STEPS = 20;

/** A field of attributes: its first step is a key in brackets. */
const ATTRIBUTE_FIELDS: ReadonlySet<string> = new Set(['resource', 'scope.attributes', 'attributes']);

/** Fields whose name has a dot. */
const NAME_PARTS: Readonly<Record<string, readonly string[]>> = {
  scope: ['name', 'version', 'attributes'],
  metric: ['name', 'unit'],
  status: ['code'],
};

interface Step {
  value: PathStep;
  /** Written with a dot. */
  dotted: boolean;
}

/** @returns the path, or what is wrong with the text: the end of a sentence "the path … " */
export function parsePath(text: string): Path | { problem: string } {
  if (text.length > MAX_PATH_LENGTH) return { problem: `must have at most ${MAX_PATH_LENGTH} characters` };
  const root = /^[A-Za-z_]\w*/.exec(text)?.[0];
  if (root === undefined)
    return { problem: `must begin with a field, such as attributes["key"] or body.key` };
  const steps = parseSteps(text, root.length);
  if ('problem' in steps) return steps;

  let field = root;
  const parts = Object.hasOwn(NAME_PARTS, root) ? NAME_PARTS[root] : undefined;
  if (parts !== undefined) {
    const part = steps.shift();
    if (part === undefined || !part.dotted || !parts.includes(String(part.value))) {
      return { problem: `must go on with one of ${parts.map((name) => `${root}.${name}`).join(', ')}` };
    }
    field = `${root}.${part.value}`;
  }
  if (!isField(field)) {
    return { problem: `begins with "${root}", which is none of ${Object.keys(FIELD_SIGNALS).join(', ')}` };
  }
  if (field === 'resource' && steps[0]?.dotted && steps[0].value === 'attributes') steps.shift();
  if (ATTRIBUTE_FIELDS.has(field)) {
    const [first] = steps;
    if (first === undefined || first.dotted || typeof first.value !== 'string') {
      const key = steps.map(({ value }) => value).join('.') || 'key';
      return { problem: `must name an attribute by its whole key in brackets: ${field}["${key}"]` };
    }
  } else if (field !== 'body' && steps.length > 0) {
    return { problem: `must end after ${field}, which has nothing inside` };
  }
  if (steps.length > MAX_PATH_STEPS) return { problem: `must have at most ${MAX_PATH_STEPS} steps` };
  return { field, steps: steps.map(({ value }) => value) };
}

function isField(name: string): name is PathField {
  return Object.hasOwn(FIELD_SIGNALS, name);
}

function parseSteps(text: string, from: number): Step[] | { problem: string } {
  const step = /\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\["((?:[^"\\]|\\["\\])*)"\]|\['((?:[^'\\]|\\['\\])*)'\]/y;
  const steps: Step[] = [];
  step.lastIndex = from;
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const match = step.exec(text);
    if (match === null) {
      return {
        problem: `is not understood from "${text.slice(at, at + 30)}" on: steps are .name, [0] or ["any key"]`,
      };
    }
    const [, name, index, doubleQuoted, singleQuoted] = match;
    if (name !== undefined) steps.push({ value: name, dotted: true });
    else if (index !== undefined) steps.push({ value: Number(index), dotted: false });
    else steps.push({ value: (doubleQuoted ?? singleQuoted).replace(/\\(.)/g, '$1'), dotted: false });
  }
  return steps;
}
