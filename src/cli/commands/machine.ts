import { type Command, Option } from 'commander';
import type { BodyAt, Worded } from '../../client/calls.ts';
import { MARKED_SHELLS, type MarkedShell } from '../../domain/shell-integration.ts';
import { ApiClient } from '../api-client.ts';
import { idOfNamed } from '../lookup.ts';
import {
  passwordOf,
  retention,
  rows,
  type SecretOptions,
  secretFile,
  tag,
  tags,
  wholeNumber,
} from '../options.ts';
import { type Column, type Format, showDone, showJson, showOne, showRows } from '../output.ts';
import { privateKeyProblem } from '../setup/secrets.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { at, cellAt, retentionAt, rowsAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['name', (row) => cellAt(row, 'name')],
  ['host', (row) => hostAt(row)],
  ['login', (row) => cellAt(row, 'username')],
  ['auth', (row) => cellAt(row, 'auth_type')],
  ['recording', (row) => cellAt(row, 'recording')],
  ['tags', (row) => cellAt(row, 'tags')],
  ['status', (row) => cellAt(row, 'status')],
];

const MORE: readonly Column[] = [
  ['engine', (row) => cellAt(row, 'engine')],
  ['cluster', (row) => cellAt(row, 'cluster')],
  ['jump', (row) => cellAt(row, 'jump_host')],
  ['retention', (row) => retentionAt(row)],
  ['searched', (row) => cellAt(row, 'index')],
  ['shell integration', (row) => cellAt(row, 'shell_integration')],
  ['host key', (row) => cellAt(row, 'host_key')],
  ['host key policy', (row) => cellAt(row, 'host_key_policy')],
  ['algorithms', (row) => cellAt(row, 'algorithms')],
  ['description', (row) => cellAt(row, 'description') || null],
  ['last connected', (row) => timeAt(row, 'last_connected')],
];

/** A container has no port. */
function hostAt(row: unknown): ReturnType<typeof cellAt> {
  const [host, port] = [cellAt(row, 'host'), cellAt(row, 'port')];
  return port === 0 ? host : `${host}:${port}`;
}

interface AddOptions extends SecretOptions, Format {
  readonly host: string;
  readonly port: number;
  readonly login: string;
  readonly keyFile?: string;
  readonly bastionKey: boolean;
  readonly certificate: boolean;
  readonly agent: boolean;
  readonly hostKey?: string;
  readonly jump?: string;
  readonly strict: boolean;
  readonly oldAlgorithms: boolean;
  readonly recording: string;
  readonly retention?: number;
  readonly index: boolean;
  readonly recordInput: boolean;
  readonly shellIntegration?: MarkedShell;
  readonly tag?: Readonly<Record<string, string>>;
  readonly description: string;
}

/** `postern machine ls|add|show|known-hosts|rm`. */
export function addMachineCommand(program: Command, shell: Shell): void {
  const machine = program.command('machine').description('what users reach');
  machine
    .command('ls')
    .description('list machines, newest first')
    .option('--tag <tag>', 'with this tag, env=prod', tag)
    .option('--search <text>', 'part of the name, host or description')
    .option('--status <status>', 'connected, idle or unused')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(
      async (
        options: Format & {
          tag?: { readonly key: string; readonly value: string };
          search?: string;
          status?: string;
          limit: number;
        },
      ) => {
        const query = {
          tag: options.tag && `${options.tag.key}=${options.tag.value}`,
          search: options.search,
          status: options.status,
        };
        const found = await ApiClient.of(shell).list(
          '/v1/machines',
          'machines',
          query,
          options.limit,
        );
        showRows(shell, options, found, COLUMNS);
      },
    );
  addAdd(machine, shell);
  machine
    .command('show')
    .description('one machine')
    .argument('<machine>', 'name or id')
    .option('--json', 'as JSON', false)
    .action(async (name: string, options: Format) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'mch', name);
      showOne(shell, options, await api.get(`/v1/machines/${id}`), [...COLUMNS, ...MORE]);
    });
  machine
    .command('known-hosts')
    .description('the host keys for ssh -J, as lines for ~/.ssh/known_hosts')
    .option('--ca', 'instead the one line of the authority that vouches for all of them', false)
    .option('--json', 'as JSON', false)
    .action(async ({ ca, json }: Format & { readonly ca: boolean }) => {
      const known = await ApiClient.of(shell).get('/v1/known-hosts');
      const shown = ca ? at(known, 'certificate_authority') : rowsAt(known, 'known_hosts');
      if (json) showJson(shell, shown);
      else for (const row of [shown].flat()) shell.stdout.write(`${cellAt(row, 'line')}\n`);
    });
  machine
    .command('rm')
    .description('remove a machine and the grants on it; its sessions stay')
    .argument('<machine>', 'name or id')
    .action(async (name: string) => {
      const api = ApiClient.of(shell);
      const id = await idOfNamed(api, 'mch', name);
      await api.send('DELETE', `/v1/machines/${id}`);
      showDone(shell, `removed ${id}`);
    });
}

function addAdd(machine: Command, shell: Shell): void {
  machine
    .command('add')
    .description('make a machine; say how Postern logs in to it')
    .argument('<name>')
    .requiredOption('--host <host>', 'name or address')
    .option('--port <port>', 'SSH port', wholeNumber(1, 65_535), 22)
    .requiredOption('--login <login>', 'the default login')
    .option('--key-file <file>', 'log in with this private key')
    .option('--password-file <file>', 'log in with the password in this file')
    .option('--password-env <name>', 'log in with the password in this variable')
    .option('--bastion-key', "log in with the bastion's own key", false)
    .option('--certificate', "log in with a certificate of the bastion's (see: ca show)", false)
    .option('--agent', "log in with the keys of the user's own forwarded agent", false)
    .option('--host-key <line>', 'pin this host key; else the first one that is seen')
    .option('--jump <machine>', 'reach it through this machine')
    .option('--strict', 'connect to a pinned host key alone', false)
    .option('--old-algorithms', 'also SHA-1, CBC and fixed groups, for an old machine', false)
    .option('--recording <policy>', 'required, best_effort or off', 'required')
    .option('--retention <time>', 'keep its recordings so long: 90d, 7y, forever', retention)
    .option('--no-index', 'keep what is recorded on it out of search')
    .option('--record-input', 'record what is typed and echoed, too', false)
    .addOption(
      new Option(
        '--shell-integration <shell>',
        'its logins have this shell: mark its commands',
      ).choices(MARKED_SHELLS),
    )
    .option('--tag <tag>', 'env=prod; several times', tags)
    .option('--description <text>', '', '')
    .option('--json', 'as JSON', false)
    .action(async (name: string, options: AddOptions) => {
      const auth = authOf(shell, options);
      const made = await ApiClient.of(shell).send('POST', '/v1/machines', {
        name,
        host: options.host,
        port: options.port,
        username: options.login,
        auth,
        host_key: options.hostKey ?? null,
        jump_host: options.jump ?? null,
        host_key_policy: options.strict ? 'strict' : 'accept-new',
        algorithms: options.oldAlgorithms ? 'old' : 'modern',
        recording: options.recording,
        retention: options.retention ?? null,
        index: options.index,
        record_input: options.recordInput,
        shell_integration: options.shellIntegration ?? null,
        tags: options.tag ?? {},
        description: options.description,
      });
      showOne(shell, options, made, COLUMNS);
    });
}

type MachineAuth = Worded<BodyAt<'POST', '/v1/machines'>['auth']>;

function authOf(shell: Shell, options: AddOptions): MachineAuth {
  const password = passwordOf(shell, options);
  const { keyFile, bastionKey, certificate, agent } = options;
  const ways = [keyFile !== undefined, password !== null, bastionKey, certificate, agent];
  if (ways.filter(Boolean).length !== 1) {
    throw new CommandFailure(
      2,
      'give one of --key-file, --password-file, --password-env, --bastion-key, --certificate and --agent',
    );
  }
  if (certificate) return { type: 'certificate' };
  if (agent) return { type: 'agent' };
  if (password !== null) return { type: 'password', password };
  if (keyFile === undefined) return { type: 'bastion_key' };
  const text = secretFile(keyFile);
  const problem = privateKeyProblem(text);
  if (problem !== null) throw new CommandFailure(1, `${keyFile} ${problem}`);
  return { type: 'key', private_key: `${text}\n` };
}
