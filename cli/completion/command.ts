/** `usage-meter completion`: a script of all commands for a shell. */
import { Argument, type Command } from 'commander';
import type { Shell } from '../shell.ts';
import { completedCommands } from './completion-model.ts';
import { type CompletedShell, completionScript, SHELLS } from './completion-scripts.ts';

const INSTALL = `
bash: source <(usage-meter completion bash)      in ~/.bashrc
zsh:  source <(usage-meter completion zsh)       in ~/.zshrc, behind compinit
fish: usage-meter completion fish > ~/.config/fish/completions/usage-meter.fish`;

export function addCompletionCommand(program: Command, shell: Shell): void {
  program
    .command('completion')
    .description('print a script that completes commands and flags in a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', INSTALL)
    .action((name: CompletedShell) => {
      shell.output.write(completionScript(name, completedCommands(program)));
    });
}
