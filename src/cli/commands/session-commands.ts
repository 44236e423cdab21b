import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { harmless } from '../lines.ts';
import { idOf } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['channel', (row) => cellAt(row, 'channel')],
  ['started (UTC)', (row) => timeAt(row, 'started_at')],
  ['second', (row) => Number(cellAt(row, 'start')).toFixed(1)],
  ['exit', (row) => cellAt(row, 'exit_status')],
  ['source', (row) => `${cellAt(row, 'source')}, ${cellAt(row, 'confidence')}`],
  ['command', (row) => harmless(textAt(row, 'command') ?? '').replaceAll('\n', '↵')],
];

interface CommandsOptions extends Format {
  readonly limit: number;
}

/** `postern session commands`. */
export function addCommands(session: Command, shell: Shell): void {
  session
    .command('commands')
    .description('what was typed into the shells of a session, as its recordings show it')
    .argument('<id>')
    .option('--limit <rows>', 'at most this many', rows, 1000)
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: CommandsOptions) => {
      const path = `/v1/sessions/${idOf('sess', text)}/commands` as const;
      const found = await ApiClient.of(shell).list(path, 'commands', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
}
