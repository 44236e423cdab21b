import { type Command, Option } from 'commander';
import { APPROVAL_STATUSES } from '../../domain/approval.ts';
import { ApiClient } from '../api-client.ts';
import { idOf } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['user', (row) => cellAt(row, 'user')],
  ['machine', (row) => cellAt(row, 'machine')],
  ['login', (row) => cellAt(row, 'login')],
  ['begins with', (row) => cellAt(row, 'kind')],
  ['by', (row) => cellAt(row, 'by')],
  ['status', (row) => cellAt(row, 'status')],
  ['asked', (row) => timeAt(row, 'asked_at')],
  ['decided by', (row) => cellAt(row, 'decided_by')],
  ['reason', (row) => cellAt(row, 'reason')],
];

const MORE: readonly Column[] = [
  ['from', (row) => cellAt(row, 'ip_address')],
  ['grant', (row) => cellAt(row, 'grant_id')],
  ['expires', (row) => timeAt(row, 'expires_at')],
];

interface VerdictOptions extends Format {
  readonly reason: string;
}

/** `postern approval ls|show|approve|deny`. */
export function addApprovalCommand(program: Command, shell: Shell): void {
  const approval = program.command('approval').description('sessions that wait for an approval');
  approval
    .command('ls')
    .description('list requests, newest first: your own, and those that you may decide on')
    .addOption(
      new Option('--status <status>', 'in this state')
        .choices([...APPROVAL_STATUSES, 'all'])
        .default('pending'),
    )
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { status: string; limit: number }) => {
      const { status, limit } = options;
      const found = await ApiClient.of(shell).list('/v1/approvals', 'approvals', { status }, limit);
      showRows(shell, options, found, COLUMNS);
    });
  approval
    .command('show')
    .description('one request')
    .argument('<id>')
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: Format) => {
      const found = await ApiClient.of(shell).get(`/v1/approvals/${idOf('apr', text)}`);
      showOne(shell, options, found, [...COLUMNS, ...MORE]);
    });
  addVerdict(approval, shell, 'approve', 'let the session begin that waits');
  addVerdict(approval, shell, 'deny', 'refuse the session that waits');
}

function addVerdict(
  approval: Command,
  shell: Shell,
  verdict: 'approve' | 'deny',
  description: string,
): void {
  approval
    .command(verdict)
    .description(description)
    .argument('<id>')
    .option('--reason <text>', 'for the record, and for who asked', '')
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: VerdictOptions) => {
      const path = `/v1/approvals/${idOf('apr', text)}/${verdict}` as const;
      const decided = await ApiClient.of(shell).send('POST', path, { reason: options.reason });
      showOne(shell, options, decided, COLUMNS);
    });
}
