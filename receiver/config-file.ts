/**
 * The configuration file `usage-meter.yaml`: settings, dimensions, customers and meters as reviewed code.
 *
 * The reference is docs/configuration.md; schemas/usage-meter.schema.json is made from this file.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DEFAULT_SETTINGS, Settings } from '../storage/changes.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../storage/resources.ts';
import { ConfigError, type ConfigProblem, problemText } from './config-error.ts';
import { AllowedHost } from './http/allowed-hosts.ts';
import { MeterRule, PACK_NAMES, PACK_OPTIONS, type PackName, pack } from './metering/rules/index.ts';
import { conversion, unitFault } from './metering/units.ts';
import { knownKeys, nearestName } from './schema-keys.ts';
import { YamlDocument, type YamlPath } from './yaml-document.ts';

/** What the file may say of the server; flags and environment say it too. */
export const ServerSettings = z
  .strictObject({
    host: z.string().min(1).describe('Address to listen on; others than loopback need API keys'),
    port: z.int().min(0).max(65_535).describe('0 for a free one'),
    allowedHosts: z
      .array(AllowedHost)
      .describe('Names, beside localhost, under which a receiver without API keys is asked by browsers'),
    dataDir: z.string().min(1).describe('Folder of journal and ledger, from the folder of this file'),
    log: z.enum(['text', 'json']).describe('Log lines for people or programs'),
    minFreeDiskBytes: z
      .int()
      .min(0)
      .describe('With less free disk usage is refused until there is room again'),
    journalRetentionDays: z
      .number()
      .min(0)
      .nullable()
      .describe('Journal segments that are older and loaded are deleted; null keeps them all'),
  })
  .partial();
export type ServerSettings = z.infer<typeof ServerSettings>;

const DURATION_SECONDS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

const DURATION = /^(\d+)(?: ?(s|m|min|h|d))?$/;
const DURATION_FAULT = 'must be a duration such as 90s, 10m, 1h or 1d, or a whole number of seconds';

/** "10m", "90s", or seconds as a number. */
const MaxFuture = z
  .union([z.number(), z.string()], { error: DURATION_FAULT })
  .refine((text) => DURATION.test(String(text)), { error: DURATION_FAULT, abort: true })
  .transform((text) => {
    const [, amount, unit = 's'] = DURATION.exec(String(text))!;
    return Number(amount) * DURATION_SECONDS[unit];
  })
  .refine((seconds) => Settings.shape.maxFutureSeconds.safeParse(seconds).success, 'must be at most 366d');

const Discovery = z
  .union([z.enum(['on', 'off']), z.boolean()], { error: 'must be on or off' })
  .transform((text) => text === 'on' || text === true);

/** Options are those of the pack; nothing at all turns it on as it is. */
const PackMap = z.strictObject({
  gen_ai: PACK_OPTIONS.gen_ai.nullable().optional(),
  http_server: PACK_OPTIONS.http_server.nullable().optional(),
} satisfies Record<PackName, z.ZodType>);
const Packs = z.union([z.array(z.enum(PACK_NAMES)), PackMap]);

/** The whole file. Its parts are read one by one, so that a fault of one does not hide those of another. */
export const ConfigFileShape = z
  .strictObject({
    server: ServerSettings.describe('How the receiver runs. API keys are never here'),
    discovery: Discovery.describe(
      'Whether usage for customers and dimensions that nobody declared creates them (default on)',
    ),
    maxFuture: MaxFuture.describe('Usage further in the future than this is quarantined (default 10m)'),
    packs: Packs.describe('Dimensions and meters ready made'),
    dimensions: z.array(DimensionDeclaration).describe('What is billed'),
    customers: z.array(CustomerDeclaration).describe('Who is billed'),
    meters: z.array(MeterRule).describe('Rules that turn signals into usage'),
  })
  .partial();

/** What a configuration file says. */
export interface ConfigFile {
  /** As it was named. */
  path: string;
  /** Absent where the file does not speak of the server. */
  server?: ServerSettings;
  /** What the file leaves out has its default. */
  settings: Settings;
  /** Names of the packs, as the file lists them. */
  packs: PackName[];
  /** Of packs and of the file itself; the file's own take the place of a pack's. */
  dimensions: DimensionDeclaration[];
  customers: CustomerDeclaration[];
  meters: MeterRule[];
  /** What is probably not meant, and yet can be used. */
  warnings: ConfigProblem[];
  /** The line of each setting that the file gives, by its name: `server.port`, `discovery`. */
  lines: ReadonlyMap<string, number>;
}

/**
 * @throws ConfigError with every problem of the file, or with the reason why it cannot be read
 */
export function readConfigFile(path: string): ConfigFile {
  return parseConfigFile(path, readConfigText(path));
}

/** @throws ConfigError where it cannot be read, or is no UTF-8 */
export function readConfigText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const isEncoding = error instanceof TypeError;
    throw new ConfigError(
      `${path}: ${isEncoding ? 'must be UTF-8 text' : `cannot be read (${(error as Error).message})`}`,
      [],
      { cause: error },
    );
  }
}

/**
 * @param path only to name the file in problems
 * @throws ConfigError with every problem of the file
 */
export function parseConfigFile(path: string, text: string): ConfigFile {
  const reader = new ConfigReader(path, text);
  const config = reader.read();
  throwProblems(reader);
  return config;
}

/**
 * The rule of one meter that is a file of its own.
 * @param path only to name the file in problems
 * @throws ConfigError with every problem of the file
 */
export function parseRuleFile(path: string, text: string): MeterRule {
  const reader = new ConfigReader(path, text);
  const rule = reader.readRule();
  throwProblems(reader);
  return rule!;
}

function throwProblems(reader: ConfigReader): void {
  if (reader.problems.length === 0) return;
  const problems = inOrder(reader.problems);
  throw new ConfigError(problems.map(problemText).join('\n'), problems);
}

function inOrder(problems: ConfigProblem[]): ConfigProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Where people write a number and an id or a decimal is meant: `id: 4711`, `unitPrice: 0.002`, `unit: 1`. */
export const TEXT_FIELDS: YamlPath[] = [
  ['dimensions', '*', 'id'],
  ['dimensions', '*', 'name'],
  ['dimensions', '*', 'unit'],
  ['dimensions', '*', 'uniqueKey'],
  ['dimensions', '*', 'usageIncrement'],
  ['dimensions', '*', 'unitPrice'],
  ['customers', '*', 'id'],
  ['customers', '*', 'name'],
  ['customers', '*', 'aliases', '*'],
  ['customers', '*', 'metadata', '*'],
  ['meters', '*', 'id'],
  ['meters', '*', 'name'],
  ['meters', '*', 'unit'],
  ['meters', '*', 'dimension'],
  ['meters', '*', 'dimension', 'default'],
  ['meters', '*', 'customer', 'default'],
  ['meters', '*', 'value', 'constant'],
  ['meters', '*', 'value', 'default'],
];

/** A declared resource with the place in the file that it comes from. */
interface Placed<T> {
  value: T;
  path: YamlPath;
}

class ConfigReader {
  readonly problems: ConfigProblem[] = [];
  readonly #warnings: ConfigProblem[] = [];
  readonly #path: string;
  readonly #document: YamlDocument;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#document = new YamlDocument(text);
    for (const { line, column, path: where, message } of this.#document.faults) {
      this.problems.push({ file: path, line, column, path: pathText(where), message });
    }
  }

  /** What the file says; meaningless where there are problems. */
  read(): ConfigFile {
    const config: ConfigFile = {
      path: this.#path,
      settings: DEFAULT_SETTINGS,
      packs: [],
      dimensions: [],
      customers: [],
      meters: [],
      warnings: this.#warnings,
      lines: new Map(),
    };
    if (!this.#document.isReadable) return config;
    const root = this.#document.value ?? {};
    if (!isRecord(root)) {
      this.#report([], 'must be a map of server, dimensions, customers, meters and other sections');
      return config;
    }
    this.#reportUnknownKeys(root);
    for (const field of TEXT_FIELDS) this.#readAsText(root, field, []);

    const server = this.#section(root, 'server', ServerSettings);
    if (server !== undefined) config.server = server;
    config.settings = {
      discovery: this.#section(root, 'discovery', Discovery) ?? DEFAULT_SETTINGS.discovery,
      maxFutureSeconds: this.#section(root, 'maxFuture', MaxFuture) ?? DEFAULT_SETTINGS.maxFutureSeconds,
    };
    config.lines = this.#settingLines(root);

    const packs = this.#packs(root);
    const dimensions = this.#list(root, 'dimensions', DimensionDeclaration);
    const customers = this.#list(root, 'customers', CustomerDeclaration);
    const meters = this.#list(root, 'meters', MeterRule);
    for (const name of ['dimensions', 'customers', 'meters']) this.#reportRepeated(name, root[name]);
    this.#checkAliases(customers);

    const allDimensions = merged(packs.dimensions, dimensions);
    const allMeters = merged(packs.meters, meters);
    this.#checkUnits(allDimensions, allMeters);
    this.#warnOfUnknown(allDimensions, allMeters);
    config.packs = packs.names;
    config.dimensions = allDimensions.map(({ value }) => value);
    config.meters = allMeters.map(({ value }) => value);
    config.customers = customers.map(({ value }) => value);
    return config;
  }

  /** What the file says, all of it being the rule of one meter; undefined where there are problems. */
  readRule(): MeterRule | undefined {
    if (!this.#document.isReadable) return undefined;
    const root = this.#document.value;
    for (const [section, , ...field] of TEXT_FIELDS)
      if (section === 'meters') this.#readAsText(root, field, []);
    const rule = this.#parse(MeterRule, root, []);
    if (rule !== undefined) this.#checkUnits([], [rule]);
    return rule?.value;
  }

  // --- shape -------------------------------------------------------------------------------------------------------

  #reportUnknownKeys(root: Record<string, unknown>): void {
    const known = Object.keys(ConfigFileShape.shape);
    for (const key of Object.keys(root)) {
      if (!known.includes(key)) this.#reportUnknownKey([key], known);
    }
  }

  #reportUnknownKey(path: YamlPath, known: readonly string[]): void {
    const key = String(path.at(-1));
    if (/^api[-_]?keys?$/i.test(key)) {
      this.#report(
        path,
        'API keys do not belong in a file that is reviewed and copied: set the environment variable USAGE_METER_API_KEYS',
        'key',
      );
      return;
    }
    const nearest = nearestName(key, known);
    this.#report(
      path,
      nearest === null
        ? `unknown key; known are ${known.toSorted().join(', ')}`
        : `unknown key; did you mean "${nearest}"?`,
      'key',
    );
  }

  /** A section that is absent or empty is undefined, and so is one that is wrong. */
  #section<T>(root: Record<string, unknown>, name: string, schema: z.ZodType<T>): T | undefined {
    if (root[name] === undefined || root[name] === null) return undefined;
    return this.#parse(schema, root[name], [name])?.value;
  }

  #list<T>(root: Record<string, unknown>, name: string, schema: z.ZodType<T>): Placed<T>[] {
    const items = root[name] ?? [];
    if (!Array.isArray(items)) {
      this.#report([name], 'must be a list, each entry beginning with "- "');
      return [];
    }
    return items
      .map((item, index) => this.#parse(schema, item, [name, index]))
      .filter((item) => item !== undefined);
  }

  #parse<T>(schema: z.ZodType<T>, value: unknown, path: YamlPath): Placed<T> | undefined {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { value: parsed.data, path };
    const { issues } = parsed.error;
    const misnamed = new Set(
      issues
        .filter(({ code }) => code === 'unrecognized_keys')
        .map((issue) => pathText(issue.path as YamlPath)),
    );
    for (const issue of issues) {
      const inner = issue.path as YamlPath;
      const where = [...path, ...inner];
      // What is said to be missing may be there under a wrong name.
      if (issue.code === 'custom' && misnamed.has(pathText(inner))) continue;
      if (issue.code === 'unrecognized_keys') {
        const known = knownKeys(schema, inner);
        for (const key of issue.keys) this.#reportUnknownKey([...where, key], known);
      } else {
        this.#report(where, issueText(issue, valueAt(value, inner)));
      }
    }
    return undefined;
  }

  #readAsText(value: unknown, [step, ...rest]: YamlPath, path: YamlPath): void {
    if (step === undefined || typeof value !== 'object' || value === null) return;
    const container = value as Record<string | number, unknown>;
    const keys = step !== '*' ? [step] : Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    for (const key of keys) {
      const inner = [...path, key];
      if (rest.length > 0) {
        this.#readAsText(container[key], rest, inner);
      } else if (typeof container[key] === 'number') {
        container[key] = this.#document.numberSource(inner) ?? String(container[key]);
      }
    }
  }

  #settingLines(root: Record<string, unknown>): Map<string, number> {
    const lines = new Map<string, number>();
    const add = (path: YamlPath) => lines.set(path.join('.'), this.#document.keyPosition(path).line);
    for (const name of ['discovery', 'maxFuture']) if ((root[name] ?? null) !== null) add([name]);
    if (isRecord(root.server)) for (const name of Object.keys(root.server)) add(['server', name]);
    return lines;
  }

  // --- packs -------------------------------------------------------------------------------------------------------

  #packs(root: Record<string, unknown>): {
    names: PackName[];
    dimensions: Placed<DimensionDeclaration>[];
    meters: Placed<MeterRule>[];
  } {
    const names: PackName[] = [];
    const dimensions: Placed<DimensionDeclaration>[] = [];
    const meters: Placed<MeterRule>[] = [];
    for (const { name, options, path } of this.#packEntries(root.packs)) {
      if (!isPackName(name)) {
        const nearest = nearestName(name, PACK_NAMES);
        const hint = nearest === null ? `there are ${PACK_NAMES.join(', ')}` : `did you mean "${nearest}"?`;
        this.#report(path, `unknown pack ${JSON.stringify(name)}; ${hint}`, 'key');
        continue;
      }
      if (this.#parse<unknown>(PACK_OPTIONS[name], options, path) === undefined) continue;
      try {
        const made = pack(name, options);
        names.push(name);
        dimensions.push(...made.dimensions.map((value) => ({ value, path })));
        meters.push(...made.meters.map((value) => ({ value, path })));
      } catch (error) {
        // An option can make a rule of the pack wrong: a path that is none.
        if (!(error instanceof z.ZodError)) throw error;
        for (const { path: inner, message } of error.issues)
          this.#report([...path, ...(inner as (string | number)[])], message);
      }
    }
    return { names, dimensions, meters };
  }

  #packEntries(packs: unknown): { name: string; options: Record<string, unknown>; path: YamlPath }[] {
    if (packs === undefined || packs === null) return [];
    if (Array.isArray(packs) && packs.every((name) => typeof name === 'string')) {
      return packs.map((name, index) => ({ name, options: {}, path: ['packs', index] }));
    }
    if (isRecord(packs) && Object.values(packs).every((options) => options === null || isRecord(options))) {
      return Object.entries(packs).map(([name, options]) => ({
        name,
        options: (options ?? {}) as Record<string, unknown>,
        path: ['packs', name],
      }));
    }
    this.#report(['packs'], 'must be a list of packs, or a map of packs to their options');
    return [];
  }

  // --- what holds between resources --------------------------------------------------------------------------------

  /** Of all entries, also those that are no resources for another reason. */
  #reportRepeated(name: string, items: unknown): void {
    const first = new Map<string, YamlPath>();
    for (const [index, item] of (Array.isArray(items) ? items : []).entries()) {
      const id = isRecord(item) ? item.id : undefined;
      if (typeof id !== 'string') continue;
      const earlier = first.get(id);
      if (earlier === undefined) first.set(id, [name, index]);
      else
        this.#report(
          [name, index, 'id'],
          `${JSON.stringify(id)} is the id of ${this.#named(earlier)} already`,
        );
    }
  }

  #checkAliases(customers: Placed<CustomerDeclaration>[]): void {
    const ids = new Map(customers.map(({ value, path }) => [value.id, path]));
    const owners = new Map<string, YamlPath>();
    for (const { value, path } of customers) {
      for (const [index, alias] of value.aliases.entries()) {
        const where = [...path, 'aliases', index];
        const text = JSON.stringify(alias);
        const customer = ids.get(alias);
        const owner = owners.get(alias);
        if (alias === value.id) this.#report(where, `${text} is the customer's own id`);
        else if (customer !== undefined) this.#report(where, `${text} is the id of ${this.#named(customer)}`);
        else if (owner !== undefined)
          this.#report(
            where,
            `${text} is ${owner === path ? 'in this list' : `an alias of ${this.#named(owner)}`} already`,
          );
        else owners.set(alias, path);
      }
    }
  }

  #checkUnits(dimensions: Placed<DimensionDeclaration>[], meters: Placed<MeterRule>[]): void {
    const units = new Map<string, string>();
    for (const { value, path } of dimensions) {
      const fault = unitFault(value.unit);
      if (fault !== null) this.#report([...path, 'unit'], fault);
      else units.set(value.id, value.unit);
    }
    for (const { value, path } of meters) {
      const fault = value.unit === null ? null : unitFault(value.unit);
      if (fault !== null) {
        this.#report([...path, 'unit'], fault);
        continue;
      }
      const unit = valueUnit(value);
      const target = typeof value.dimension === 'string' ? units.get(value.dimension) : undefined;
      if (unit === null || target === undefined || conversion(unit, target) !== null) continue;
      this.#report(
        [...path, value.unit === null ? 'dimension' : 'unit'],
        `the meter's values are in ${JSON.stringify(unit)}, which does not convert to ${JSON.stringify(target)}, ` +
          `the unit of dimension "${value.dimension}"`,
      );
    }
  }

  /** Ids that lead nowhere may be declared over the API, or be typing errors. */
  #warnOfUnknown(dimensions: Placed<DimensionDeclaration>[], meters: Placed<MeterRule>[]): void {
    const ids = dimensions.map(({ value }) => value.id);
    const meterIds = ['builtin', ...meters.map(({ value }) => value.id)];
    for (const { value, path } of meters) {
      if (typeof value.dimension === 'string' && !ids.includes(value.dimension))
        this.#warn([...path, 'dimension'], 'dimension', value.dimension, ids);
      for (const [index, id] of value.replaces.entries())
        if (!meterIds.includes(id)) this.#warn([...path, 'replaces', index], 'meter', id, meterIds);
    }
  }

  #warn(path: YamlPath, what: string, id: string, known: readonly string[]): void {
    const nearest = nearestName(id, known);
    const hint = nearest === null ? '' : `; did you mean "${nearest}"?`;
    this.#warnings.push(this.#problem(path, `${what} "${id}" is not declared in this file${hint}`, 'value'));
  }

  /** `customers[0] (line 12)` */
  #named(path: YamlPath): string {
    return `${pathText(path)} (line ${this.#document.position(path).line})`;
  }

  #report(path: YamlPath, message: string, at: 'key' | 'value' = 'value'): void {
    this.problems.push(this.#problem(path, message, at));
  }

  #problem(path: YamlPath, message: string, at: 'key' | 'value'): ConfigProblem {
    const { line, column } = at === 'key' ? this.#document.keyPosition(path) : this.#document.position(path);
    return { file: this.#path, line, column, path: pathText(path), message };
  }
}

function isPackName(name: string): name is PackName {
  return (PACK_NAMES as readonly string[]).includes(name);
}

/** The unit of what a meter reads, or null where the signals say it. */
function valueUnit({ unit, value, signals }: MeterRule): string | null {
  if (unit !== null) return unit;
  if (value === 'duration') return 's';
  if (value === 'count') return '1';
  return signals.includes('metrics') ? null : '1';
}

/** Those of the packs that the file does not declare itself, then the file's own. */
function merged<T extends { id: string }>(packs: Placed<T>[], own: Placed<T>[]): Placed<T>[] {
  const ids = new Set(own.map(({ value }) => value.id));
  return [...packs.filter(({ value }) => !ids.has(value.id)), ...own];
}

/** `meters[0].metadata["cloud.region"]` */
function pathText(path: YamlPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** How the types of a schema are called in YAML. */
const TYPE_NAMES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function issueText(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'is required';
  const message = expectation(issue);
  const shown = JSON.stringify(value);
  const isShown = ['string', 'number', 'boolean'].includes(typeof value) && !message.includes(shown);
  return isShown ? `${message} (got ${shown.length <= 80 ? shown : `${shown.slice(0, 77)}…`})` : message;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
  return issue.message;
}

function valueAt(value: unknown, path: YamlPath): unknown {
  let found = value;
  for (const step of path) found = (found as Record<string | number, unknown> | undefined | null)?.[step];
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
