import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows, several, time } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { cellAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['user', (row) => cellAt(row, 'user_id')],
  ['scopes', (row) => cellAt(row, 'scopes')],
  ['expires', (row) => timeAt(row, 'expires_at')],
  ['last used', (row) => timeAt(row, 'last_used_at')],
];

/** More tokens than anybody has. */
const MOST = 10_000;

interface AddOptions extends Format {
  readonly scope: readonly string[];
  readonly user?: string;
  readonly expires?: string;
}

/** `postern token ls|add|show|rm`. */
export function addTokenCommand(program: Command, shell: Shell): void {
  const token = program.command('token').description('tokens for the API');
  token
    .command('ls')
    .description('list tokens, newest first; never their secrets')
    .option('--user <user>', 'of this user')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { user?: string; limit: number }) => {
      const api = ApiClient.of(shell);
      const { user } = options;
      const query = { user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user) };
      const found = await api.list('/v1/tokens', 'tokens', query, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  token
    .command('add')
    .description('make a token; its secret is shown once')
    .argument('<name>', 'what it is for')
    .requiredOption('--scope <scopes>', 'sessions:read,stats:read,…', several)
    .option('--user <user>', "whose it is; else the caller's")
    .option('--expires <time>', '2027-01-01T00:00:00Z', time)
    .option('--json', 'as JSON', false)
    .action((name: string, options: AddOptions) => add(shell, name, options));
  token
    .command('show')
    .description('one token, without its secret')
    .argument('<id>')
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: Format) => {
      const id = idOf('tok', text);
      const all = await ApiClient.of(shell).list('/v1/tokens', 'tokens', {}, MOST);
      const found = all.find((each) => textAt(each, 'id') === id);
      if (found === undefined) throw new CommandFailure(1, `no token ${id}`);
      showOne(shell, options, found, COLUMNS);
    });
  token
    .command('rm')
    .description('revoke a token')
    .argument('<id>')
    .action(async (text: string) => {
      const id = idOf('tok', text);
      await ApiClient.of(shell).send('DELETE', `/v1/tokens/${id}`);
      showDone(shell, `revoked ${id}`);
    });
}

async function add(shell: Shell, name: string, options: AddOptions): Promise<void> {
  const api = ApiClient.of(shell);
  const { user, expires } = options;
  const made = await api.send('POST', '/v1/tokens', {
    name,
    scopes: options.scope,
    ...(user === undefined ? {} : { user_id: await idOfNamed(api, 'usr', user) }),
    expires_at: expires ?? null,
  });
  const secret: Column = ['token', (row) => cellAt(row, 'token')];
  showOne(shell, options, made, [...COLUMNS.slice(0, 5), secret]);
}
