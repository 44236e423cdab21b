import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf } from '../lookup.ts';
import { wholeNumber } from '../options.ts';
import { showDone } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { cellAt, rowsAt, textAt } from '../wire.ts';
import { addDecryptCommand } from './recording-decrypt.ts';
import { addKeptRecordings } from './recording-kept.ts';
import { type VerifyOptions, verifyFileOrSession } from './recording-verify.ts';

interface ExportOptions {
  readonly output?: string;
  readonly channel?: number;
  readonly format?: string;
  readonly redact: boolean;
}

/** `postern recording ls|export|decrypt|verify|keys|seals|reindex|rm|hold|release`. */
export function addRecordingCommand(program: Command, shell: Shell): void {
  const recording = program.command('recording').description('what was seen');
  addKeptRecordings(recording, shell);
  addDecryptCommand(recording, shell);
  recording
    .command('export')
    .description('the asciicast of a session, to a file or to stdout')
    .argument('<session>', 'id of the session')
    .option('-o, --output <file>', 'a new file; else stdout')
    .option('--channel <number>', 'this channel; else the first', wholeNumber(1, 1_000_000))
    .option(
      '--format <format>',
      'v3, v2, or txt: what was to be seen, as text; else the file as it lies',
    )
    .option('--redact', 'with what is secret hidden, as others get it', false)
    .action((text: string, options: ExportOptions) => exportTo(shell, text, options));
  recording
    .command('verify')
    .description('check a recording against its seals: a file, without a server, or a session')
    .argument('<file|session>', 'an asciicast, or the id of a session')
    .option(
      '--key <file>',
      'the public keys to trust, PEM; else those of this machine, or of the server',
    )
    .option(
      '--seals <file>',
      'of a file: the noted seals ("postern recording seals", or what a sink was told)',
    )
    .option('--identity <file>', 'of an encrypted one: the secret key of age that opens it')
    .option('--channel <number>', 'of a session; else the first', wholeNumber(1, 1_000_000))
    .option('--json', 'as JSON', false)
    .action((text: string, options: VerifyOptions) => verifyFileOrSession(shell, text, options));
  recording
    .command('keys')
    .description('the public keys that recordings are sealed with, PEM')
    .action(async () => {
      const data = await ApiClient.of(shell).get('/v1/sealing-keys');
      for (const key of rowsAt(data, 'sealing_keys')) {
        shell.stdout.write(textAt(key, 'public_key') ?? '');
      }
    });
  recording
    .command('reindex')
    .description('read recordings for commands and text again, in the background')
    .argument('[session]', 'id of the session')
    .option('--all', 'every recording that has ended, of all nodes', false)
    .action((text: string | undefined, options: { readonly all: boolean }) =>
      reindex(shell, text, options.all),
    );
  recording
    .command('seals')
    .description('the seals of a recording as the database noted them, a line each')
    .argument('<session>', 'id of the session')
    .option('--channel <number>', 'this channel; else the first', wholeNumber(1, 1_000_000))
    .action(async (text: string, { channel }: { readonly channel?: number }) => {
      const path = `/v1/sessions/${idOf('sess', text)}/recording/seals` as const;
      for (const seal of rowsAt(await ApiClient.of(shell).get(path, { channel }), 'seals')) {
        shell.stdout.write(`${textAt(seal, 'line')}\n`);
      }
    });
}

async function exportTo(shell: Shell, text: string, options: ExportOptions): Promise<void> {
  const { output, channel, format } = options;
  const redact = options.redact ? '1' : undefined;
  const session = `/v1/sessions/${idOf('sess', text)}`;
  const stream =
    format === 'txt'
      ? ApiClient.of(shell).stream(`${session}/transcript`, { channel, redact })
      : ApiClient.of(shell).stream(`${session}/recording`, { channel, format, redact });
  const body = Readable.fromWeb(await stream);
  if (output === undefined) {
    await pipeline(body, shell.stdout, { end: false });
    return;
  }
  try {
    // A file that is there is somebody's: nothing is written over.
    await pipeline(body, createWriteStream(output, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    throw new CommandFailure(1, `${output} cannot be written (${code})`, { cause: error });
  }
  showDone(shell, `wrote ${output}`);
}

async function reindex(shell: Shell, text: string | undefined, all: boolean): Promise<void> {
  if ((text === undefined) !== all) {
    throw new CommandFailure(2, 'give the id of a session, or --all');
  }
  const path =
    text === undefined
      ? '/v1/recordings/analysis'
      : (`/v1/sessions/${idOf('sess', text)}/recording/analysis` as const);
  const data = await ApiClient.of(shell).send('POST', path);
  showDone(shell, `recordings to be read again: ${cellAt(data, 'recordings')}`);
}
