import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { analyserOf } from '../../src/analysis/analyser.ts';
import type { AnalysedChannel, Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import type { CastEvent } from '../../src/domain/recording.ts';
import { EventTimes, parseEvent } from '../../src/recorder/event.ts';
import { parseHeader } from '../../src/recorder/header.ts';

const DIRECTORY = join(import.meta.dirname, '../corpus');

/** What who drove a session knows that was done; see scripts/make-corpus.ts. Seconds. */
interface TruthCommand {
  readonly text: string;
  readonly start: number;
  readonly end: number | null;
  readonly exit: number | null;
  readonly cwd: string | null;
}

export interface Recorded {
  readonly name: string;
  readonly channel: AnalysedChannel;
  readonly events: readonly CastEvent[];
  readonly truth: readonly TruthCommand[];
  /** What was typed blind. */
  readonly secrets: readonly string[];
}

function load(name: string): Recorded {
  const text = gunzipSync(readFileSync(join(DIRECTORY, `${name}.cast.gz`))).toString('utf8');
  const [first = '', ...lines] = text.trimEnd().split('\n');
  const header = parseHeader(first);
  if (header === null) throw new Error(`${name} has no header`);
  const times = new EventTimes(3);
  const events = lines.flatMap((line) => {
    const event = parseEvent(line);
    if (event === null) return [];
    return [{ at: times.of(event), code: event.code, data: event.data, isError: false }];
  });
  const { commands, secrets } = JSON.parse(
    readFileSync(join(DIRECTORY, `${name}.json`), 'utf8'),
  ) as { readonly commands: TruthCommand[]; readonly secrets: string[] };
  const { cols, rows } = header;
  const channel = { channel: 1, cols, rows, pty: true, command: null };
  return { name, channel, events, truth: commands, secrets };
}

export function corpus(): readonly Recorded[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.json'))
    .map((file) => load(file.slice(0, -'.json'.length)));
}

export interface Found {
  readonly commands: readonly Command[];
  readonly blocks: readonly TranscriptBlock[];
}

/** Of every index, the last. */
export function latest<T extends { readonly index: number }>(all: readonly T[]): readonly T[] {
  const byIndex = new Map(all.map((one) => [one.index, one]));
  return [...byIndex.values()].toSorted((a, b) => a.index - b.index);
}

/** What is found when events come as they are, and after each of them what there is is taken. */
export function analysed(channel: AnalysedChannel, events: readonly CastEvent[]): Found {
  const analyser = analyserOf(channel, null);
  const commands: Command[] = [];
  const blocks: TranscriptBlock[] = [];
  const take = (): void => {
    const changes = analyser.take();
    commands.push(...changes.commands);
    blocks.push(...changes.blocks);
  };
  for (const event of events) {
    analyser.feed(event);
    take();
  }
  analyser.end();
  take();
  return { commands: latest(commands), blocks: latest(blocks) };
}

export interface Score {
  readonly truth: number;
  readonly found: number;
  readonly right: number;
  readonly missed: readonly string[];
  readonly wrong: readonly string[];
  /** Exit statuses that are known, and that were found. */
  readonly exits: number;
  readonly exitsRight: number;
  /** Seconds between the truth and what was found, of beginnings and of ends. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Beginnings that are further apart are not the same command's. */
const NEAR = 1.5;

/** Compares what was found with the truth: texts have to be equal, and in order. */
export function score({ truth }: Recorded, found: Found): Score {
  const left = [...found.commands];
  const missed: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const exits = { known: 0, right: 0 };
  for (const { text, start, end, exit } of truth) {
    const at = left.findIndex(
      (one) => one.text === text.trim() && Math.abs(one.start - start) < NEAR,
    );
    const [command] = at === -1 ? [] : left.splice(at, 1);
    if (exit !== null) exits.known += 1;
    if (command === undefined) {
      missed.push(text);
      continue;
    }
    if (exit !== null && command.exitStatus === exit) exits.right += 1;
    starts.push(command.start - start);
    if (end !== null && command.end !== null) ends.push(command.end - end);
  }
  return {
    truth: truth.length,
    found: found.commands.length,
    right: truth.length - missed.length,
    missed,
    wrong: left.map(({ text }) => text),
    ...{ exits: exits.known, exitsRight: exits.right, starts, ends },
  };
}
