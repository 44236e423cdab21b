import type { Command } from 'commander';
import { readRevocationList } from '../../ssh/revocation-list.ts';
import { ApiClient } from '../api-client.ts';
import { readGiven } from '../given-file.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showDone, showOne, showRows } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { cellAt, timeAt } from '../wire.ts';

/** Entries in one request, as many as the API takes. */
const IMPORT_BATCH = 5000;

const COLUMNS: readonly Column[] = [
  ['id', (row) => cellAt(row, 'id')],
  ['kind', (row) => cellAt(row, 'kind')],
  ['value', (row) => cellAt(row, 'value')],
  ['authority', (row) => cellAt(row, 'authority')],
  ['reason', (row) => cellAt(row, 'reason')],
  ['created', (row) => timeAt(row, 'created_at')],
];

interface AddOptions extends Format {
  readonly fingerprint?: string;
  readonly serial?: string;
  readonly keyId?: string;
  readonly ca?: string;
  readonly reason?: string;
}

/** `postern revocation ls|add|rm`. */
export function addRevocationCommand(program: Command, shell: Shell): void {
  const revocation = program
    .command('revocation')
    .description('keys and certificates that are accepted no more');
  revocation
    .command('ls')
    .description('list what is revoked, newest first')
    .option('--limit <rows>', 'at most this many', rows, 100)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { limit: number }) => {
      const api = ApiClient.of(shell);
      const found = await api.list('/v1/revocations', 'revocations', {}, options.limit);
      showRows(shell, options, found, COLUMNS);
    });
  revocation
    .command('add')
    .description('revoke one of: a key, a serial, a key id')
    .option('--fingerprint <fingerprint>', "SHA256:… of a key, a user's or an authority's")
    .option('--serial <serial>', 'of a certificate, or FIRST-LAST; with --ca')
    .option('--key-id <id>', 'of certificates')
    .option('--ca <ca>', 'the authority whose certificates are meant: name or id')
    .option('--reason <text>', 'for those who read the list')
    .option('--json', 'as JSON', false)
    .action((options: AddOptions) => add(shell, options));
  revocation
    .command('import')
    .description("revoke everything that a key revocation list of OpenSSH's names (ssh-keygen -k)")
    .argument('<file>')
    .option('--reason <text>', 'for those who read the list')
    .action((file: string, options: { reason?: string }) =>
      importList(shell, file, options.reason ?? ''),
    );
  revocation
    .command('rm')
    .description('take a revocation back')
    .argument('<id>')
    .action(async (text: string) => {
      const id = idOf('rvk', text);
      await ApiClient.of(shell).send('DELETE', `/v1/revocations/${id}`);
      showDone(shell, `removed ${id}`);
    });
}

/** In several requests where it is long; one that fails leaves what came before, and may be repeated. */
async function importList(shell: Shell, file: string, reason: string): Promise<void> {
  const read = readRevocationList(readGiven(file));
  if ('problem' in read)
    throw new CommandFailure(1, `${file} ${read.problem}; nothing was imported`);
  const api = ApiClient.of(shell);
  let added = 0;
  for (let at = 0; at < read.length; at += IMPORT_BATCH) {
    const entries = read.slice(at, at + IMPORT_BATCH);
    const made = await api.send('POST', '/v1/revocations/import', { entries, reason });
    added += Number(cellAt(made, 'added'));
  }
  showDone(shell, `imported ${read.length}, of which ${added} are new`);
}

async function add(shell: Shell, options: AddOptions): Promise<void> {
  const given = [
    ['fingerprint', options.fingerprint],
    ['serial', options.serial],
    ['key_id', options.keyId],
  ].flatMap(([kind, value]) => (kind === undefined || value === undefined ? [] : { kind, value }));
  const [first] = given;
  if (first === undefined || given.length > 1) {
    throw new CommandFailure(2, 'give one of --fingerprint, --serial and --key-id');
  }
  const api = ApiClient.of(shell);
  const made = await api.send('POST', '/v1/revocations', {
    ...first,
    authority: options.ca === undefined ? null : await idOfNamed(api, 'ca', options.ca),
    reason: options.reason ?? '',
  });
  showOne(shell, options, made, COLUMNS);
}
