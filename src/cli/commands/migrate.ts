import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { createLogger } from '../../log/logger.ts';
import { showJson } from '../output.ts';
import type { Shell } from '../shell.ts';

interface MigrateOptions {
  readonly status: boolean;
  readonly config?: string;
  readonly json: boolean;
}

/** `postern migrate`: needs no server; the embedded database must have none. */
export function addMigrateCommand(program: Command, shell: Shell): void {
  program
    .command('migrate')
    .description('bring the database to this version')
    .option('--status', 'show what is applied and pending, and change nothing', false)
    .option('--config <file>', 'a YAML file of settings')
    .option('--json', 'as JSON', false)
    .action((options: MigrateOptions) => migrateDatabase(shell, options));
}

async function migrateDatabase(shell: Shell, options: MigrateOptions): Promise<void> {
  const config = loadConfig(shell.env, {
    configFile: options.config ?? shell.env.POSTERN_CONFIG ?? null,
  });
  const log = createLogger({ level: 'warn', format: config.logFormat, stream: shell.stderr });
  const database = {
    databaseUrl: config.databaseUrl?.expose() ?? null,
    dataDir: config.dataDir,
    log,
  };
  // Loaded here alone: the other commands must not wait for the database's code.
  const { migrate, migrationStatus } = await import('../../store/migrate.ts');
  const state = await (options.status ? migrationStatus(database) : migrate(database));
  if (options.json) {
    showJson(shell, state);
    return;
  }
  const lines = [
    ...state.applied.map((name) => `applied  ${name}`),
    ...state.pending.map((name) => `pending  ${name}`),
  ];
  shell.stdout.write(lines.length === 0 ? 'the database is up to date\n' : `${lines.join('\n')}\n`);
}
