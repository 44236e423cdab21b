import { type Command, Option } from 'commander';
import { SEARCH_KINDS } from '../../domain/search.ts';
import { ApiClient } from '../api-client.ts';
import { idOfNamed } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['pattern', (row) => cellAt(row, 'pattern')],
  ['in', (row) => cellAt(row, 'kind')],
  ['machine', (row) => cellAt(row, 'machine')],
  ['group', (row) => cellAt(row, 'group')],
  ['created', (row) => timeAt(row, 'created_at')],
];

interface AddOptions extends Format {
  readonly in?: string;
  readonly machine?: string;
  readonly group?: string;
}

/** `postern alert ls|add|rm`. */
export function addAlertCommand(program: Command, shell: Shell): void {
  const alert = program.command('alert').description('what raises an alert while a session runs');
  alert
    .command('ls')
    .description('list the rules, newest first')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { limit: number }) => {
      const api = ApiClient.of(shell);
      const found = await api.list('/v1/alert-rules', 'alert_rules', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  alert
    .command('add')
    .description('raise an alert for a pattern')
    .argument('<name>')
    .argument('<pattern>', 'a regular expression without look-around (docs/alerts.md)')
    .addOption(new Option('--in <kind>', 'only in these').choices(SEARCH_KINDS))
    .option('--machine <machine>', 'on this machine alone')
    .option('--group <group>', 'in sessions of its members alone')
    .option('--json', 'as JSON', false)
    .action(async (name: string, pattern: string, options: AddOptions) => {
      const api = ApiClient.of(shell);
      const { in: kind, machine, group } = options;
      const made = await api.send('POST', '/v1/alert-rules', {
        ...{ name, pattern, kind: kind ?? null },
        machine_id: machine === undefined ? null : await idOfNamed(api, 'mch', machine),
        group_id: group === undefined ? null : await idOfNamed(api, 'grp', group),
      });
      showOne(shell, options, made, COLUMNS);
    });
  alert
    .command('rm')
    .description('remove a rule; what it raised stays')
    .argument('<rule>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'alr', name);
      await api.send('DELETE', `/v1/alert-rules/${id}`);
      showDone(shell, `removed ${id}`);
    });
}
