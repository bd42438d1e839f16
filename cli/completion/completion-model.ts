/** What can be typed behind `usage-meter`, read off the commands themselves. (Pure.) */
import type { Command, Option } from 'commander';

export interface CompletedCommand {
  /** Behind `usage-meter`, with single blanks; empty for the command itself. */
  path: string;
  subcommands: { name: string; description: string }[];
  options: CompletedOption[];
  /** Its arguments are files. */
  takesFiles: boolean;
}

export interface CompletedOption {
  /** `-w`, `--window`. */
  names: string[];
  description: string;
  value: /** It has none. */
    | { is: 'none' }
    /** One of these. */
    | { is: 'choice'; choices: readonly string[] }
    | { is: 'file' }
    /** Nobody can guess it. */
    | { is: 'other' };
}

/** All commands, those above before those below. */
export function completedCommands(program: Command): CompletedCommand[] {
  return below(program, '');
}

function below(command: Command, path: string): CompletedCommand[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  return [
    {
      path,
      subcommands: subcommands.map((one) => ({ name: one.name(), description: one.description() })),
      options: help.visibleOptions(command).map(completedOption),
      takesFiles: command.registeredArguments.some((argument) => isFile(argument.name())),
    },
    ...subcommands.flatMap((one) => below(one, path === '' ? one.name() : `${path} ${one.name()}`)),
  ];
}

function completedOption(option: Option): CompletedOption {
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: option.description,
    value: optionValue(option),
  };
}

function optionValue(option: Option): CompletedOption['value'] {
  if (!option.required && !option.optional) return { is: 'none' };
  if (option.argChoices !== undefined) return { is: 'choice', choices: option.argChoices };
  // As its help calls it: `--output <file>`.
  const name = /[<[]([\w=.]+)[\]>]/.exec(option.flags)?.[1] ?? '';
  return isFile(name.replace(/\.+$/, '')) ? { is: 'file' } : { is: 'other' };
}

function isFile(name: string): boolean {
  return ['file', 'folder', 'path', 'paths', 'rule'].includes(name);
}
