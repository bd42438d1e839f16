/**
 * The rule of a meter as people write it: in usage-meter.yaml, over HTTP and in the journal, the same shape.
 *
 * The reference with examples is docs/meters.md; schemas/meter-rule.schema.json is made from this file.
 */
import { z } from 'zod';
import { decimalText } from '../../../storage/decimal-text.ts';
import { ResourceId } from '../../../storage/resources.ts';
import { BUILTIN_METER_ID } from '../builtin-meter.ts';
import { unitFault } from '../units.ts';
import { FIELD_SIGNALS, MAX_PATH_LENGTH, parsePath, SIGNALS, type SignalType } from './path.ts';
import { compilePattern } from './regex.ts';

/** How deep groups of conditions nest, and how many conditions a rule has, at most. */
export const MAX_GROUP_DEPTH = 5;
export const MAX_CONDITIONS = 200;
const MAX_PATHS = 20;

/** A place in a signal; see path.ts. Whether it is one, and one that the signals have, is checked with the whole rule. */
const PathText = z
  .string()
  .min(1, 'must not be empty')
  .max(MAX_PATH_LENGTH)
  .describe('A place in the signal');

export const Paths = z
  .union([PathText, z.array(PathText).min(1).max(MAX_PATHS)], {
    error: 'must be a path such as attributes["key"], or a list of paths',
  })
  .describe('A path, or several: the first with a value wins');

const Literal = z.union([z.string().max(4096), z.number(), z.boolean()], {
  error: 'must be a text, a number or a boolean',
});
export type Literal = z.infer<typeof Literal>;

const Bound = z.union([z.number(), decimalText], {
  error: 'must be a number or a decimal text, like "12.5"',
});

const OPERATORS = ['eq', 'notEq', 'in', 'regex', 'exists', 'gt', 'gte', 'lt', 'lte'] as const;
const GROUPS = ['all', 'any', 'none'] as const;

/** One condition on a path, or a group of them. */
export interface MatchNode {
  path?: string | undefined;
  eq?: Literal | undefined;
  notEq?: Literal | undefined;
  in?: Literal[] | undefined;
  regex?: string | undefined;
  exists?: boolean | undefined;
  gt?: number | string | undefined;
  gte?: number | string | undefined;
  lt?: number | string | undefined;
  lte?: number | string | undefined;
  /** Each of them holds. */
  all?: MatchNode[] | undefined;
  /** At least one of them holds. */
  any?: MatchNode[] | undefined;
  /** Not one of them holds. */
  none?: MatchNode[] | undefined;
}

const CONDITION = {
  path: PathText.optional(),
  eq: Literal.optional().describe('The value is this'),
  notEq: Literal.optional().describe('The value is another, or there is none'),
  in: z.array(Literal).min(1).max(1000).optional().describe('The value is one of these'),
  regex: z.string().optional().describe('RE2 syntax, found anywhere in the text unless anchored by ^ and $'),
  exists: z.boolean().optional().describe('Whether there is a value'),
  gt: Bound.optional(),
  gte: Bound.optional(),
  lt: Bound.optional(),
  lte: Bound.optional(),
};

const AT_LEAST_ONE = { error: 'must have at least one condition', abort: true };

/** The levels are written out, so that no input, however deeply nested, makes the validation itself recurse. */
function matchNode(levels: number): z.ZodType<MatchNode, MatchNode> {
  const nodes =
    levels === 1
      ? z.never({ error: `groups nest at most ${MAX_GROUP_DEPTH} deep` }).optional()
      : z
          .array(matchNode(levels - 1))
          .min(1, AT_LEAST_ONE)
          .optional();
  return z
    .strictObject({ ...CONDITION, all: nodes, any: nodes, none: nodes })
    .meta({ id: `condition-${MAX_GROUP_DEPTH - levels + 1}` });
}

const topNodes = z.array(matchNode(MAX_GROUP_DEPTH)).min(1, AT_LEAST_ONE).optional();

const Match = z
  .strictObject({ all: topNodes, any: topNodes, none: topNodes })
  .describe('Which signals are the meter’s business: all, any and none have to hold together');

const Customer = z
  .union(
    [
      PathText,
      z.array(PathText).min(1).max(MAX_PATHS),
      z.strictObject({ path: Paths, default: ResourceId.optional() }),
    ],
    { error: 'must be a path, a list of paths, or {path, default}' },
  )
  .describe('Who is billed: the first path with a non-empty text, integer or boolean');

const Dimension = z
  .union([ResourceId, z.strictObject({ path: Paths, default: ResourceId.optional() })], {
    error: 'must be the id of a dimension, or {path, default}',
  })
  .describe('What is billed: an id as it stands, or read from a path');

const Value = z
  .union(
    [
      z.enum(['point', 'count', 'sum', 'duration']),
      z.strictObject({ constant: decimalText }),
      z.strictObject({ path: Paths, default: decimalText.optional() }),
    ],
    { error: 'must be point, count, sum, duration, {constant: "1"}, or {path, default}' },
  )
  .describe('How much. Default: the point’s own number, and 1 of a log record or span');

const Metadata = z
  .union(
    [
      z.literal('all'),
      z.array(z.string().min(1).max(256)).max(100),
      z.record(z.string().min(1).max(256), Paths),
    ],
    { error: 'must be a list of attribute keys, a map of names to paths, or "all"' },
  )
  .describe('What is kept with the usage, to filter and group by');

const TimeSource = z.union(
  [
    PathText,
    z.strictObject({ path: PathText, format: z.enum(['rfc3339', 's', 'ms', 'us', 'ns']).default('rfc3339') }),
  ],
  { error: 'must be time, observed_time, start, end, received, a path, or {path, format}' },
);
const Times = z.union([TimeSource, z.array(TimeSource).min(1).max(MAX_PATHS)], {
  error: 'must be one source of time, or a list of them',
});
export type TimeSource = z.infer<typeof TimeSource>;

/** Names of times that are no paths, and the signals that have them. */
const TIME_SIGNALS: Readonly<Record<string, readonly SignalType[]>> = {
  time: ['metrics', 'logs'],
  observed_time: ['logs'],
  start: ['metrics', 'spans'],
  end: ['spans'],
  received: SIGNALS,
};

/** Units that a span's duration can be given in; a longer one would not divide exactly. */
export const DURATION_UNITS: readonly string[] = ['ns', 'us', 'ms', 's'];

export const DEFAULT_EVENT_ID = [
  'attributes["usage.event.id"]',
  'attributes["log.record.uid"]',
  'attributes["cloudevents.event_id"]',
  'attributes["event.id"]',
];

/** Ids under which usage comes that no rule made: our own attributes, and records by hand. */
const RESERVED_IDS: readonly string[] = [BUILTIN_METER_ID, 'api'];

const MeterId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be letters, digits, dots, dashes and underscores')
  .refine((id) => !RESERVED_IDS.includes(id), { error: `must be none of ${RESERVED_IDS.join(', ')}` });

export const MeterRule = z
  .strictObject({
    id: MeterId.describe('Names the meter; its usage and quarantined signals bear it'),
    name: z.string().max(1024).nullable().default(null),
    description: z.string().max(4096).nullable().default(null),
    enabled: z.boolean().default(true),
    signals: z
      .array(z.enum(SIGNALS))
      .min(1, { error: 'must name at least one of metrics, logs, spans', abort: true })
      .max(3)
      .describe('Which signals the meter looks at'),
    match: Match,
    customer: Customer,
    dimension: Dimension,
    value: Value.optional(),
    unit: z.string().max(256).nullable().default(null).describe('UCUM unit of the value'),
    metadata: Metadata.default([]),
    time: Times.optional().describe('When it was used: the first source that has a time'),
    startTime: z
      .union([z.literal('none'), Times], { error: 'must be none, or like time' })
      .optional()
      .describe('When the usage began: the first source that has a time'),
    eventId: z
      .union([z.literal('none'), Paths], { error: 'must be none, a path, or a list of paths' })
      .default(DEFAULT_EVENT_ID)
      .describe('What makes a repetition the same event'),
    temporality: z
      .enum(['delta', 'cumulative'])
      .nullable()
      .default(null)
      .describe('What sums and histograms that do not say are taken for'),
    allowDuplicateAttributes: z.boolean().default(false),
    overflow: z
      .enum(['quarantine', 'accept'])
      .default('quarantine')
      .describe('What happens to points that the SDK has merged and stripped'),
    replaces: z
      .array(z.string().min(1).max(128))
      .max(100)
      .default([])
      .describe('Meters that are not asked about what this one claims'),
  })
  .superRefine((rule, context) => {
    checkRule(rule as MeterRule, (path, message) => context.addIssue({ code: 'custom', path, message }));
  });
export type MeterRule = z.infer<typeof MeterRule>;
export type MeterRuleInput = z.input<typeof MeterRule>;

/**
 * A rule with its defaults applied.
 * @throws ZodError whose issues have the path of the field
 */
export function parseMeterRule(input: unknown): MeterRule {
  return MeterRule.parse(input);
}

/** One path or several, as a list. */
export function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

type Place = (string | number)[];
type Report = (place: Place, message: string) => void;

/** What holds between the fields of a rule, beyond the shape of each. */
function checkRule(rule: MeterRule, report: Report): void {
  const signals = [...new Set(rule.signals)];
  if (signals.length < rule.signals.length) report(['signals'], 'names a signal twice');
  const only = (allowed: readonly SignalType[]) => signals.every((signal) => allowed.includes(signal));

  const checkPath = (text: string, place: Place): void => {
    const path = parsePath(text);
    if ('problem' in path) report(place, `the path ${path.problem} (got ${JSON.stringify(text)})`);
    else if (!FIELD_SIGNALS[path.field].some((signal) => signals.includes(signal)))
      report(
        place,
        `${path.field} is a field of ${listText(FIELD_SIGNALS[path.field])}, not of ${listText(signals)}`,
      );
  };
  const checkPaths = (paths: string | readonly string[], place: Place): void => {
    if (typeof paths === 'string') checkPath(paths, place);
    else for (const [index, path] of paths.entries()) checkPath(path, [...place, index]);
  };
  /** Of a field that is one path, several, or {path, default}. */
  const checkSource = (
    source: string | readonly string[] | { path: string | string[] },
    place: Place,
  ): void => {
    if (typeof source === 'object' && 'path' in source) checkPaths(source.path, [...place, 'path']);
    else checkPaths(source, place);
  };

  checkMatch(rule.match, report, checkPath);
  checkSource(rule.customer, ['customer']);
  if (typeof rule.dimension === 'object') checkSource(rule.dimension, ['dimension']);
  if (typeof rule.metadata === 'object' && !Array.isArray(rule.metadata)) {
    for (const [name, paths] of Object.entries(rule.metadata)) checkPaths(paths, ['metadata', name]);
  }

  const { value } = rule;
  if (value === 'duration') {
    if (!only(['spans'])) report(['value'], `only spans have a duration (signals: ${listText(signals)})`);
    if (rule.unit !== null && !DURATION_UNITS.includes(rule.unit))
      report(
        ['unit'],
        `a duration is given in one of ${DURATION_UNITS.join(', ')} (got ${JSON.stringify(rule.unit)}); it converts to the dimension's unit`,
      );
  } else if (rule.unit !== null) {
    const fault = unitFault(rule.unit);
    if (fault !== null) report(['unit'], fault);
  }
  if (typeof value === 'string' && value !== 'duration' && !only(['metrics'])) {
    report(['value'], `"${value}" is of metrics alone (signals: ${listText(signals)})`);
  } else if (typeof value === 'object' && 'path' in value) {
    if (signals.includes('metrics'))
      report(['value'], 'the value of a metric is its point’s: point, count, sum or {constant}');
    checkSource(value, ['value']);
  }

  checkTimes(rule.time, 'time', signals, report, checkPath);
  if (rule.startTime !== 'none') checkTimes(rule.startTime, 'startTime', signals, report, checkPath);
  if (rule.eventId !== 'none') checkPaths(rule.eventId, ['eventId']);
  if (!signals.includes('metrics')) {
    if (rule.temporality !== null) report(['temporality'], 'only metrics have a temporality');
    if (rule.overflow !== 'quarantine') report(['overflow'], 'only metrics have overflow points');
  }
  if (rule.replaces.includes(rule.id)) report(['replaces'], 'a meter cannot replace itself');
}

function checkMatch(match: MatchNode, report: Report, checkPath: (text: string, place: Place) => void): void {
  let conditions = 0;
  const checkNode = (node: MatchNode, place: Place): void => {
    const operators = OPERATORS.filter((operator) => node[operator] !== undefined);
    const groups = GROUPS.filter((group) => node[group] !== undefined);
    if (node.path === undefined) {
      if (operators.length > 0)
        report([...place, operators[0]], `"${operators[0]}" needs the path whose value it looks at`);
      else if (groups.length === 0)
        report(place, 'must be a condition {path, eq: …} or a group {all|any|none: [...]}');
    } else {
      conditions += 1;
      checkPath(node.path, [...place, 'path']);
      if (groups.length > 0)
        report(
          [...place, groups[0]],
          `a condition on a path has no "${groups[0]}": write it as a group of its own`,
        );
      else if (operators.length !== 1)
        report(
          place,
          `a condition has exactly one of ${OPERATORS.join(', ')} (got ${operators.join(', ') || 'none'})`,
        );
    }
    if (node.regex !== undefined) {
      const search = compilePattern(node.regex);
      if (typeof search !== 'function') report([...place, 'regex'], `the pattern ${search.problem}`);
    }
    checkGroups(node, place);
  };
  const checkGroups = (node: MatchNode, place: Place): void => {
    for (const group of GROUPS) {
      for (const [index, inner] of (node[group] ?? []).entries()) checkNode(inner, [...place, group, index]);
    }
  };
  checkGroups(match, ['match']);
  if (conditions === 0) report(['match'], 'must have at least one condition');
  if (conditions > MAX_CONDITIONS)
    report(['match'], `has ${conditions} conditions, at most ${MAX_CONDITIONS} are allowed`);
}

function checkTimes(
  times: z.infer<typeof Times> | undefined,
  field: 'time' | 'startTime',
  signals: readonly SignalType[],
  report: Report,
  checkPath: (text: string, place: Place) => void,
): void {
  if (times === undefined) return;
  const isList = Array.isArray(times);
  listOf<TimeSource>(times).forEach((source, index) => {
    const place: Place = isList ? [field, index] : [field];
    const named =
      typeof source === 'string' && Object.hasOwn(TIME_SIGNALS, source) ? TIME_SIGNALS[source] : null;
    if (named === null) {
      if (signals.includes('metrics'))
        report(
          place,
          'the times of a metric are its point’s: the path of an attribute cannot stand for them',
        );
      if (typeof source === 'string') checkPath(source, place);
      else checkPath(source.path, [...place, 'path']);
      return;
    }
    if (!named.some((signal) => signals.includes(signal)))
      report(place, `"${source}" is a time of ${listText(named)}, not of ${listText(signals)}`);
  });
  if (!signals.includes('metrics')) return;
  // A point's own time and start are what its identity is made of.
  const allowed = field === 'time' ? ['time', 'received'] : ['start'];
  const sources = listOf<TimeSource>(times).filter(
    (source) => typeof source === 'string' && source in TIME_SIGNALS,
  );
  const ofPoints = sources.filter((source) => TIME_SIGNALS[source as string].includes('metrics'));
  if (
    ofPoints.length === 0 ||
    ofPoints[0] !== allowed[0] ||
    ofPoints.some((source) => !allowed.includes(source as string))
  )
    report(
      [field],
      field === 'time'
        ? 'of metrics must be time, or time and then received'
        : 'of metrics must be start or none',
    );
}

function listText(items: readonly string[]): string {
  return items.join(', ');
}
