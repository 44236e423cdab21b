import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOfNamed } from '../lookup.ts';
import { retention, rows, several } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, retentionAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['members', (row) => cellAt(row, 'members')],
  ['retention', (row) => retentionAt(row)],
  ['created', (row) => timeAt(row, 'created_at')],
];

interface AddOptions extends Format {
  readonly member?: readonly string[];
  readonly retention?: number;
}

/** `postern group ls|add|show|rm`. */
export function addGroupCommand(program: Command, shell: Shell): void {
  const group = program.command('group').description('groups of users, for grants');
  group
    .command('ls')
    .description('list groups, newest first')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { limit: number }) => {
      const found = await ApiClient.of(shell).list('/v1/groups', 'groups', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  group
    .command('add')
    .description('make a group')
    .argument('<name>')
    .option('--member <users>', 'names or ids, several times or with commas', several)
    .option('--retention <time>', 'keep their recordings so long: 90d, 7y, forever', retention)
    .option('--json', 'as JSON', false)
    .action(async (name: string, options: AddOptions) => {
      const api = ApiClient.of(shell);
      const members: string[] = [];
      for (const user of options.member ?? []) members.push(await idOfNamed(api, 'usr', user));
      const made = await api.send('POST', '/v1/groups', {
        ...{ name, members },
        retention: options.retention ?? null,
      });
      showOne(shell, options, made, COLUMNS);
    });
  group
    .command('show')
    .description('one group with its members')
    .argument('<group>', 'name or id')
    .option('--json', 'as JSON', false)
    .action(async (name: string, options: Format) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'grp', name);
      showOne(shell, options, await api.get(`/v1/groups/${id}`), COLUMNS);
    });
  group
    .command('rm')
    .description('remove a group that no grant names')
    .argument('<group>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'grp', name);
      await api.send('DELETE', `/v1/groups/${id}`);
      showDone(shell, `removed ${id}`);
    });
}
