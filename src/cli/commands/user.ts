import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { passwordOf, rows, type SecretOptions, secretFile } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import type { Cell } from '../table.ts';
import { cellAt, isRecord, rowsAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['role', (row) => cellAt(row, 'role')],
  ['email', (row) => cellAt(row, 'email')],
  ['password', (row) => (cellAt(row, 'has_password') === true ? 'yes' : 'no')],
  ['totp', totpCell],
  ['disabled', (row) => (cellAt(row, 'disabled') === true ? 'yes' : 'no')],
  ['created', (row) => timeAt(row, 'created_at')],
];

function totpCell(row: unknown): string {
  const enrolled = cellAt(row, 'totp_enrolled') === true ? 'enrolled' : 'not enrolled';
  return `${cellAt(row, 'totp') ?? 'optional'}, ${enrolled}`;
}

const KEY_COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['type', (row) => cellAt(row, 'algorithm')],
  ['fingerprint', (row) => cellAt(row, 'fingerprint')],
  ['comment', (row) => cellAt(row, 'comment')],
  ['last used', (row) => timeAt(row, 'last_used_at')],
];

interface AddOptions extends SecretOptions, Format {
  readonly email?: string;
  readonly role: string;
  readonly key?: string;
  readonly totp: string;
}

/** `postern user ls|add|show|rm|totp reset`. */
export function addUserCommand(program: Command, shell: Shell): void {
  const user = program.command('user').description('people who sign in');
  user
    .command('ls')
    .description('list users, newest first')
    .option('--role <role>', 'admin, member or viewer')
    .option('--search <text>', 'part of a name')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { role?: string; search?: string; limit: number }) => {
      const query = { role: options.role, search: options.search };
      const found = await ApiClient.of(shell).list('/v1/users', 'users', query, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  user
    .command('add')
    .description('make a user')
    .argument('<name>')
    .option('--email <address>', 'for those who read the list')
    .option('--role <role>', 'admin, member or viewer', 'member')
    .option('--key <file>', 'a public key, as ssh-keygen writes it to a .pub file')
    .option('--password-file <file>', 'a file that holds the password')
    .option('--password-env <name>', 'a variable that holds the password')
    .option('--totp <policy>', 'required or optional: a code at every sign-in', 'optional')
    .option('--json', 'as JSON', false)
    .action((name: string, options: AddOptions) => addUser(shell, name, options));
  user
    .command('show')
    .description('one user, with keys and what they may reach')
    .argument('<user>', 'name or id')
    .option('--json', 'as JSON', false)
    .action((name: string, options: Format) => showUser(shell, name, options));
  user
    .command('rm')
    .description('remove a user with keys, grants and tokens; their sessions stay')
    .argument('<user>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'usr', name);
      await api.send('DELETE', `/v1/users/${id}`);
      showDone(shell, `removed ${id}`);
    });
  const totp = user.command('totp').description('second factors of users');
  totp
    .command('reset')
    .description('take the second factor and the recovery codes of a user away')
    .argument('<user>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'usr', name);
      await api.send('DELETE', `/v1/users/${id}/totp`);
      showDone(shell, `the second factor of ${id} is gone`);
    });
}

async function addUser(shell: Shell, name: string, options: AddOptions): Promise<void> {
  const password = passwordOf(shell, options);
  const key = options.key === undefined ? null : secretFile(options.key);
  const api = ApiClient.of(shell);
  const { role, totp } = options;
  const body = { name, email: options.email ?? null, role, password, totp };
  const user = await api.send('POST', '/v1/users', body);
  if (key !== null) await addKeyOrUndo(api, textAt(user, 'id') ?? '', key);
  showOne(shell, options, user, COLUMNS);
}

/** A user whose key was refused is no user that was asked for. */
async function addKeyOrUndo(api: ApiClient, id: string, key: string): Promise<void> {
  try {
    await api.send('POST', `/v1/users/${id}/keys`, { key });
  } catch (error) {
    await api.send('DELETE', `/v1/users/${id}`);
    throw error;
  }
}

const REACH: readonly Column[] = [
  ['may reach', (row) => machinesOf(row, (level) => level !== 'read_only')],
  ['may see', (row) => machinesOf(row, (level) => level === 'read_only')],
];

function machinesOf(user: unknown, fits: (level: Cell) => boolean): Cell {
  const found = rowsAt(user, 'machine_access').filter((one) => fits(cellAt(one, 'access_level')));
  return found.length === 0 ? null : found.map((one) => cellAt(one, 'name')).join(', ');
}

async function showUser(shell: Shell, name: string, options: Format): Promise<void> {
  const api = ApiClient.of(shell);
  const id = await idOfNamed(api, 'usr', name);
  const [user, answer] = await Promise.all([
    api.get(`/v1/users/${id}`),
    api.get(`/v1/users/${id}/keys`),
  ]);
  const keys = rowsAt(answer, 'keys');
  const whole = isRecord(user) ? { ...user, keys } : user;
  showOne(shell, options, whole, [...COLUMNS, ...REACH]);
  if (!options.json) showRows(shell, options, keys, KEY_COLUMNS);
}

/** `postern key ls|add|show|rm`. */
export function addKeyCommand(program: Command, shell: Shell): void {
  const key = program.command('key').description('public keys that users sign in with');
  key
    .command('ls')
    .description('the keys of a user')
    .argument('<user>', 'name or id')
    .option('--json', 'as JSON', false)
    .action(async (user: string, options: Format) => {
      showRows(shell, options, (await keysOf(shell, user)).keys, KEY_COLUMNS);
    });
  key
    .command('add')
    .description('give a user a key')
    .argument('<user>', 'name or id')
    .argument('<file>', 'a public key, as ssh-keygen writes it to a .pub file')
    .option('--json', 'as JSON', false)
    .action(async (user: string, file: string, options: Format) => {
      const line = secretFile(file);
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'usr', user);
      const added = await api.send('POST', `/v1/users/${id}/keys`, { key: line });
      showOne(shell, options, added, KEY_COLUMNS);
    });
  key
    .command('show')
    .description('one key of a user')
    .argument('<user>', 'name or id')
    .argument('<key>', 'id or fingerprint')
    .option('--json', 'as JSON', false)
    .action(async (user: string, wanted: string, options: Format) => {
      const found = await keyOf(shell, user, wanted);
      const line: Column = ['key', (row) => cellAt(row, 'public_key')];
      showOne(shell, options, found.key, [...KEY_COLUMNS, line]);
    });
  key
    .command('rm')
    .description('take a key from a user')
    .argument('<user>', 'name or id')
    .argument('<key>', 'id or fingerprint')
    .action(async (user: string, wanted: string) => {
      const { api, userId, key: found } = await keyOf(shell, user, wanted);
      const id = textAt(found, 'id') ?? '';
      await api.send('DELETE', `/v1/users/${userId}/keys/${id}`);
      showDone(shell, `removed ${id}`);
    });
}

async function keysOf(shell: Shell, user: string) {
  const api = ApiClient.of(shell);
  const userId = await idOfNamed(api, 'usr', user);
  const answer = await api.get(`/v1/users/${userId}/keys`);
  const keys = rowsAt(answer, 'keys');
  return { api, userId, keys };
}

async function keyOf(shell: Shell, user: string, wanted: string) {
  const byPrint = wanted.startsWith('SHA256:');
  const id = byPrint ? wanted : idOf('key', wanted, ' or its fingerprint, SHA256:…');
  const { api, userId, keys } = await keysOf(shell, user);
  const key = keys.find((each) => textAt(each, byPrint ? 'fingerprint' : 'id') === id);
  if (key === undefined) throw new CommandFailure(1, `${user} has no key ${id}`);
  return { api, userId, key };
}
