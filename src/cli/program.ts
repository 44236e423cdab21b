import { Command, CommanderError, Help, type Option } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import { addAlertCommand } from './commands/alert.ts';
import { addApplyCommand } from './commands/apply.ts';
import { addApprovalCommand } from './commands/approval.ts';
import { addAuditCommand, addStatsCommand } from './commands/audit.ts';
import { addCaCommand } from './commands/ca.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addConfigCommand } from './commands/config.ts';
import { addCountersCommand } from './commands/counters.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addGrantCommand } from './commands/grant.ts';
import { addGroupCommand } from './commands/group.ts';
import { addMachineCommand } from './commands/machine.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addRecordingCommand } from './commands/recording.ts';
import { addRevocationCommand } from './commands/revocation.ts';
import { addSearchCommand } from './commands/search.ts';
import { addSecretKeyCommand } from './commands/secret-key.ts';
import { addSessionCommand } from './commands/session.ts';
import { addShellIntegrationCommand } from './commands/shell-integration.ts';
import { addStackCommand } from './commands/stack.ts';
import { addTokenCommand } from './commands/token.ts';
import { addKeyCommand, addUserCommand } from './commands/user.ts';
import { serve } from './serve.ts';
import { CommandFailure, type Shell } from './shell.ts';
import { readVersion } from './version.ts';

/** Set by a command that ends with a status of its own. */
interface Outcome {
  status: number;
}

function addServe(program: Command, shell: Shell, outcome: Outcome): void {
  program
    .command('serve')
    .description('run the bastion: SSH, API and console')
    .option('--demo', 'with a demo machine: a shell on this host, for this host alone', false)
    .option('--config <file>', 'a YAML file of settings (see docs/settings.md)')
    .action(async (options: { demo: boolean; config?: string }) => {
      outcome.status = await serve(shell, {
        demo: options.demo,
        configFile: options.config ?? shell.env.POSTERN_CONFIG ?? null,
      });
    });
}

/** In the order of the help. */
const COMMANDS: readonly ((program: Command, shell: Shell) => void)[] = [
  addApplyCommand,
  addUserCommand,
  addKeyCommand,
  addGroupCommand,
  addMachineCommand,
  addGrantCommand,
  addStackCommand,
  addApprovalCommand,
  addCaCommand,
  addRevocationCommand,
  addTokenCommand,
  addSessionCommand,
  addRecordingCommand,
  addSearchCommand,
  addAlertCommand,
  addAuditCommand,
  addStatsCommand,
  addCountersCommand,
  addDoctorCommand,
  addConfigCommand,
  addMigrateCommand,
  addSecretKeyCommand,
  addCompletionCommand,
  addShellIntegrationCommand,
];

/** Without the default of what is off or empty unless it is given. */
function optionDescription(option: Option): string {
  return Help.prototype.optionDescription
    .call(new Help(), option)
    .replace(/ ?\(default: (?:false|"")\)$/, '');
}

function createProgram(shell: Shell, outcome: Outcome = { status: 0 }): Command {
  const program = new Command('postern')
    .description(
      'An SSH bastion that records: plain ssh in, every session replayable in a browser.',
    )
    .version(readVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'postern: ')),
      getOutHelpWidth: () => shell.columns || 100,
      getErrHelpWidth: () => shell.columns || 100,
    })
    .configureHelp({ optionDescription })
    .showHelpAfterError('(-h after a command shows how it is used)');
  addServe(program, shell, outcome);
  for (const add of COMMANDS) add(program, shell);
  program
    .command('version')
    .description('print the version')
    .action(() => {
      shell.stdout.write(`postern ${readVersion()} (node ${process.versions.node})\n`);
    });
  return program;
}

function report(shell: Shell, error: unknown): number {
  // Commander has written its own line already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ConfigError) {
    const lines = error.message.split('\n');
    const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
    shell.stderr.write(`postern: ${count} with the settings:\n  ${lines.join('\n  ')}\n`);
    return 2;
  }
  if (error instanceof CommandFailure) {
    shell.stderr.write(`postern: ${error.message}\n`);
    return error.status;
  }
  const where = error instanceof PosternError ? '' : 'failed: ';
  const reason = reasonOf(error);
  const cause = error instanceof Error && error.cause !== undefined ? reasonOf(error.cause) : '';
  const because = reason.includes(cause) ? '' : ` (${cause})`;
  shell.stderr.write(`postern: ${where}${reason}${because}\n`);
  return 1;
}

/** Runs one command line; resolves to the exit status, everything written. Never rejects. */
export async function run(argv: readonly string[], shell: Shell): Promise<number> {
  const outcome: Outcome = { status: 0 };
  try {
    await createProgram(shell, outcome).parseAsync([...argv], { from: 'user' });
    return outcome.status;
  } catch (error) {
    return report(shell, error);
  }
}
