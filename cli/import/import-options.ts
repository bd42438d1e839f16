/** The flags of `usage-meter import`, read. (Pure.) */
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { isTimeZone } from '../../storage/query/instant.ts';
import { ImportError } from './import-error.ts';
import { FIELDS, type MappingOptions } from './mapping.ts';
import { quantityFromText } from './record-value.ts';
import { TIME_FORMATS, TimestampReader } from './timestamp.ts';

/** As commander gives them. */
export interface ImportFlags {
  map?: string[];
  set?: string[];
  metadata?: string;
  timeFormat?: string;
  timeZone?: string;
  roundValues?: boolean;
  delimiter?: string;
  dryRun?: boolean;
  rejects?: string;
  state?: string;
  url?: string;
  wait?: string;
  json?: boolean;
}

export interface ImportOptions {
  mapping: MappingOptions;
  delimiter: string;
  isDryRun: boolean;
  rejectsPath: string;
  stateFolder: string;
  url: string;
  /** For how long a receiver that does not answer is asked again. */
  patienceMs: number;
  isJson: boolean;
}

const STATE_FOLDER = '.usage-meter-import';

const Flags = z.object({
  timeFormat: z.enum(TIME_FORMATS).default('text'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be an IANA time zone, like Europe/Berlin')
    .nullable()
    .default(null),
  delimiter: z
    .string()
    .transform((text) => (text === '\\t' ? '\t' : text))
    .refine((text) => /^[^"\r\n]$/.test(text), 'must be one character, like ";" or "\\t"')
    .default(','),
  wait: z.coerce.number('must be a number of seconds').min(0, 'must be at least 0').default(60),
});

/**
 * @param paths what is to be imported
 * @param defaultUrl where the receiver is, unless a flag says so
 * @throws ImportError "WRONG_USAGE"
 */
export function readFlags(paths: readonly string[], flags: ImportFlags, defaultUrl: string): ImportOptions {
  const parsed = Flags.safeParse(flags);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const name = String(path[0]).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw wrongUsage(`--${name} ${message} (got "${String(flags[path[0] as keyof ImportFlags])}")`);
  }
  const { timeFormat, timeZone, delimiter, wait } = parsed.data;
  const columns = assignments('--map', flags.map ?? []);
  const constants = assignments('--set', flags.set ?? []);
  for (const target of constants.keys())
    if (columns.has(target)) throw wrongUsage(`${target} has both --map and --set`);
  checkConstants(constants, timeZone, flags.roundValues === true);
  const first = resolve(paths[0]);
  return {
    mapping: {
      columns,
      constants,
      metadata: readMetadata(flags.metadata),
      timeFormat,
      timeZone,
      roundsValues: flags.roundValues === true,
    },
    delimiter,
    isDryRun: flags.dryRun === true,
    rejectsPath: flags.rejects ?? `${paths[0].replace(/[\\/]+$/, '')}.rejects.csv`,
    stateFolder: flags.state ?? join(dirname(first), STATE_FOLDER),
    url: flags.url ?? defaultUrl,
    patienceMs: wait * 1000,
    isJson: flags.json === true,
  };
}

function assignments(flag: string, texts: readonly string[]): Map<string, string> {
  const assigned = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const target = text.slice(0, Math.max(0, equals));
    const value = text.slice(equals + 1);
    if (equals <= 0 || value === '')
      throw wrongUsage(
        `${flag} must look like ${flag} customerId=${flag === '--map' ? 'COLUMN' : 'VALUE'} (got "${text}")`,
      );
    if (!(FIELDS as readonly string[]).includes(target) && !/^metadata\../s.test(target))
      throw wrongUsage(`${flag} knows ${FIELDS.join(', ')} and metadata.KEY (got "${target}")`);
    if (assigned.has(target)) throw wrongUsage(`${flag} ${target} is given twice`);
    assigned.set(target, value);
  }
  return assigned;
}

/** A value that is wrong for every row is a mistake of the command. */
function checkConstants(
  constants: ReadonlyMap<string, string>,
  timeZone: string | null,
  rounds: boolean,
): void {
  if (constants.has('id'))
    throw wrongUsage('--set id would make all rows the same record; --map id=COLUMN takes it from a column');
  const value = constants.get('recordValue');
  const quantity = value === undefined ? null : quantityFromText(value, rounds);
  if (quantity !== null && 'problem' in quantity)
    throw wrongUsage(`--set recordValue ${quantity.problem} (got "${value}")`);
  for (const field of ['timestamp', 'startTime']) {
    const text = constants.get(field);
    const time = text === undefined ? 0n : new TimestampReader('text', timeZone).read(text);
    if (typeof time !== 'bigint') throw wrongUsage(`--set ${field} ${time.problem} (got "${text}")`);
  }
}

function readMetadata(text: string | undefined): MappingOptions['metadata'] {
  if (text === undefined) return 'default';
  if (text === 'all' || text === 'none') return text;
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) throw wrongUsage('--metadata must be all, none or columns, like region,plan');
  return names;
}

function wrongUsage(message: string): ImportError {
  return new ImportError('WRONG_USAGE', message);
}
