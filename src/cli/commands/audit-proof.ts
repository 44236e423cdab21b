import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { ApiClient } from '../api-client.ts';
import { time } from '../options.ts';
import { type Format, showDone, showJson } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';

interface ExportOptions {
  readonly format: string;
  readonly from?: string;
  readonly to?: string;
}

/** `postern audit export`. */
export function addAuditExport(audit: Command, shell: Shell): void {
  audit
    .command('export')
    .description('everything that happened, oldest first, to stdout')
    .option('--format <format>', 'ndjson or csv', 'ndjson')
    .option('--from <time>', 'at or after', time)
    .option('--to <time>', 'before', time)
    .action(async ({ format, from, to }: ExportOptions) => {
      const body = await ApiClient.of(shell).stream('/v1/audit/export', { format, from, to });
      await pipeline(Readable.fromWeb(body), shell.stdout, { end: false });
    });
}

interface Head {
  readonly position: number;
  readonly hash: string;
}

/** `1200:9f86d0…`, as the command prints it. */
function headOf(text: string): Head {
  const [, position, hash] = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (position === undefined || hash === undefined) {
    throw new InvalidArgumentError('It must be POSITION:HASH, as this command prints it.');
  }
  return { position: Number(position), hash };
}

const PROBLEMS: Readonly<Record<string, string>> = {
  changed: 'was changed',
  removed: 'is missing',
  added: 'was put in past the chain',
};

/** `postern audit verify`. */
export function addAuditVerify(audit: Command, shell: Shell): void {
  audit
    .command('verify')
    .description('whether every event is as it was written, and none is missing')
    .option('--head <link>', 'POSITION:HASH that was printed before: must still be there', headOf)
    .option('--json', 'as JSON', false)
    .action(async ({ head, json }: Format & { readonly head?: Head }) => {
      const found = await ApiClient.of(shell).send('POST', '/v1/audit/verification', { head });
      if (json) showJson(shell, found);
      const at = found.head === null ? 'none' : `${found.head.position}:${found.head.hash}`;
      if (!found.whole) throw new CommandFailure(1, flawed(found.problem, found.event, at));
      if (!json) showDone(shell, `${found.events} events, none changed, head ${at}`);
    });
}

function flawed(problem: string | null, event: string | null, at: string): string {
  if (problem === 'head') return 'the audit does not have the link that --head names';
  const what = PROBLEMS[problem ?? ''] ?? 'is not right';
  return `the audit is not whole: ${event ?? 'an event'} ${what}; right up to ${at}`;
}
