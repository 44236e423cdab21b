import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows, time, wholeNumber } from '../options.ts';
import { type Column, type Format, showDone, showJson, showRows } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { at, cellAt, rowsAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['session', (row) => cellAt(row, 'session_id')],
  ['channel', (row) => cellAt(row, 'channel')],
  ['user', (row) => cellAt(row, 'user')],
  ['machine', (row) => cellAt(row, 'machine')],
  ['state', (row) => cellAt(row, 'state')],
  ['started (UTC)', (row) => timeAt(row, 'started_at')],
  ['seconds', (row) => cellAt(row, 'duration')],
  ['bytes', (row) => cellAt(row, 'size')],
  ['legal hold', (row) => cellAt(row, 'legal_hold.by')],
];

interface ListOptions extends Format {
  readonly user?: string;
  readonly machine?: string;
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

interface RemoveOptions extends Format {
  readonly channel?: number;
  readonly expired: boolean;
  readonly dryRun: boolean;
}

/** `postern recording ls|rm|hold|release`. */
export function addKeptRecordings(recording: Command, shell: Shell): void {
  recording
    .command('ls')
    .description('list recordings, newest first')
    .option('--user <user>', 'of this user')
    .option('--machine <machine>', 'on this machine')
    .option('--state <state>', 'complete, recovered, truncated, gap, tampered, deleted …')
    .option('--from <time>', 'begun at or after', time)
    .option('--to <time>', 'begun before', time)
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action((options: ListOptions) => list(shell, options));
  recording
    .command('rm')
    .description('delete a recording, or what was kept long enough; hashes and seals stay')
    .argument('[session]', 'id of the session')
    .option('--channel <number>', 'this channel; else the first', wholeNumber(1, 1_000_000))
    .option('--expired', 'what this node has kept long enough', false)
    .option('--dry-run', 'with --expired: only show it', false)
    .option('--json', 'as JSON', false)
    .action((text: string | undefined, options: RemoveOptions) => remove(shell, text, options));
  recording
    .command('hold')
    .description('put the recordings of a session under legal hold: nothing deletes them')
    .argument('<session>', 'id of the session')
    .option('--reason <text>', 'for those who ask later', '')
    .action(async (text: string, { reason }: { readonly reason: string }) => {
      const id = idOf('sess', text);
      await ApiClient.of(shell).send('PUT', `/v1/sessions/${id}/legal-hold`, { reason });
      showDone(shell, `holding the recordings of ${id}`);
    });
  recording
    .command('release')
    .description('end the legal hold on the recordings of a session')
    .argument('<session>', 'id of the session')
    .action(async (text: string) => {
      const id = idOf('sess', text);
      await ApiClient.of(shell).send('DELETE', `/v1/sessions/${id}/legal-hold`);
      showDone(shell, `released the recordings of ${id}`);
    });
}

async function list(shell: Shell, options: ListOptions): Promise<void> {
  const { user, machine, state, from, to } = options;
  const api = ApiClient.of(shell);
  const query = {
    user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user),
    machine_id: machine === undefined ? undefined : await idOfNamed(api, 'mch', machine),
    ...{ state, from, to },
  };
  const found = await api.list('/v1/recordings', 'recordings', query, options.limit);
  showRows(shell, options, found, COLUMNS);
}

async function remove(
  shell: Shell,
  text: string | undefined,
  options: RemoveOptions,
): Promise<void> {
  const { channel, expired, dryRun } = options;
  if (expired === (text !== undefined)) {
    throw new CommandFailure(2, 'give the id of a session, or --expired');
  }
  if (dryRun && !expired) throw new CommandFailure(2, '--dry-run goes with --expired');
  if (text === undefined) {
    await sweep(shell, options);
    return;
  }
  const id = idOf('sess', text);
  const of = channel === undefined ? '' : `?channel=${channel}`;
  await ApiClient.of(shell).send('DELETE', `/v1/sessions/${id}/recording${of}`);
  showDone(shell, `deleted a recording of ${id}`);
}

async function sweep(shell: Shell, options: RemoveOptions): Promise<void> {
  const dry_run = options.dryRun;
  const swept = await ApiClient.of(shell).send('POST', '/v1/recordings/sweep', { dry_run });
  if (options.json) {
    showJson(shell, swept);
    return;
  }
  const why: Column = ['why', (row) => cellAt(row, 'why')];
  showRows(shell, options, rowsAt(swept, 'recordings'), [...COLUMNS, why]);
  const more = at(swept, 'more') === true ? '; there is more' : '';
  const done = dry_run ? 'would delete' : 'deleted';
  showDone(shell, `${done} ${cellAt(swept, 'count')}, ${cellAt(swept, 'bytes')} bytes${more}`);
}
