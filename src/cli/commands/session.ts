import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { ApiClient } from '../api-client.ts';
import { harmless, textOf } from '../lines.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows, time, wholeNumber } from '../options.ts';
import { type Column, type Format, showDone, showJson, showOne, showRows } from '../output.ts';
import { playCast, put } from '../playback.ts';
import type { Shell } from '../shell.ts';
import { cellAt, rowsAt, timeAt } from '../wire.ts';
import { addCommands } from './session-commands.ts';
import { addTransfers } from './session-transfers.ts';
import { addWatch } from './session-watch.ts';

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['user', (row) => cellAt(row, 'user')],
  ['machine', (row) => cellAt(row, 'machine')],
  ['login', (row) => cellAt(row, 'login')],
  ['kind', (row) => cellAt(row, 'kind')],
  ['status', (row) => cellAt(row, 'status')],
  ['started (UTC)', (row) => timeAt(row, 'started_at')],
  ['from', (row) => cellAt(row, 'ip_address')],
  ['ended', (row) => cellAt(row, 'end_reason')],
];

const MORE: readonly Column[] = [
  ['ended (UTC)', (row) => timeAt(row, 'ended_at')],
  ['exit status', (row) => cellAt(row, 'exit_status')],
  ['host', (row) => cellAt(row, 'machine.host')],
  ['client', (row) => cellAt(row, 'user_agent')],
  ['bytes in', (row) => cellAt(row, 'bytes_in')],
  ['bytes out', (row) => cellAt(row, 'bytes_out')],
];

const CHANNELS: readonly Column[] = [
  ['channel', (row) => cellAt(row, 'number')],
  ['kind', (row) => cellAt(row, 'kind')],
  ['command', (row) => cellAt(row, 'command')],
  ['exit', (row) => cellAt(row, 'exit_status') ?? cellAt(row, 'exit_signal')],
  ['bytes out', (row) => cellAt(row, 'bytes_out')],
];

const RECORDINGS: readonly Column[] = [
  ['recording', (row) => cellAt(row, 'id')],
  ['channel', (row) => cellAt(row, 'channel')],
  ['state', (row) => cellAt(row, 'state')],
  ['seconds', (row) => cellAt(row, 'duration')],
  ['bytes', (row) => cellAt(row, 'size')],
];

interface ListOptions extends Format {
  readonly status?: string;
  readonly user?: string;
  readonly machine?: string;
  readonly kind?: string;
  readonly search?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** `postern session ls|show|kill|logs|commands|play|watch|transfers`. */
export function addSessionCommand(program: Command, shell: Shell): void {
  const session = program.command('session').description('what runs and what ran');
  session
    .command('ls')
    .description('list sessions, newest first: the active ones unless --status says otherwise')
    .option('--status <status>', 'active, ended, all, pending, stopped or failed')
    .option('--user <user>', 'of this user')
    .option('--machine <machine>', 'on this machine')
    .option('--kind <kind>', 'shell, exec, sftp, forward or web')
    .option('--search <text>', 'in names and addresses')
    .option('--from <time>', 'started at or after', time)
    .option('--to <time>', 'started before', time)
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action((options: ListOptions) => list(shell, options));
  session
    .command('show')
    .description('one session with its channels and recordings')
    .argument('<id>')
    .option('--json', 'as JSON', false)
    .action((text: string, options: Format) => show(shell, text, options));
  session
    .command('kill')
    .description('end a live session; waits until it has ended')
    .argument('<id>')
    .action(async (text: string) => {
      const id = idOf('sess', text);
      await ApiClient.of(shell).send('DELETE', `/v1/sessions/${id}`);
      showDone(shell, `ended ${id}`);
    });
  addLogs(session, shell);
  addCommands(session, shell);
  addPlay(session, shell);
  addWatch(session, shell);
  addTransfers(session, shell);
}

async function list(shell: Shell, options: ListOptions): Promise<void> {
  const { status, user, machine, kind, search, from, to } = options;
  const api = ApiClient.of(shell);
  const query = {
    status,
    user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user),
    machine_id: machine === undefined ? undefined : await idOfNamed(api, 'mch', machine),
    kind,
    search,
    from,
    to,
  };
  const found = await api.list('/v1/sessions', 'sessions', query, options.limit);
  showRows(shell, options, found, COLUMNS);
}

async function show(shell: Shell, text: string, options: Format): Promise<void> {
  const id = idOf('sess', text);
  const session = await ApiClient.of(shell).get(`/v1/sessions/${id}`);
  showOne(shell, options, session, [...COLUMNS, ...MORE]);
  if (options.json) return;
  showRows(shell, options, rowsAt(session, 'channels'), CHANNELS);
  showRows(shell, options, rowsAt(session, 'recordings'), RECORDINGS);
}

interface LogOptions extends Format {
  readonly search?: string;
  readonly from?: number;
  readonly to?: number;
  readonly redact: boolean;
}

/** Enough for every session that a person reads; `recording export` has all of a longer one. */
const MOST_ENTRIES = 100_000;

function addLogs(session: Command, shell: Shell): void {
  const seconds = wholeNumber(0, 100_000_000);
  session
    .command('logs')
    .description('commands and output of a session as plain text')
    .argument('<id>')
    .option('--search <text>', 'entries with this text alone')
    .option('--from <seconds>', 'after the start', seconds)
    .option('--to <seconds>', 'after the start', seconds)
    .option('--redact', 'with what is secret hidden, as others get it', false)
    .option('--json', 'as JSON', false)
    .action(async (text: string, options: LogOptions) => {
      const { search, from, to } = options;
      const redact = options.redact ? '1' : undefined;
      const path = `/v1/sessions/${idOf('sess', text)}/logs` as const;
      const api = ApiClient.of(shell);
      if (options.json) {
        showJson(shell, await api.list(path, 'logs', { search, from, to, redact }, MOST_ENTRIES));
        return;
      }
      const body = await api.stream(path, { format: 'text', search, from, to, redact });
      for await (const part of textOf(body)) await put(shell.stdout, harmless(part));
    });
}

interface PlayOptions {
  readonly speed: number;
  readonly idle: number;
  readonly channel?: number;
  readonly redact: boolean;
}

function factor(text: string): number {
  const value = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0, as 2 or 0.5.');
}

function addPlay(session: Command, shell: Shell): void {
  session
    .command('play')
    .description('play the recording of a session in this terminal')
    .argument('<id>')
    .option('--speed <factor>', '2: twice as fast', factor, 1)
    .option('--idle <seconds>', 'the longest pause', factor, 2)
    .option('--channel <number>', 'this channel; else the first', wholeNumber(1, 1_000_000))
    .option('--redact', 'with what is secret hidden, as others get it', false)
    .action(async (text: string, options: PlayOptions) => {
      const path = `/v1/sessions/${idOf('sess', text)}/recording` as const;
      const redact = options.redact ? '1' : undefined;
      const asked = { channel: options.channel, format: 'v3', redact };
      const body = await ApiClient.of(shell).stream(path, asked);
      const ended = new AbortController();
      const end = (): void => ended.abort();
      process.once('SIGINT', end);
      shell.stdout.once('error', end);
      try {
        const { speed, idle } = options;
        await playCast(body, shell.stdout, shell.terminal, { speed, idle, signal: ended.signal });
      } finally {
        process.off('SIGINT', end);
        shell.stdout.off('error', end);
      }
    });
}
