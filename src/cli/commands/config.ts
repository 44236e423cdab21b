import type { Command } from 'commander';
import { resolveConfig } from '../../config/load.ts';
import { describeConfig } from '../../config/print.ts';
import type { Shell } from '../shell.ts';
import { table } from '../table.ts';

/** `postern config`: what is in force and where it came from, secrets hidden. */
export function addConfigCommand(program: Command, shell: Shell): void {
  program
    .command('config')
    .description('print the settings in force, secrets hidden')
    .option('--demo', 'as serve --demo has them', false)
    .option('--config <file>', 'a YAML file of settings')
    .option('--json', 'as JSON', false)
    .action((options: { demo: boolean; config?: string; json: boolean }) => {
      const { config, sources } = resolveConfig(shell.env, {
        configFile: options.config ?? shell.env.POSTERN_CONFIG ?? null,
        demo: options.demo,
        terminal: shell.terminal,
      });
      const rows = describeConfig(config, sources);
      shell.stdout.write(
        options.json
          ? `${JSON.stringify(rows, null, 2)}\n`
          : table(
              ['setting', 'value', 'from'],
              rows.map((row) => [row.setting, row.value, row.source]),
            ),
      );
    });
}
