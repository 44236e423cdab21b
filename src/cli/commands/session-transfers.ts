import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['started (UTC)', (row) => timeAt(row, 'started_at')],
  ['what', (row) => `${textAt(row, 'protocol')} ${what(row)}`],
  ['path', (row) => cellAt(row, 'path')],
  ['to', (row) => cellAt(row, 'target')],
  ['sent', (row) => cellAt(row, 'bytes_written')],
  ['received', (row) => cellAt(row, 'bytes_read')],
  ['result', (row) => cellAt(row, 'result')],
  ['sha256', (row) => cellAt(row, 'sha256')],
];

function what(row: unknown): string | null {
  const operation = textAt(row, 'operation');
  return operation === 'file' ? (textAt(row, 'direction') ?? 'open') : operation;
}

/** `postern session transfers ID`. */
export function addTransfers(session: Command, shell: Shell): void {
  session
    .command('transfers')
    .description('what a session did with files over SFTP, scp and rsync, newest first')
    .argument('<id>')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: Format & { readonly limit: number }) => {
      const path = `/v1/sessions/${idOf('sess', text)}/transfers` as const;
      const found = await ApiClient.of(shell).list(path, 'transfers', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
}
