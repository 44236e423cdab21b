import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { type Column, type Format, showOne } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['counted by', (row) => cellAt(row, 'source')],
  ['active sessions', (row) => cellAt(row, 'active.sessions')],
  ['their users', (row) => cellAt(row, 'active.users')],
  ['day (UTC)', (row) => cellAt(row, 'today.day')],
  ['sessions', (row) => cellAt(row, 'today.sessions')],
  ['users', (row) => cellAt(row, 'today.users')],
  ['failed', (row) => cellAt(row, 'today.failed')],
  ['bytes in', (row) => cellAt(row, 'today.bytes_in')],
  ['bytes out', (row) => cellAt(row, 'today.bytes_out')],
];

/** `postern counters show|rebuild`. */
export function addCountersCommand(program: Command, shell: Shell): void {
  const counters = program
    .command('counters')
    .description('what lives now and what went on today, counted');
  counters
    .command('show')
    .description('show them')
    .option('--json', 'as JSON', false)
    .action(async (options: Format) => {
      showOne(shell, options, await ApiClient.of(shell).get('/v1/counters'), COLUMNS);
    });
  counters
    .command('rebuild')
    .description('make them equal to the database, while sessions go on')
    .option('--json', 'as JSON', false)
    .action(async (options: Format) => {
      const counted = await ApiClient.of(shell).send('POST', '/v1/counters/rebuild');
      showOne(shell, options, counted, COLUMNS);
    });
}
