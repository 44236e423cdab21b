import { Argument, type Command } from 'commander';
import { MARKED_SHELLS, type MarkedShell } from '../../domain/shell-integration.ts';
import { shellScript } from '../../proxy/shell-script.ts';
import type { Shell } from '../shell.ts';

/** `postern shell-integration bash|zsh|fish`. */
export function addShellIntegrationCommand(program: Command, shell: Shell): void {
  program
    .command('shell-integration')
    .description('a script for machines: marks where commands begin and end in recordings')
    .addArgument(new Argument('<shell>', 'for this shell').choices(MARKED_SHELLS))
    .addHelpText(
      'after',
      '\nIt is for the machine, at the end of ~/.bashrc, ~/.zshrc or config.fish (docs/shell-integration.md).',
    )
    .action((name: MarkedShell) => {
      shell.stdout.write(shellScript(name));
    });
}
