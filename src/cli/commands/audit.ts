import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows, time } from '../options.ts';
import { type Column, type Format, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { at, cellAt, rowsAt, timeAt } from '../wire.ts';
import { addAuditExport, addAuditVerify } from './audit-proof.ts';

const COLUMNS: readonly Column[] = [
  ['time (UTC)', (row) => timeAt(row, 'at')],
  ['type', (row) => cellAt(row, 'type')],
  ['who', (row) => cellAt(row, 'actor')],
  ['from', (row) => cellAt(row, 'source')],
  ['session', (row) => cellAt(row, 'session_id')],
  ['machine', (row) => cellAt(row, 'machine_id')],
  ['detail', (row) => detail(row)],
];

/** `name=web1 fields=host`: a name does not stand for the whole here. */
function detail(row: unknown): string | null {
  const pairs = Object.entries(at(row, 'detail') ?? {}).filter(([, value]) => value !== null);
  return pairs.length === 0 ? null : pairs.map(([name, value]) => `${name}=${value}`).join(' ');
}

interface AuditOptions extends Format {
  readonly type?: string;
  readonly user?: string;
  readonly machine?: string;
  readonly session?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** `postern audit`. */
export function addAuditCommand(program: Command, shell: Shell): void {
  const audit = program
    .command('audit')
    .description('what happened, newest first')
    .option('--type <type>', 'auth.failed, session.started, …')
    .option('--user <user>', 'about this user')
    .option('--machine <machine>', 'about this machine')
    .option('--session <id>', 'about this session')
    .option('--from <time>', 'at or after', time)
    .option('--to <time>', 'before', time)
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action((options: AuditOptions) => list(shell, options));
  addAuditExport(audit, shell);
  addAuditVerify(audit, shell);
}

async function list(shell: Shell, options: AuditOptions): Promise<void> {
  const { type, user, machine, session, from, to } = options;
  const api = ApiClient.of(shell);
  const query = {
    type,
    user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user),
    machine_id: machine === undefined ? undefined : await idOfNamed(api, 'mch', machine),
    session_id: session === undefined ? undefined : idOf('sess', session),
    from,
    to,
  };
  showRows(shell, options, await api.list('/v1/audit', 'events', query, options.limit), COLUMNS);
}

const STATS: readonly Column[] = [
  ['from', (row) => timeAt(row, 'from')],
  ['to', (row) => timeAt(row, 'to')],
  ['active sessions', (row) => cellAt(row, 'active_sessions')],
  ['sessions', (row) => cellAt(row, 'total_sessions')],
  ['users', (row) => cellAt(row, 'unique_users')],
  ['recordings failed, required', (row) => cellAt(row, 'recordings_failed.required')],
  ['recordings failed, best effort', (row) => cellAt(row, 'recordings_failed.best_effort')],
  ['hours', (row) => cellAt(row, 'total_duration_hours')],
];

const TOP: readonly Column[] = [
  ['machine', (row) => cellAt(row, 'name')],
  ['sessions', (row) => cellAt(row, 'sessions_count')],
];

/** `postern stats`. */
export function addStatsCommand(program: Command, shell: Shell): void {
  program
    .command('stats')
    .description('sessions in numbers')
    .option('--period <period>', 'day, week or month')
    .option('--from <time>', 'at or after', time)
    .option('--to <time>', 'before', time)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { period?: string; from?: string; to?: string }) => {
      const { period, from, to } = options;
      const stats = await ApiClient.of(shell).get('/v1/sessions/stats', { period, from, to });
      showOne(shell, options, stats, STATS);
      if (!options.json) showRows(shell, options, rowsAt(stats, 'top_machines'), TOP);
    });
}
