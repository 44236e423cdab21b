import { type Command, InvalidArgumentError } from 'commander';
import { ApiClient } from '../api-client.ts';
import { readGiven } from '../given-file.ts';
import { idOfNamed } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showDone, showJson, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { cellAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['algorithm', (row) => cellAt(row, 'algorithm')],
  ['fingerprint', (row) => cellAt(row, 'fingerprint')],
  ['user names', (row) => cellAt(row, 'match_user_name')],
  ['principals', (row) => cellAt(row, 'principals')],
  ['created', (row) => timeAt(row, 'created_at')],
];

const PATH = '/v1/certificate-authorities';

type Principals = Readonly<Record<string, readonly string[]>>;

/** `ops=alice,bob`, several times. */
function principal(text: string, before: Principals = {}): Principals {
  const cut = text.indexOf('=');
  const users = text
    .slice(cut + 1)
    .split(',')
    .filter((user) => user !== '');
  if (cut < 1 || users.length === 0) {
    throw new InvalidArgumentError('It must be PRINCIPAL=USER,USER.');
  }
  const name = text.slice(0, cut);
  return { ...before, [name]: [...(before[name] ?? []), ...users] };
}

interface AddOptions extends Format {
  readonly principal?: Principals;
  readonly userNames: boolean;
}

/** `postern ca ls|add|show|rm`: whose certificates users sign in with; and Postern's own. */
export function addCaCommand(program: Command, shell: Shell): void {
  const ca = program
    .command('ca')
    .description(
      'authorities: whose certificates let users in, and the one that Postern signs with',
    );
  ca.command('ls')
    .description('list authorities, newest first')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { limit: number }) => {
      const api = ApiClient.of(shell);
      const found = await api.list(PATH, 'certificate_authorities', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  ca.command('add')
    .description('trust the user certificates that a key signs')
    .argument('<name>')
    .argument('<file>', 'its public key: the file that ends in .pub')
    .option('--principal <map>', 'ops=alice,bob: whom a principal lets in', principal)
    .option('--no-user-names', 'a principal does not let in the user of that name')
    .option('--json', 'as JSON', false)
    .action((name: string, file: string, options: AddOptions) => add(shell, name, file, options));
  ca.command('show')
    .description(
      "one authority; without a name Postern's own: the line for sshd's TrustedUserCAKeys",
    )
    .argument('[ca]', 'name or id')
    .option('--json', 'as JSON', false)
    .action((name: string | undefined, options: Format) =>
      name === undefined ? showOwn(shell, options) : show(shell, name, options),
    );
  ca.command('rm')
    .description('trust an authority no more')
    .argument('<ca>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'ca', name);
      await api.send('DELETE', `${PATH}/${id}`);
      showDone(shell, `removed ${id}`);
    });
}

async function add(shell: Shell, name: string, file: string, options: AddOptions): Promise<void> {
  const made = await ApiClient.of(shell).send('POST', PATH, {
    name,
    key: readGiven(file).toString('utf8').trim(),
    match_user_name: options.userNames,
    principals: options.principal ?? {},
  });
  showOne(shell, options, made, COLUMNS);
}

async function show(shell: Shell, name: string, options: Format): Promise<void> {
  const api = ApiClient.of(shell);
  const id = await idOfNamed(api, 'ca', name);
  const key: Column = ['key', (row) => cellAt(row, 'key')];
  showOne(shell, options, await api.get(`${PATH}/${id}`), [...COLUMNS, key]);
}

/** Alone on its line, so that it can go straight into a file. */
async function showOwn(shell: Shell, { json }: Format): Promise<void> {
  const found = await ApiClient.of(shell).get('/v1/ca');
  if (json) showJson(shell, found);
  else shell.stdout.write(`${textAt(found, 'public_key') ?? ''}\n`);
}
