import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf } from '../lookup.ts';
import { wholeNumber } from '../options.ts';
import { showDone } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';

interface ExportOptions {
  readonly output?: string;
  readonly channel?: number;
  readonly format?: string;
}

/** `postern recording export`. */
export function addRecordingCommand(program: Command, shell: Shell): void {
  const recording = program.command('recording').description('what was seen');
  recording
    .command('export')
    .description('the asciicast of a session, to a file or to stdout')
    .argument('<session>', 'id of the session')
    .option('-o, --output <file>', 'a new file; else stdout')
    .option('--channel <number>', 'this channel; else the first', wholeNumber(1, 1_000_000))
    .option('--format <version>', 'v3 or v2')
    .action((text: string, options: ExportOptions) => exportTo(shell, text, options));
}

async function exportTo(shell: Shell, text: string, options: ExportOptions): Promise<void> {
  const { output, channel, format } = options;
  const path = `/v1/sessions/${idOf('sess', text)}/recording`;
  const body = Readable.fromWeb(await ApiClient.of(shell).stream(path, { channel, format }));
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
