import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { duration, networks, rows, several, tag, time } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { cellAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['to', (row) => cellAt(row, 'to.user') ?? prefixed('group ', cellAt(row, 'to.group'))],
  [
    'on',
    (row) =>
      cellAt(row, 'on.machine') ?? prefixed('stack ', cellAt(row, 'on.stack')) ?? tagCell(row),
  ],
  ['logins', (row) => cellAt(row, 'logins')],
  ['allow', (row) => cellAt(row, 'allow')],
  ['level', (row) => cellAt(row, 'level')],
  ['from', (row) => cellAt(row, 'from_networks')],
  ['until', (row) => timeAt(row, 'until')],
  [
    'approval by',
    (row) =>
      prefixed('user ', cellAt(row, 'approval.by.user')) ??
      prefixed('group ', cellAt(row, 'approval.by.group')),
  ],
];

const MORE: readonly Column[] = [
  ['forward to', (row) => cellAt(row, 'forward_to')],
  ['max session', (row) => seconds(cellAt(row, 'max_session'))],
  ['mfa', (row) => (cellAt(row, 'mfa') === true ? 'yes' : 'no')],
  ['ends on alert', (row) => (cellAt(row, 'end_on_alert') === true ? 'yes' : 'no')],
  ['shell integration', (row) => (cellAt(row, 'shell_integration') === true ? 'yes' : 'no')],
  ['idle timeout', (row) => seconds(cellAt(row, 'idle_timeout'))],
];

function prefixed(prefix: string, cell: ReturnType<typeof cellAt>): string | null {
  return cell === null ? null : `${prefix}${cell}`;
}

function seconds(cell: ReturnType<typeof cellAt>): string | null {
  return cell === null ? null : `${cell}s`;
}

function tagCell(row: unknown): string | null {
  const key = cellAt(row, 'on.tag.key');
  return key === null ? null : `tag ${key}=${cellAt(row, 'on.tag.value') ?? ''}`;
}

interface AddOptions extends Format {
  readonly user?: string;
  readonly group?: string;
  readonly machine?: string;
  readonly stack?: string;
  readonly tag?: { readonly key: string; readonly value: string };
  readonly login?: readonly string[];
  readonly allow: readonly string[];
  readonly forwardTo?: readonly string[];
  readonly from?: readonly string[];
  readonly until?: string;
  readonly maxSession?: number;
  readonly idleTimeout?: number;
  readonly mfa: boolean;
  readonly endOnAlert: boolean;
  readonly shellIntegration: boolean;
  readonly approvalUser?: string;
  readonly approvalGroup?: string;
}

interface ListOptions extends Format {
  readonly user?: string;
  readonly group?: string;
  readonly machine?: string;
  readonly limit: number;
}

/** `postern grant ls|add|show|rm`. */
export function addGrantCommand(program: Command, shell: Shell): void {
  const grant = program.command('grant').description('who may reach what');
  grant
    .command('ls')
    .description('list grants, newest first')
    .option('--user <user>', 'to this user')
    .option('--group <group>', 'to this group')
    .option('--machine <machine>', 'on this machine by name')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action((options: ListOptions) => list(shell, options));
  grant
    .command('add')
    .description('make a grant; what is not allowed by name is denied')
    .option('--user <user>', 'to a user, by name or id')
    .option('--group <group>', 'to a group, by name or id')
    .option('--machine <machine>', 'on a machine, by name or id')
    .option('--stack <stack>', 'on a stack, by name')
    .option('--tag <tag>', 'on every machine with this tag, env=prod', tag)
    .requiredOption('--allow <capabilities>', 'shell,exec,sftp,upload,download,…', several)
    .option('--login <logins>', "these logins; else the machine's default one", several)
    .option('--forward-to <places>', '127.0.0.1:5432,10.0.0.0/24:80', several)
    .option('--from <networks>', 'from these networks alone', networks)
    .option('--until <time>', '2027-01-01T00:00:00Z', time)
    .option('--mfa', 'for whoever has given a verification code alone', false)
    .option('--end-on-alert', 'an alert ends its sessions', false)
    .option(
      '--shell-integration',
      "marks are put into its shells, where a machine's shell is said",
      false,
    )
    .option('--max-session <duration>', '8h', duration)
    .option('--idle-timeout <duration>', '30m', duration)
    .option('--approval-group <group>', 'each session needs the approval of one of this group')
    .option('--approval-user <user>', 'each session needs the approval of this user')
    .option('--json', 'as JSON', false)
    .action((options: AddOptions) => add(shell, options));
  grant
    .command('show')
    .description('one grant')
    .argument('<id>')
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: Format) => {
      const id = idOf('grt', text);
      const found = await ApiClient.of(shell).get(`/v1/grants/${id}`);
      showOne(shell, options, found, [...COLUMNS, ...MORE]);
    });
  grant
    .command('rm')
    .description('take a grant back')
    .argument('<id>')
    .action(async (text: string) => {
      const id = idOf('grt', text);
      await ApiClient.of(shell).send('DELETE', `/v1/grants/${id}`);
      showDone(shell, `removed ${id}`);
    });
}

async function list(shell: Shell, options: ListOptions): Promise<void> {
  const { user, group, machine } = options;
  const api = ApiClient.of(shell);
  const query = {
    user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user),
    group_id: group === undefined ? undefined : await idOfNamed(api, 'grp', group),
    machine_id: machine === undefined ? undefined : await idOfNamed(api, 'mch', machine),
  };
  const found = await api.list('/v1/grants', 'grants', query, options.limit);
  showRows(shell, options, found, COLUMNS);
}

async function add(shell: Shell, options: AddOptions): Promise<void> {
  const { user, group } = options;
  if ((user === undefined) === (group === undefined)) {
    throw new CommandFailure(2, 'give one of --user and --group');
  }
  const places = [options.machine, options.stack, options.tag];
  if (places.filter((place) => place !== undefined).length !== 1) {
    throw new CommandFailure(2, 'give one of --machine, --stack and --tag');
  }
  const api = ApiClient.of(shell);
  const to =
    user === undefined
      ? { group_id: await idOfNamed(api, 'grp', group ?? '') }
      : { user_id: await idOfNamed(api, 'usr', user) };
  const on = await onOf(api, options);
  const made = await api.send('POST', '/v1/grants', {
    to,
    on,
    allow: options.allow,
    logins: options.login ?? [],
    forward_to: options.forwardTo ?? [],
    from_networks: options.from ?? [],
    until: options.until ?? null,
    max_session: options.maxSession ?? null,
    idle_timeout: options.idleTimeout ?? null,
    mfa: options.mfa,
    end_on_alert: options.endOnAlert,
    shell_integration: options.shellIntegration,
    approval: await approvalOf(api, options),
  });
  showOne(shell, options, made, [...COLUMNS, ...MORE]);
}

async function onOf(api: ApiClient, { machine, stack, tag: tagged }: AddOptions) {
  if (machine !== undefined) return { machine_id: await idOfNamed(api, 'mch', machine) };
  return stack === undefined ? { tag: tagged } : { stack };
}

async function approvalOf(api: ApiClient, { approvalUser, approvalGroup }: AddOptions) {
  if (approvalUser !== undefined && approvalGroup !== undefined) {
    throw new CommandFailure(2, 'give one of --approval-user and --approval-group');
  }
  if (approvalUser !== undefined) {
    return { by: { user_id: await idOfNamed(api, 'usr', approvalUser) } };
  }
  if (approvalGroup === undefined) return null;
  return { by: { group_id: await idOfNamed(api, 'grp', approvalGroup) } };
}
