import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { idOf } from '../lookup.ts';
import { wholeNumber } from '../options.ts';
import type { Shell } from '../shell.ts';
import { watch } from '../watching.ts';

const PROTOCOL = 'v1.alis';

/** Ctrl-C, which a terminal in raw mode makes no signal of. */
const INTERRUPT = '\u0003';

interface WatchOptions {
  readonly channel?: number;
  readonly redact: boolean;
}

/** `postern session watch`. */
export function addWatch(session: Command, shell: Shell): void {
  session
    .command('watch')
    .description('follow a session that runs, read only; q or Ctrl-C leaves')
    .argument('<id>')
    .option(
      '--channel <number>',
      'this channel; else the first that runs',
      wholeNumber(1, 1_000_000),
    )
    .option('--redact', 'with what is secret hidden, as others see it', false)
    .action(async (text: string, { channel, redact }: WatchOptions) => {
      const path = `/v1/sessions/${idOf('sess', text)}/live`;
      const socket = await ApiClient.of(shell).socket(
        path,
        { channel, redact: redact ? '1' : undefined },
        PROTOCOL,
      );
      await untilLeft(shell, (left) => watch(shell, socket, left));
    });
}

/**
 * Runs `show` with a signal for when the user leaves. What is typed in a terminal is not shown meanwhile;
 * a terminal's own answers to what a program asked it come in longer pieces than a key.
 */
async function untilLeft(shell: Shell, show: (left: AbortSignal) => Promise<void>): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  const key = (typed: Buffer): void => {
    if (['q', 'Q', INTERRUPT].includes(typed.toString())) leave();
  };
  const { stdin } = process;
  const keys = shell.terminal && stdin.isTTY;
  if (keys) stdin.setRawMode(true).on('data', key);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
  shell.stdout.once('error', leave);
  try {
    await show(left.signal);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
    shell.stdout.off('error', leave);
    if (keys) stdin.off('data', key).setRawMode(false).pause();
  }
}
