import type { Command, TranscriptBlock } from '../domain/analysis.ts';
import { fold } from '../domain/search.ts';
import type { Db } from './tables.ts';

/** What rows of a recording bear in common. */
export interface AnalysisPlace {
  readonly recording_id: number;
  readonly session_id: number;
  readonly user_id: number | null;
  readonly machine_id: number | null;
  readonly channel: number;
  readonly startedAt: Date;
  /** Whether it is to be found by searching. */
  readonly indexed: boolean;
}

/** Rows that one statement writes; each has up to twelve parameters. */
export const MOST_ROWS = 500;

function clock(place: AnalysisPlace, seconds: number): Date {
  return new Date(place.startedAt.getTime() + Math.round(seconds * 1000));
}

export async function writeCommands(
  db: Db,
  place: AnalysisPlace,
  commands: readonly Command[],
): Promise<void> {
  const { startedAt: _, indexed, ...common } = place;
  await db
    .insertInto('commands')
    .values(
      commands.map((command) => ({
        ...common,
        number: command.index,
        at: clock(place, command.start),
        starts: command.start,
        ends: command.end,
        body: command.text,
        folded: indexed ? fold(command.text) : null,
        exit_status: command.exitStatus,
        cwd: command.cwd,
        source: command.source,
        confidence: command.confidence,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['recording_id', 'number']).doUpdateSet((eb) => ({
        at: eb.ref('excluded.at'),
        starts: eb.ref('excluded.starts'),
        ends: eb.ref('excluded.ends'),
        body: eb.ref('excluded.body'),
        folded: eb.ref('excluded.folded'),
        exit_status: eb.ref('excluded.exit_status'),
        cwd: eb.ref('excluded.cwd'),
        source: eb.ref('excluded.source'),
        confidence: eb.ref('excluded.confidence'),
      })),
    )
    .execute();
}

export async function writeBlocks(
  db: Db,
  place: AnalysisPlace,
  blocks: readonly TranscriptBlock[],
): Promise<void> {
  const { startedAt: _, indexed, ...common } = place;
  await db
    .insertInto('transcript_blocks')
    .values(
      blocks.map((block) => ({
        ...common,
        number: block.index,
        at: clock(place, block.from),
        from_s: block.from,
        to_s: block.to,
        body: block.text,
        folded: indexed ? fold(block.text) : null,
        stream: block.stream,
        kind: block.kind,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['recording_id', 'number']).doUpdateSet((eb) => ({
        at: eb.ref('excluded.at'),
        from_s: eb.ref('excluded.from_s'),
        to_s: eb.ref('excluded.to_s'),
        body: eb.ref('excluded.body'),
        folded: eb.ref('excluded.folded'),
        stream: eb.ref('excluded.stream'),
        kind: eb.ref('excluded.kind'),
      })),
    )
    .execute();
}
