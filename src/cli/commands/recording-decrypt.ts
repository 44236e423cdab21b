import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { reasonOf } from '../../domain/log.ts';
import { piecesOf } from '../../recorder/verify-encrypted.ts';
import { showDone } from '../output.ts';
import { type RecordingFile, withRecordingFile } from '../recording-file.ts';
import { CommandFailure, type Shell } from '../shell.ts';

interface DecryptOptions {
  readonly identity: string;
  readonly output?: string;
}

/** `postern recording decrypt`: needs no server. */
export function addDecryptCommand(recording: Command, shell: Shell): void {
  recording
    .command('decrypt')
    .description(
      'the asciicast in an encrypted recording, to a file or to stdout; without a server',
    )
    .argument('<file>', 'as "postern recording export" makes it')
    .requiredOption('--identity <file>', 'the secret key of age that it is encrypted to')
    .option('-o, --output <file>', 'a new file; else stdout')
    .action((path: string, options: DecryptOptions) =>
      withRecordingFile(path, options.identity, (file) => decrypt(shell, path, file, options)),
    );
}

async function decrypt(
  shell: Shell,
  path: string,
  file: RecordingFile,
  { output }: DecryptOptions,
): Promise<void> {
  if (file.type === 'plain') throw new CommandFailure(2, `${path} is not encrypted`);
  const body = Readable.from(piecesOf(file.bytes));
  if (output === undefined) {
    await pipeline(body, shell.stdout, { end: false });
  } else {
    await pipeline(body, createWriteStream(output, { flags: 'wx', mode: 0o600 })).catch((error) => {
      throw new CommandFailure(1, `${output} cannot be written: ${reasonOf(error)}`);
    });
  }
  const { rest } = await file.bytes.survey();
  if (rest > 0) {
    throw new CommandFailure(
      1,
      `the last ${rest} bytes of ${path} do not open: what came before them is there`,
    );
  }
  if (output !== undefined) showDone(shell, `wrote ${output}`);
}
