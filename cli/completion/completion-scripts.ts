/** Completion scripts for shells. (Pure.) */
import type { CompletedCommand, CompletedOption } from './completion-model.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type CompletedShell = (typeof SHELLS)[number];

/** What a shell reads once to complete the command from then on; it asks nothing of usage-meter. */
export function completionScript(shell: CompletedShell, commands: readonly CompletedCommand[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}

/** The steps from a command to one below it: `:query`, `quarantine:list`. */
function steps(commands: readonly CompletedCommand[]): string[] {
  return commands.flatMap(({ path, subcommands }) => subcommands.map(({ name }) => `${path}:${name}`));
}

function bashScript(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) =>
      option.value.is === 'none'
        ? []
        : [`    ${cases(command, option)}) ${BASH_VALUES[option.value.is](option)} ;;`],
    ),
  );
  const words = commands.map((command) => {
    const files = command.takesFiles ? ' files=1' : '';
    const below = command.subcommands.map(({ name }) => name).join(' ');
    const options = command.options.flatMap(({ names }) => names).join(' ');
    return `    ${quoted(command.path)}) below=${quoted(below)} options=${quoted(options)}${files} ;;`;
  });
  return `# usage-meter in bash. In ~/.bashrc: source <(usage-meter completion bash)
_usage_meter() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" below="" options="" files="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$path:$word" in
      ${steps(commands).map(quoted).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path:$previous" in
${values.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n "$files" ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$below" -- "$current"))
  fi
}
complete -F _usage_meter usage-meter
`;
}

const BASH_VALUES: Readonly<Record<'choice' | 'file' | 'other', (option: CompletedOption) => string>> = {
  choice: ({ value }) =>
    `COMPREPLY=($(compgen -W ${quoted(choicesOf(value).join(' '))} -- "$current")); return`,
  file: () => 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return',
  other: () => 'return',
};

function choicesOf(value: CompletedOption['value']): readonly string[] {
  return value.is === 'choice' ? value.choices : [];
}

/** Patterns of a `case` over path and option. */
function cases({ path }: CompletedCommand, { names }: CompletedOption): string {
  return names.map((name) => quoted(`${path}:${name}`)).join('|');
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) =>
      option.value.is === 'none'
        ? []
        : [`    ${cases(command, option)}) ${ZSH_VALUES[option.value.is](option)} ;;`],
    ),
  );
  const words = commands.map((command) => {
    const below = command.subcommands.map(({ name, description }) => zshWord(name, description));
    const options = command.options.flatMap(({ names, description }) =>
      names.map((name) => zshWord(name, description)),
    );
    const files = command.takesFiles ? ' files=1' : '';
    return `    ${quoted(command.path)}) below=(${below.join(' ')}); options=(${options.join(' ')});${files} ;;`;
  });
  return `#compdef usage-meter
# usage-meter in zsh. In ~/.zshrc, behind compinit: source <(usage-meter completion zsh)
_usage_meter() {
  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" place="" word="" files=""
  local -i i
  local -a below options choices
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$place:$word" in
      ${steps(commands).map(quoted).join('|')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place:$previous" in
${values.join('\n')}
  esac
  case "$place" in
${words.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    _describe -o option options
  elif [[ -n "$files" ]]; then
    _files
  elif (( \${#below} )); then
    _describe command below
  fi
}
compdef _usage_meter usage-meter
`;
}

const ZSH_VALUES: Readonly<Record<'choice' | 'file' | 'other', (option: CompletedOption) => string>> = {
  choice: ({ value }) => `choices=(${choicesOf(value).map(quoted).join(' ')}); compadd -a choices; return`,
  file: () => '_files; return',
  other: () => 'return',
};

/** `name:description`, as _describe takes it. */
function zshWord(name: string, description: string): string {
  return quoted(`${name.replaceAll(':', '\\:')}:${description}`);
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const at = `complete -c usage-meter -n ${fishQuoted(`__usage_meter_at ${fishQuoted(command.path)}`)}`;
    return [
      ...(command.takesFiles ? [`${at} -F`] : []),
      ...command.subcommands.map(({ name, description }) => `${at} -a ${name} -d ${fishQuoted(description)}`),
      ...command.options.map(
        (option) => `${at} ${fishNames(option)}${fishValue(option)} -d ${fishQuoted(option.description)}`,
      ),
    ];
  });
  return `# usage-meter in fish. usage-meter completion fish > ~/.config/fish/completions/usage-meter.fish
function __usage_meter_at
    set -l place ''
    for word in (commandline -opc)[2..]
        switch "$place:$word"
            case ${steps(commands).map(fishQuoted).join(' ')}
                set place (string trim -- "$place $word")
        end
    end
    test "$place" = "$argv[1]"
end
complete -c usage-meter -f
${lines.join('\n')}
`;
}

function fishNames({ names }: CompletedOption): string {
  return names
    .map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
    .join(' ');
}

function fishValue({ value }: CompletedOption): string {
  switch (value.is) {
    case 'none':
      return '';
    case 'choice':
      return ` -x -a ${fishQuoted(value.choices.join(' '))}`;
    case 'file':
      return ' -r -F';
    case 'other':
      return ' -x';
  }
}

/** A word of bash and zsh, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
