import { createWebSocketStream, type WebSocket } from 'ws';
import { printable } from '../domain/log.ts';
import type { CastEvent } from '../domain/recording.ts';
import { logEntries } from '../recorder/text.ts';
import { type AlisFrame, readFrame } from './alis.ts';
import { Drawing } from './drawing.ts';
import { put, RESET } from './playback.ts';
import { CommandFailure, type Shell } from './shell.ts';

/** Messages that may wait for the terminal; then the server is read from no more, which it notices. */
const MOST_WAITING = 64;

/** The server says so when the channel is over (docs/recordings.md). */
const ENDED = 1000;

/** What a program may have left that `RESET` leaves: scroll region, character sets, cursor keys, origin. */
const PLAIN = `${RESET}\u001b[r\u001b(B\u000f\u001b[?1l\u001b>\u001b[?6l\u001b[?7h\u001b[4l`;

const CLEAR = '\u001b[H\u001b[2J';
const TO_BOTTOM = '\u001b[999;1H\r\n';

/** What the stream said before it ended. */
interface Outcome {
  status: number | null;
  closed: { readonly code: number; readonly reason: string } | null;
}

async function* framesOf(socket: WebSocket, left: AbortSignal): AsyncGenerator<AlisFrame> {
  const options = { readableObjectMode: true, readableHighWaterMark: MOST_WAITING };
  const stream = createWebSocketStream(socket, options);
  const leave = (): void => void stream.destroy();
  left.addEventListener('abort', leave, { once: true });
  // It may end with the connection; `watch` says how it ended.
  stream.on('error', () => undefined);
  try {
    for await (const message of stream) if (Buffer.isBuffer(message)) yield readFrame(message);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
  } finally {
    left.removeEventListener('abort', leave);
    socket.terminate();
  }
}

async function toTerminal(shell: Shell, frames: AsyncIterable<AlisFrame>, outcome: Outcome) {
  let drawing = new Drawing();
  try {
    for await (const frame of frames) {
      if (frame.type === 'reset') {
        drawing = new Drawing();
        await put(shell.stdout, PLAIN + CLEAR + drawing.take(frame.text));
      } else if (frame.type === 'output') await put(shell.stdout, drawing.take(frame.text));
      else if (frame.type === 'exit') outcome.status = frame.status;
    }
  } finally {
    await put(shell.stdout, PLAIN + TO_BOTTOM);
  }
}

/** The screen's lines that were not on the screen before: it moves up. */
function newLines(lines: readonly string[], before: readonly string[]): readonly string[] {
  for (let from = 0; from < before.length; from += 1) {
    const kept = before.slice(from);
    if (kept.every((line, at) => lines[at] === line)) return lines.slice(kept.length);
  }
  return lines;
}

async function linesOfScreen(text: string): Promise<readonly string[]> {
  async function* once() {
    yield { at: 0, code: 'o', data: text, isError: false };
  }
  const lines: string[] = [];
  for await (const entry of logEntries(once())) lines.push(entry.text);
  return lines;
}

async function* eventsOf(
  frames: AsyncIterable<AlisFrame>,
  outcome: Outcome,
): AsyncGenerator<CastEvent> {
  let screen: readonly string[] = [];
  for await (const frame of frames) {
    const at = performance.now() / 1000;
    if (frame.type === 'reset') {
      const lines = await linesOfScreen(frame.text);
      const data = newLines(lines, screen).map((line) => `${line}\r\n`);
      screen = lines;
      yield { at, code: 'o', data: data.join(''), isError: false };
    } else if (frame.type === 'output') {
      yield { at, code: 'o', data: frame.text, isError: false };
    } else if (frame.type === 'exit') {
      outcome.status = frame.status;
    }
  }
}

async function asText(shell: Shell, frames: AsyncIterable<AlisFrame>, outcome: Outcome) {
  for await (const { text } of logEntries(eventsOf(frames, outcome))) {
    await put(shell.stdout, `${text}\n`);
  }
}

/**
 * Shows what `socket` (of v1.alis, paused) sends until it closes or `left` is aborted: in a terminal the session's
 * screen, which is left plain; elsewhere lines of text. Throws CommandFailure when it broke off.
 */
export async function watch(shell: Shell, socket: WebSocket, left: AbortSignal): Promise<void> {
  const outcome: Outcome = { status: null, closed: null };
  socket.once('close', (code, reason) => {
    outcome.closed = { code, reason: reason.toString() };
  });
  const frames = framesOf(socket, left);
  await (shell.terminal ? toTerminal(shell, frames, outcome) : asText(shell, frames, outcome));
  if (left.aborted) return;
  const { closed, status } = outcome;
  if (closed?.code !== ENDED) {
    const reason = closed?.reason ?? '';
    throw new CommandFailure(1, reason === '' ? 'the server went away' : printable(reason, 200));
  }
  const exit = status === null ? '' : `, with status ${status}`;
  if (shell.terminal) shell.stderr.write(`the channel has ended${exit}\n`);
}
