/** The flags of `usage-meter customers` and `usage-meter dimensions`, as their help tells them. */
import { type Command, Option } from 'commander';
import { AGGREGATIONS } from '../../storage/resources.ts';
import { collect, pairs, withPages, withReceiver } from '../flags.ts';
import type { ReceiverFlags } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';
import { CUSTOMERS, DIMENSIONS, type ResourceKind } from './kinds.ts';
import type { Fields, ListFlags } from './resources.ts';

const resources = () => import('./resources.ts');

export function addResourceCommands(program: Command, shell: Shell): void {
  addKind(program, shell, CUSTOMERS, 'who is billed', {
    withFields: withCustomerFields,
    fieldsOf: customerFields,
  });
  addKind(program, shell, DIMENSIONS, 'what is billed', {
    withFields: withDimensionFields,
    fieldsOf: dimensionFields,
  });
}

interface KindFlags<Flags> {
  withFields(command: Command): Command;
  /** The fields that flags name, and no others. */
  fieldsOf(flags: Flags): Fields;
}

function addKind<Row, Flags>(
  program: Command,
  shell: Shell,
  kind: ResourceKind<Row>,
  description: string,
  { withFields, fieldsOf }: KindFlags<Flags>,
): void {
  const { name, plural } = kind;
  const parent = program.command(plural).description(description);
  addListAndShow(parent, shell, kind);
  const fields = (command: Command) => withReceiver(withFields(command.argument('<id>', 'its id, your own')));
  fields(
    parent.command('create').description(`declare a ${name}; one that is declared already is refused`),
  ).action(async (id: string, flags: Flags & ReceiverFlags) =>
    (await resources()).writeResource(kind, 'POST', id, fieldsOf(flags), flags, shell),
  );
  fields(
    parent
      .command('put')
      .description(`declare a ${name}, in the place of what it was: other fields are reset`),
  ).action(async (id: string, flags: Flags & ReceiverFlags) =>
    (await resources()).writeResource(kind, 'PUT', id, fieldsOf(flags), flags, shell),
  );
  fields(parent.command('update').description(`change fields of a ${name}; an empty text unsets one`)).action(
    async (id: string, flags: Flags & ReceiverFlags) =>
      (await resources()).updateResource(kind, id, fieldsOf(flags), flags, shell),
  );
  addDelete(parent, shell, kind);
}

/** What all kinds have in common. */
export function addListAndShow<Row>(parent: Command, shell: Shell, kind: ResourceKind<Row>): void {
  const list = parent
    .command('list')
    .description(`the ${kind.plural} of a running receiver`)
    .argument('[search]', 'only what begins so, by id or name');
  if (kind.name === 'meter') list.option('--deleted', 'deleted ones instead');
  else
    list
      .option('--discovered', 'only those that exist because usage came')
      .option('--declared', 'only the others');
  withPages(withReceiver(list))
    .addOption(new Option('--managed-by <who>', 'only those').choices(['api', 'file']))
    .action(
      async (search: string | undefined, { declared, ...flags }: ListFlags & { declared?: boolean }) => {
        if (declared && flags.discovered) throw new UsageError('either --discovered or --declared');
        await (await resources()).listResources(
          kind,
          {
            ...flags,
            ...(search === undefined ? {} : { search }),
            ...(declared ? { discovered: false } : {}),
          },
          shell,
        );
      },
    );
  const show = parent.command('show').description('all of one').argument('<id>');
  if (kind.name === 'meter') show.option('--versions', 'with every version that it had');
  withReceiver(show).action(async (id: string, flags: ReceiverFlags & { versions?: boolean }) =>
    (await resources()).showResource(kind, id, flags, shell, flags.versions ? [['versions', 'all']] : []),
  );
}

export function addDelete<Row>(parent: Command, shell: Shell, kind: ResourceKind<Row>): void {
  withReceiver(parent.command('delete').description(`forget a ${kind.name}`).argument('<id>')).action(
    async (id: string, flags: ReceiverFlags) => (await resources()).deleteResource(kind, id, flags, shell),
  );
}

interface CustomerFlags {
  name?: string;
  email?: string;
  timeZone?: string;
  alias?: string[];
  metadata?: string[];
}

function withCustomerFields(command: Command): Command {
  return command
    .option('--name <name>', 'for people')
    .option('--email <address>')
    .option('--time-zone <zone>', 'IANA zone of its billing periods')
    .option('--alias <id>', 'another id that means this customer; repeatable', collect)
    .option('-m, --metadata <key=value>', 'repeatable', collect);
}

function customerFields({ name, email, timeZone, alias, metadata }: CustomerFlags): Fields {
  return {
    ...field('name', name),
    ...field('email', email),
    ...field('timeZone', timeZone),
    // One empty alias: none.
    ...(alias === undefined ? {} : { aliases: alias.filter((id) => id !== '') }),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(pairs('--metadata', metadata)) }),
  };
}

interface DimensionFlags {
  name?: string;
  unit?: string;
  aggregation?: string;
  uniqueKey?: string;
  levelTtl?: string;
  interval?: string;
  increment?: string;
  rounding?: string;
  price?: string;
  credits?: boolean;
}

function withDimensionFields(command: Command): Command {
  return command
    .option('--name <name>', 'for people')
    .option('--unit <unit>', 'UCUM, like GBy or {token} (default 1)')
    .addOption(
      new Option('--aggregation <how>', 'how records become a quantity (default sum)').choices(AGGREGATIONS),
    )
    .option('--unique-key <key>', 'with --aggregation unique: the metadata key whose values are counted')
    .option('--level-ttl <seconds>', 'for how long a level holds at most')
    .addOption(
      new Option('--interval <size>', 'aggregate within each, then sum (default none)').choices([
        'none',
        'hour',
        'day',
        'month',
      ]),
    )
    .option('--increment <decimal>', 'billed in multiples of this')
    .addOption(new Option('--rounding <how>', 'to the increment').choices(['floor', 'ceiling', 'round']))
    .option('--price <decimal>', 'of one unit')
    .option('--credits', 'usage may be negative')
    .option('--no-credits', 'it may not');
}

function dimensionFields(flags: DimensionFlags): Fields {
  return {
    ...field('name', flags.name),
    ...field('unit', flags.unit),
    ...field('aggregation', flags.aggregation),
    ...field('uniqueKey', flags.uniqueKey),
    ...(flags.levelTtl === undefined ? {} : { levelTtl: seconds(flags.levelTtl) }),
    ...field('interval', flags.interval),
    ...field('usageIncrement', flags.increment),
    ...field('rounding', flags.rounding),
    ...field('unitPrice', flags.price),
    ...(flags.credits === undefined ? {} : { creditsAllowed: flags.credits }),
  };
}

/** An empty text unsets a field. */
function field(name: string, value: string | undefined): Fields {
  return value === undefined ? {} : { [name]: value === '' ? null : value };
}

function seconds(text: string): number | null {
  if (text === '') return null;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`--level-ttl must be a whole number of seconds (got "${text}")`);
}
