import type { Command } from 'commander';
import { createLogger } from '../../log/logger.ts';
import { examine, type Finding } from '../doctor.ts';
import { showJson } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';

/** `postern doctor`: needs no server. Status 1 when something keeps the server from working. */
export function addDoctorCommand(program: Command, shell: Shell): void {
  program
    .command('doctor')
    .description('look at what the server needs here, and say what to do about it')
    .option('--config <file>', 'a YAML file of settings')
    .option('--json', 'as JSON', false)
    .action(async ({ config, json }: { readonly config?: string; readonly json: boolean }) => {
      const log = createLogger({ level: 'error', format: 'pretty', stream: shell.stderr });
      const findings = await examine(shell, config ?? shell.env.POSTERN_CONFIG ?? null, log);
      if (json) showJson(shell, findings);
      else for (const finding of findings) shell.stdout.write(linesOf(finding));
      const failed = findings.filter(({ state }) => state === 'fail').length;
      if (failed > 0) {
        throw new CommandFailure(1, failed === 1 ? 'one thing is wrong' : `${failed} are wrong`);
      }
    });
}

/** What to do stands on a line of its own, under what was found. */
function linesOf({ state, about, found, remedy }: Finding): string {
  const line = `${state.padEnd(5)} ${about.padEnd(9)} ${found}\n`;
  return remedy === null ? line : `${line}${' '.repeat(16)}${remedy}\n`;
}
