import { type Command, Option } from 'commander';
import { printable } from '../../domain/log.ts';
import { SEARCH_KINDS } from '../../domain/search.ts';
import { ApiClient } from '../api-client.ts';
import { idOf, idOfNamed } from '../lookup.ts';
import { rows, time } from '../options.ts';
import { type Format, showJson } from '../output.ts';
import type { Shell } from '../shell.ts';
import { rowsAt, textAt, timeAt } from '../wire.ts';

const WIDTH = 300;

interface SearchOptions extends Format {
  readonly user?: string;
  readonly machine?: string;
  readonly session?: string;
  readonly kind?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** `postern search`. */
export function addSearchCommand(program: Command, shell: Shell): void {
  program
    .command('search')
    .description('find commands and output in recordings, newest first')
    .argument('<text...>', 'all these words, anywhere; \'"several words"\' as one')
    .option('--user <user>', 'in sessions of this user')
    .option('--machine <machine>', 'on this machine')
    .option('--session <id>', 'in this session')
    .addOption(new Option('--kind <kind>', 'only these').choices(SEARCH_KINDS))
    .option('--from <time>', 'seen at or after', time)
    .option('--to <time>', 'seen before', time)
    .option('--limit <hits>', 'at most this many', rows, 20)
    .option('--json', 'as JSON', false)
    .action((words: readonly string[], options: SearchOptions) => search(shell, words, options));
}

async function search(
  shell: Shell,
  words: readonly string[],
  options: SearchOptions,
): Promise<void> {
  const { user, machine, session, kind, from, to, limit } = options;
  const api = ApiClient.of(shell);
  const query = {
    q: words.join(' '),
    user_id: user === undefined ? undefined : await idOfNamed(api, 'usr', user),
    machine_id: machine === undefined ? undefined : await idOfNamed(api, 'mch', machine),
    session_id: session === undefined ? undefined : idOf('sess', session),
    ...{ kind, from, to },
  };
  const hits = await api.list('/v1/search', 'hits', query, limit);
  if (options.json) showJson(shell, hits);
  else shell.stdout.write(hits.map(hitText).join('\n'));
}

/** Where it is, and the line between its neighbours. */
function hitText(hit: unknown): string {
  const where = `${textAt(hit, 'login')}@${textAt(hit, 'machine')}`;
  const head = [textAt(hit, 'session_id'), timeAt(hit, 'timestamp'), textAt(hit, 'user'), where];
  const quiet = (lines: readonly unknown[]) => lines.map((line) => `  ${printed(line)}\n`);
  return [
    `${printed(head.join('  '))}  ${printed(textAt(hit, 'url'))}\n`,
    ...quiet(rowsAt(hit, 'before')),
    `> ${printed(textAt(hit, 'line'))}\n`,
    ...quiet(rowsAt(hit, 'after')),
  ].join('');
}

function printed(text: unknown): string {
  return printable(typeof text === 'string' ? text : '', WIDTH);
}
