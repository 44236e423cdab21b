import { Argument, type Command } from 'commander';
import { completionScript, SHELLS } from '../completion.ts';
import type { Shell } from '../shell.ts';

/** `postern completion bash|zsh|fish`. */
export function addCompletionCommand(program: Command, shell: Shell): void {
  program
    .command('completion')
    .description('a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'for this shell').choices(SHELLS))
    .addHelpText('after', '\nIn bash: source <(postern completion bash)')
    .action((name: (typeof SHELLS)[number]) => {
      shell.stdout.write(completionScript(name, program));
    });
}
