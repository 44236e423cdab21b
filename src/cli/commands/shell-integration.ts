import { readFileSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { SHELLS } from '../completion.ts';
import type { Shell } from '../shell.ts';

/** `postern shell-integration bash|zsh|fish`. */
export function addShellIntegrationCommand(program: Command, shell: Shell): void {
  program
    .command('shell-integration')
    .description('a script for machines: marks where commands begin and end in recordings')
    .addArgument(new Argument('<shell>', 'for this shell').choices(SHELLS))
    .addHelpText(
      'after',
      '\nIt is for the machine, at the end of ~/.bashrc, ~/.zshrc or config.fish (docs/search.md).',
    )
    .action((name: (typeof SHELLS)[number]) => {
      const file = new URL(`../shell-integration/postern.${name}`, import.meta.url);
      shell.stdout.write(readFileSync(file, 'utf8'));
    });
}
