import type { Command } from 'commander';
import { printable } from '../../domain/log.ts';
import { ApiClient } from '../api-client.ts';
import { rows } from '../options.ts';
import { type Column, type Format, showJson, showOne, showRows } from '../output.ts';
import type { Shell } from '../shell.ts';
import { at, cellAt, rowsAt, textAt, timeAt } from '../wire.ts';

const COLUMNS: readonly Column[] = [
  ['name', (row) => cellAt(row, 'name')],
  ['kind', (row) => cellAt(row, 'kind')],
  ['session limit', (row) => cellAt(row, 'session_limit')],
  ['over the limit', (row) => cellAt(row, 'over_limit')],
  ['uid', (row) => cellAt(row, 'uid')],
];

const CONTAINERS: readonly Column[] = [
  ['ssh', (row) => cellAt(row, 'ssh')],
  ['container', (row) => cellAt(row, 'name')],
  ['state', (row) => cellAt(row, 'state')],
  ['health', (row) => cellAt(row, 'health')],
  ['image', (row) => cellAt(row, 'image')],
  ['created', (row) => timeAt(row, 'created_at')],
];

const PAGE = 100;

/** `postern stack ls|show`. */
export function addStackCommand(program: Command, shell: Shell): void {
  const stack = program.command('stack').description('services on container engines');
  stack
    .command('ls')
    .description('list stacks, newest first')
    .option('--limit <rows>', 'at most this many', rows, PAGE)
    .option('--json', 'as JSON', false)
    .action(async (options: Format & { readonly limit: number }) => {
      showRows(shell, options, await listed(ApiClient.of(shell), options.limit), COLUMNS);
    });
  stack
    .command('show')
    .description('one stack, with its containers as its engine has them now')
    .argument('<stack>', 'name or uid')
    .option('--json', 'as JSON', false)
    .action((name: string, options: Format) => show(shell, name, options));
}

/** At most `most` of them, page after page. */
async function listed(api: ApiClient, most: number): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE, most - found.length);
    const page = await api.plain('/v1/stacks', { limit, ...(cursor !== undefined && { cursor }) });
    found.push(...rowsAt(page, 'stacks'));
    cursor = textAt(page, 'pagination.next_cursor') ?? undefined;
  } while (cursor !== undefined && found.length < most);
  return found;
}

async function show(shell: Shell, name: string, options: Format): Promise<void> {
  const api = ApiClient.of(shell);
  const path = `/v1/stacks/${encodeURIComponent(name)}` as const;
  const stack = await api.plain(path);
  const known = await api.plain(`${path}/services`);
  const [services, away] = [rowsAt(known, 'services'), at(known, 'engine_away') ?? null];
  if (options.json) {
    showJson(shell, { ...stack, services, engine_away: away });
    return;
  }
  showOne(shell, options, stack, COLUMNS);
  const containers = services.flatMap((service) =>
    rowsAt(service, 'containers').map((one) => ({
      ...(one as object),
      ssh: sshName(stack, service, one),
    })),
  );
  shell.stdout.write('\n');
  if (away !== null) {
    const said = `${textAt(away, 'since')}: ${textAt(away, 'reason')}`;
    shell.stdout.write(
      `As last heard; its engine has not answered since ${printable(said, 400)}\n`,
    );
  }
  showRows(shell, options, containers, CONTAINERS);
}

/** What stands behind `USER+`: `shop.web.2`; null: it does not run. */
function sshName(stack: unknown, service: unknown, container: unknown): string | null {
  const index = at(container, 'index');
  if (typeof index !== 'number') return null;
  return printable(`${textAt(stack, 'name')}.${textAt(service, 'name')}.${index}`);
}
