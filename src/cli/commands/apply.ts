import { dirname } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../../domain/log.ts';
import type { SetupRequest } from '../../domain/setup.ts';
import { ApiClient, ApiFailure } from '../api-client.ts';
import { readGiven } from '../given-file.ts';
import type { SetupProblem } from '../setup/reader.ts';
import { readSetupFile } from '../setup-file.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { cellAt, rowsAt, textAt } from '../wire.ts';

interface ApplyOptions {
  readonly dryRun: boolean;
  readonly prune: boolean;
  readonly json: boolean;
}

/** `postern apply FILE`. */
export function addApplyCommand(program: Command, shell: Shell): void {
  program
    .command('apply')
    .description('make users, groups, machines and grants what a YAML file says')
    .argument('<file>', 'the set-up file')
    .option('--dry-run', 'show what would change, and change nothing', false)
    .option('--prune', 'remove what the file lacks', false)
    .option('--json', 'the changes as JSON', false)
    .action((file: string, options: ApplyOptions) => apply(shell, file, options));
}

async function apply(shell: Shell, file: string, options: ApplyOptions): Promise<void> {
  const { env } = shell;
  const read = readSetupFile(readGiven(file).toString('utf8'), { env, directory: dirname(file) });
  if ('problems' in read) throw refused(file, read.problems);
  const body: SetupRequest = { ...read.setup, dry_run: options.dryRun, prune: options.prune };
  const answer = await ask(ApiClient.of(shell), body, file, read.lineOf);
  if (options.json) {
    shell.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const lines = rowsAt(answer, 'changes').map(planLine);
  const end = options.dryRun ? 'nothing was changed: this was a dry run' : `${lines.length} done`;
  shell.stdout.write(lines.length === 0 ? 'nothing to change\n' : `${lines.join('\n')}\n${end}\n`);
}

/** What the server finds wrong is told with the line of the file, too. */
async function ask(
  api: ApiClient,
  body: SetupRequest,
  file: string,
  lineOf: (field: string) => number,
): Promise<unknown> {
  try {
    return await api.send('POST', '/v1/setup', body);
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.refusals.length === 0) throw error;
    const problems = error.refusals.map((refusal) => ({ line: lineOf(refusal.field), ...refusal }));
    throw refused(file, problems);
  }
}

function refused(file: string, problems: readonly SetupProblem[]): CommandFailure {
  const lines = problems.map(
    ({ line, field, message }) =>
      `\n  ${file}:${line}: ${field}${field === '' ? '' : ' '}${message}`,
  );
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new CommandFailure(
    1,
    `${count} with the set-up, so nothing was changed:${lines.join('')}`,
  );
}

const SIGNS: Readonly<Record<string, string>> = { create: '+', update: '~', remove: '-' };

/** `~ machine web1 (host, port)`. */
function planLine(change: unknown): string {
  const sign = SIGNS[textAt(change, 'action') ?? ''] ?? '?';
  const fields = cellAt(change, 'fields');
  const what = `${cellAt(change, 'kind')} ${printable(textAt(change, 'name') ?? '', 300)}`;
  return `${sign} ${what}${fields === null ? '' : ` (${fields})`}`;
}
