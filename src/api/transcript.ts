import type { LogFilter } from '../domain/analysis.ts';
import { printable } from '../domain/log.ts';
import type { RecordingLibrary, RecordingView } from '../domain/recording.ts';
import type { Recording, SessionChannel } from '../domain/session.ts';

/** One thing that happened in a session, as text. */
export interface TranscriptEntry {
  readonly at: Date;
  readonly type: 'command' | 'output';
  readonly content: string;
  readonly channel: number;
}

/** What of a transcript is wanted, and when its session began. */
export interface TranscriptWish extends LogFilter {
  readonly startedAt: Date;
}

/** What a transcript is read from, and how it is shown. */
export interface TranscriptSource {
  readonly library: RecordingLibrary;
  /** A line as it may be shown. */
  readonly text: (text: string) => string;
  /** Null: the recording as it is. */
  readonly view: (recording: Recording) => Promise<RecordingView | null>;
  /** What is known to have been typed into a channel's shells, in the order of time. */
  readonly typed: (channel: number) => Promise<readonly TranscriptEntry[]>;
}

/** Output that follows within this many seconds belongs to one entry, */
const GAP = 1;
/** of at most this many characters. */
const MOST = 16 * 1024;

async function* output(
  source: TranscriptSource,
  recording: Recording,
): AsyncGenerator<TranscriptEntry> {
  const began = recording.startedAt.getTime();
  const entry = (at: number, content: string): TranscriptEntry => ({
    at: new Date(began + Math.round(at * 1000)),
    type: 'output',
    // Lines that were apart on the screen can be one here.
    content: source.text(content),
    channel: recording.channel,
  });
  const view = await source.view(recording);
  let content = '';
  let first = 0;
  let last = 0;
  for await (const { at, text } of source.library.logs(recording.key, view ?? undefined)) {
    if (content !== '' && (at - last > GAP || content.length >= MOST)) {
      yield entry(first, content);
      content = '';
    }
    if (content === '') first = at;
    last = at;
    content += content === '' ? text : `\n${text}`;
  }
  if (content !== '') yield entry(first, content);
}

async function* ofChannel(
  source: TranscriptSource,
  channel: SessionChannel,
  recording: Recording | undefined,
): AsyncGenerator<TranscriptEntry> {
  if (channel.command !== null) {
    const { startedAt, command, number } = channel;
    yield { at: startedAt, type: 'command', content: printable(command, 4000), channel: number };
  }
  if (recording !== undefined && (await source.library.stat(recording.key)) !== null) {
    yield* merged(await source.typed(channel.number), output(source, recording));
  }
}

/** Commands before the output that came after them. */
async function* merged(
  commands: readonly TranscriptEntry[],
  outputs: AsyncIterable<TranscriptEntry>,
): AsyncGenerator<TranscriptEntry> {
  let next = 0;
  for await (const entry of outputs) {
    for (; next < commands.length; next += 1) {
      const command = commands[next];
      if (command === undefined || command.at > entry.at) break;
      yield command;
    }
    yield entry;
  }
  yield* commands.slice(next);
}

function wanted(entry: TranscriptEntry, wish: TranscriptWish): boolean {
  const seconds = (entry.at.getTime() - wish.startedAt.getTime()) / 1000;
  if (wish.from !== null && seconds < wish.from) return false;
  if (wish.to !== null && seconds > wish.to) return false;
  return wish.search === null || entry.content.toLowerCase().includes(wish.search.toLowerCase());
}

/**
 * A session as text, read off the files of its recordings: channel after channel in the order in which
 * they began, in each the commands and the output as they came. Yields null for an entry that is not wanted, so that a reader can count and stop.
 */
export async function* transcript(
  source: TranscriptSource,
  channels: readonly SessionChannel[],
  recordings: readonly Recording[],
  wish: TranscriptWish,
): AsyncGenerator<TranscriptEntry | null> {
  const ordered = [...channels].sort((a, b) => a.number - b.number);
  for (const channel of ordered) {
    const recording = recordings.find((one) => one.channel === channel.number);
    for await (const entry of ofChannel(source, channel, recording)) {
      yield wanted(entry, wish) ? entry : null;
    }
  }
}
