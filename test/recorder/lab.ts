import { readFileSync } from 'node:fs';
import type { LogFields, Logger } from '../../src/domain/log.ts';
import type { ChannelRecording, Recorder, RecordingStart } from '../../src/domain/recording.ts';
import type { Pty, Window } from '../../src/domain/terminal.ts';
import { openRecorder, type RecorderOptions } from '../../src/recorder/recorder.ts';
import { type CheckedCast, checkAsciicast } from '../support/asciicast.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { SEALING_KEY } from './sealing.ts';

const STARTED = new Date('2026-11-22T10:20:30.456Z');

export function window(cols: number, rows: number): Window {
  return { cols, rows, width: 0, height: 0 };
}

export const PTY: Pty = {
  term: 'xterm-256color',
  window: window(100, 30),
  modes: new Uint8Array(),
};

/** A recording with a terminal, unless `more` says otherwise. */
export function start(more: Partial<RecordingStart> = {}): RecordingStart {
  return {
    sessionId: 12,
    channel: 1,
    startedAt: STARTED,
    pty: PTY,
    command: null,
    title: 'alice on deploy@web1',
    ...more,
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger whose lines can be looked at. */
export function listeningLog(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const log = {
    lines,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  };
  return log;
}

/** A recorder over a directory of its own; both are gone after the test. */
export interface Lab extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly scratch: Scratch;
  readonly root: string;
  readonly log: ReturnType<typeof listeningLog>;
  /** What is on disk now, checked line by line. */
  cast(recording: Pick<ChannelRecording, 'key'>): CheckedCast;
  bytes(recording: Pick<ChannelRecording, 'key'>): Buffer;
}

export async function lab(
  options: Partial<RecorderOptions> & { readonly below?: string } = {},
): Promise<Lab> {
  const place = scratch();
  const root = place.join(options.below ?? 'recordings');
  const log = listeningLog();
  const recorder = await openRecorder({ root, log, sealingKey: SEALING_KEY, ...options });
  const bytes = ({ key }: Pick<ChannelRecording, 'key'>) => readFileSync(`${root}/${key}`);
  return {
    recorder,
    scratch: place,
    root,
    log,
    bytes,
    cast: (recording) => checkAsciicast(bytes(recording)),
    async [Symbol.asyncDispose]() {
      await recorder.close();
      place[Symbol.dispose]();
    },
  };
}

/** Numbers that look random and are the same in every run (xorshift32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** `bytes` in pieces of 1 to `most` bytes. */
export function pieces(bytes: Buffer, most: number, random: (below: number) => number): Buffer[] {
  const all: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const length = 1 + random(most);
    all.push(bytes.subarray(from, from + length));
    from += length;
  }
  return all;
}
