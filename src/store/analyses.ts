import { type SelectQueryBuilder, sql } from 'kysely';
import type {
  Analysis,
  AnalysisChanges,
  AnalysisDue,
  AnalysisStore,
  LogFilter,
  LogPage,
  SessionCommand,
  SessionLogEntry,
  TranscriptBlock,
} from '../domain/analysis.ts';
import { commandsOf, logOf } from './analysis-log.ts';
import { type AnalysisPlace, MOST_ROWS, writeBlocks, writeCommands } from './analysis-rows.ts';
import { atomically } from './atomically.ts';
import { gatherAll, gatherOlder, gatherWritten } from './search-gathering.ts';
import { beginLoose, forgetSheets } from './search-sheets.ts';
import type { Db, Tables } from './tables.ts';
import { MAY_BE_FOUND } from './unsearched.ts';

/** Takes away everything that was read off a recording. */
export async function forgetAnalysis(db: Db, recordingId: number): Promise<void> {
  await db.deleteFrom('commands').where('recording_id', '=', recordingId).execute();
  await db.deleteFrom('transcript_blocks').where('recording_id', '=', recordingId).execute();
  await db.deleteFrom('recording_analyses').where('recording_id', '=', recordingId).execute();
  await forgetSheets(db, recordingId);
}

/** What was read off recordings; written by one node, that of the recording. */
export class SqlAnalysisStore implements AnalysisStore {
  readonly #db: Db;
  readonly #hasSheets: boolean;

  /** `hasSheets`: false leaves all texts loose, and search reads them through. */
  constructor(db: Db, hasSheets: boolean) {
    this.#db = db;
    this.#hasSheets = hasSheets;
  }

  async due(node: string, most: number): Promise<readonly AnalysisDue[]> {
    const rows = await this.#db
      .selectFrom('recording_analyses')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .select(['recordings.id', 'session_id', 'channel', 'key', 'recordings.state'])
      // In words that the partial index has too, so that it serves.
      .where(sql<boolean>`recording_analyses.state in ('waiting', 'running')`)
      .where('sessions.node', '=', node)
      .where('recordings.state', 'not in', ['failed', 'deleted'])
      .orderBy('recordings.id')
      .limit(most)
      .execute();
    return rows.map((row) => ({
      recordingId: row.id,
      sessionId: row.session_id,
      channel: row.channel,
      key: row.key,
      isLive: row.state === 'recording',
    }));
  }

  begin(recordingId: number, version: number): Promise<boolean> {
    return atomically(this.#db, async (db) => {
      const place = await lock(db, recordingId);
      if (place === null) return false;
      await forgetAnalysis(db, recordingId);
      await beginLoose(db, place);
      await db
        .insertInto('recording_analyses')
        .values({ recording_id: recordingId, state: 'running', version })
        .execute();
      await count(db, place.session_id);
      return true;
    });
  }

  write(recordingId: number, { commands, blocks }: AnalysisChanges): Promise<boolean> {
    return atomically(this.#db, async (db) => {
      const place = await lock(db, recordingId);
      if (place === null) return false;
      for (let at = 0; at < commands.length; at += MOST_ROWS) {
        await writeCommands(db, place, commands.slice(at, at + MOST_ROWS));
      }
      for (let at = 0; at < blocks.length; at += MOST_ROWS) {
        await writeBlocks(db, place, blocks.slice(at, at + MOST_ROWS));
      }
      if (commands.length > 0) await count(db, place.session_id);
      if (!this.#hasSheets) return true;
      await gatherWritten(db, place, {
        command: commands.map(({ index }) => index),
        output: blocks.map(({ index }) => index),
      });
      return true;
    });
  }

  end(recordingId: number, reason: string | null): Promise<void> {
    return atomically(this.#db, async (db) => {
      if (this.#hasSheets) await gatherAll(db, recordingId);
      await db
        .updateTable('recording_analyses')
        .set({ state: reason === null ? 'done' : 'failed', reason, changed_at: sql<Date>`now()` })
        .where('recording_id', '=', recordingId)
        .execute();
    });
  }

  gather(): Promise<boolean> {
    return this.#hasSheets ? atomically(this.#db, gatherOlder) : Promise.resolve(false);
  }

  again(sessionId: number | null): Promise<number> {
    const all = this.#readable();
    return this.#wait(sessionId === null ? all : all.where('sessions.id', '=', sessionId));
  }

  outdated(node: string, version: number): Promise<number> {
    const own = this.#readable().where('sessions.node', '=', node);
    return this.#wait(own.where('recording_analyses.version', '<', version));
  }

  /** Recordings that can be analysed again. */
  #readable() {
    return this.#db
      .selectFrom('recording_analyses')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .select('recordings.id')
      .where('recordings.state', 'not in', ['recording', 'failed', 'deleted']);
  }

  async #wait<Found extends keyof Tables>(
    found: SelectQueryBuilder<Tables, Found, { id: number }>,
  ): Promise<number> {
    const { numUpdatedRows } = await this.#db
      .updateTable('recording_analyses')
      .set({ state: 'waiting', reason: null })
      .where('recording_id', 'in', found)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  }

  async ofSession(sessionId: number): Promise<readonly Analysis[]> {
    const rows = await this.#db
      .selectFrom('recording_analyses')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .select(['recording_id', 'channel', 'recording_analyses.state', 'reason'])
      .where('session_id', '=', sessionId)
      .orderBy('channel')
      .execute();
    return rows.map(({ recording_id: recordingId, channel, state, reason }) => ({
      ...{ recordingId, channel, state, reason },
    }));
  }

  commands(sessionId: number, page: LogPage): Promise<readonly SessionCommand[]> {
    return commandsOf(this.#db, sessionId, page);
  }

  log(sessionId: number, filter: LogFilter, page: LogPage): Promise<readonly SessionLogEntry[]> {
    return logOf(this.#db, sessionId, filter, page);
  }

  async blocks(
    sessionId: number,
    channel: number,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<readonly TranscriptBlock[]> {
    const rows = await this.#db
      .selectFrom('transcript_blocks')
      .selectAll()
      .where('session_id', '=', sessionId)
      .where('channel', '=', channel)
      .where('number', '>=', from)
      .orderBy('number')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      channel: row.channel,
      index: row.number,
      from: row.from_s,
      to: row.to_s,
      text: row.body,
      stream: row.stream,
      kind: row.kind,
    }));
  }
}

/** Where rows of a recording go, which nobody deletes meanwhile; null: it is gone. */
async function lock(db: Db, recordingId: number): Promise<AnalysisPlace | null> {
  const row = await db
    .selectFrom('recordings')
    .innerJoin('sessions', 'sessions.id', 'session_id')
    .select(['recordings.id', 'session_id', 'channel', 'recordings.started_at'])
    .select(['sessions.user_id', 'sessions.machine_id'])
    .select(MAY_BE_FOUND.as('indexed'))
    .where('recordings.id', '=', recordingId)
    .where('state', '<>', 'deleted')
    .forShare('recordings')
    .executeTakeFirst();
  if (row === undefined) return null;
  const { id, started_at: startedAt, ...common } = row;
  return { recording_id: id, startedAt, ...common };
}

/** Exec channels count by themselves, also those that are not recorded. */
async function count(db: Db, sessionId: number): Promise<void> {
  await db
    .updateTable('sessions')
    .set({
      commands_count: sql<number>`(select count(*) from session_channels
        where session_id = ${sessionId} and kind = 'exec') + (select count(*) from commands
        where session_id = ${sessionId} and source <> 'exec')`,
    })
    .where('id', '=', sessionId)
    .execute();
}
