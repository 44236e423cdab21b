import { type SelectQueryBuilder, sql } from 'kysely';
import type {
  KeptRecording,
  RecordingFilter,
  RecordingStore,
  Removal,
} from '../domain/kept-recording.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { RepairedRecording } from '../domain/recording.ts';
import type { LegalHold, Recording } from '../domain/session.ts';
import { forgetAnalysis } from './analyses.ts';
import { atomically } from './atomically.ts';
import { readPage } from './paging.ts';
import { SqlSealStore } from './seals.ts';
import { toRecording, toSession } from './session-rows.ts';
import type { Db, Tables } from './tables.ts';

type Found = SelectQueryBuilder<Tables, 'recordings' | 'sessions', object>;

/** In words that the partial index has too, so that it serves. */
const KEPT = sql<boolean>`recordings.state not in ('recording', 'deleted')`;

/** It broke, and nobody has looked at what is left of it; in words that the partial index has too. */
export const BROKEN = sql<boolean>`recordings.state in ('gap', 'truncated') and recordings.size is null
  and recordings.tampered_at is null`;

/** What the groups demand that a recording's user is in now. */
const ofGroups = sql`select groups.retention from groups
  join group_members on group_id = groups.id
  where group_members.user_id = sessions.user_id and groups.retention is not null`;

/** What of a node's may be deleted, with the machines that it was recorded on. */
function removable(db: Db, node: string) {
  return db
    .selectFrom('recordings')
    .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
    .leftJoin('machines', 'machines.id', 'sessions.machine_id')
    .where('sessions.node', '=', node)
    .where('sessions.hold_at', 'is', null)
    .where(KEPT);
}

/** What is kept of recordings, and for how long. */
export class SqlRecordingStore implements RecordingStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async list(filter: RecordingFilter, page: PageRequest): Promise<Page<KeptRecording>> {
    const found = this.#found(filter).selectAll('recordings');
    const { rows, ...rest } = await readPage(this.#db, page, found, toRecording, {
      id: 'recordings.id',
    });
    return { ...rest, rows: await this.#withSessions(rows) };
  }

  remove(id: number, by: string, at: Date): Promise<Removal> {
    return atomically(this.#db, async (db) => {
      const removal = await this.#remove(db, id, by, at);
      if (removal === 'removed') await forgetAnalysis(db, id);
      return removal;
    });
  }

  async #remove(db: Db, id: number, by: string, at: Date): Promise<Removal> {
    const removed = await db
      .updateTable('recordings')
      .set({ state: 'deleted', removed_at: at, removed_by: by })
      .where('id', '=', id)
      .where(KEPT)
      // Whoever puts a hold on waits for this, or this for them.
      .where('session_id', 'in', (eb) =>
        eb
          .selectFrom('sessions')
          .select('sessions.id')
          .whereRef('sessions.id', '=', 'recordings.session_id')
          .where('hold_at', 'is', null)
          .forShare(),
      )
      .returning('id')
      .executeTakeFirst();
    if (removed !== undefined) return 'removed';
    const found = db.selectFrom('recordings').select('state').where('id', '=', id);
    const state = (await found.executeTakeFirst())?.state ?? 'deleted';
    if (state === 'deleted') return 'gone';
    return state === 'recording' ? 'live' : 'held';
  }

  expired(node: string, age: number, now: Date, most: number): Promise<readonly KeptRecording[]> {
    // The longest that its machine or a group of its user demands, where 0 is for ever.
    const own = sql<number>`coalesce((
      select case when min(each) = 0 then 0 else max(each) end from (
        select machines.retention as each
        union all ${ofGroups}) as every), ${age}::bigint)`;
    // With the shortest of all, the index finds what can be too old without a look at the rest.
    const shortest = sql<number>`(select min(each) from (
      select retention as each from machines where retention > 0
      union all select retention from groups where retention > 0
      union all select ${age}::bigint where ${age}::bigint > 0) as every)`;
    const before = (seconds: typeof own) =>
      sql<boolean>`recordings.ended_at < ${now}::timestamptz - make_interval(secs => ${seconds})`;
    const query = removable(this.#db, node).where(sql<boolean>`${own} > 0`).where(before(own));
    return this.#oldest(query.where(before(shortest)), most);
  }

  oldest(node: string, most: number): Promise<readonly KeptRecording[]> {
    const ruled = sql<boolean>`not exists (${ofGroups})`;
    const found = removable(this.#db, node).where('machines.retention', 'is', null).where(ruled);
    return this.#oldest(found, most);
  }

  async size(node: string): Promise<number> {
    const { size } = await this.#db
      .selectFrom('recordings')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .select(sql<number>`coalesce(sum(size), 0)::bigint`.as('size'))
      .where('sessions.node', '=', node)
      .where(KEPT)
      .executeTakeFirstOrThrow();
    return size;
  }

  async broken(
    node: string,
    before: Date,
    after: number,
    most: number,
  ): Promise<readonly Recording[]> {
    const query = this.#db
      .selectFrom('recordings')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .selectAll('recordings')
      .where(BROKEN)
      .where('sessions.node', '=', node)
      .where('recordings.ended_at', '<', before)
      .where('recordings.id', '>', after)
      .orderBy('recordings.id')
      .limit(most);
    return (await query.execute()).map(toRecording);
  }

  async settle({ id, sessionId, channel }: Recording, repaired: RepairedRecording): Promise<void> {
    const { state, receipt, size } = repaired;
    if (receipt !== null) await new SqlSealStore(this.#db).add(sessionId, channel, receipt.seal);
    await this.#db
      .updateTable('recordings')
      .set({
        state,
        recorded_bytes: receipt?.recordedBytes ?? null,
        size: receipt?.size ?? size ?? 0,
        duration: receipt?.duration ?? null,
        sha256: receipt?.sha256 ?? null,
      })
      .where('id', '=', id)
      .where(BROKEN)
      .execute();
  }

  async hold(sessionId: number, { at, by, reason }: LegalHold): Promise<boolean> {
    const held = await this.#db
      .updateTable('sessions')
      .set({ hold_at: at, hold_by: by, hold_reason: reason })
      .where('id', '=', sessionId)
      .where('hold_at', 'is', null)
      .executeTakeFirst();
    return held.numUpdatedRows > 0n;
  }

  async release(sessionId: number): Promise<boolean> {
    const released = await this.#db
      .updateTable('sessions')
      .set({ hold_at: null, hold_by: null, hold_reason: null })
      .where('id', '=', sessionId)
      .where('hold_at', 'is not', null)
      .executeTakeFirst();
    return released.numUpdatedRows > 0n;
  }

  async #oldest(
    found: ReturnType<typeof removable>,
    most: number,
  ): Promise<readonly KeptRecording[]> {
    const query = found.selectAll('recordings').orderBy('recordings.ended_at').limit(most);
    return this.#withSessions((await query.execute()).map(toRecording));
  }

  async #withSessions(recordings: readonly Recording[]): Promise<readonly KeptRecording[]> {
    const ids = [...new Set(recordings.map(({ sessionId }) => sessionId))];
    const rows = await this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', sql<number>`any(${ids}::bigint[])`)
      .execute();
    const sessions = new Map(rows.map((row) => [row.id, toSession(row)]));
    return recordings.flatMap((recording) => {
      const session = sessions.get(recording.sessionId);
      return session === undefined ? [] : [{ recording, session }];
    });
  }

  #found({ userId, machineId, sessionId, state, from, to }: RecordingFilter): Found {
    let query: Found = this.#db
      .selectFrom('recordings')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id');
    if (userId !== undefined) query = query.where('sessions.user_id', '=', userId);
    if (machineId !== undefined) query = query.where('sessions.machine_id', '=', machineId);
    if (sessionId !== undefined) query = query.where('sessions.id', '=', sessionId);
    if (from !== undefined) query = query.where('recordings.started_at', '>=', from);
    if (to !== undefined) query = query.where('recordings.started_at', '<', to);
    if (state === undefined) return query;
    // As toRecording has it.
    if (state === 'deleted') return query.where('recordings.state', '=', 'deleted');
    if (state === 'tampered') {
      return query.where(
        sql<boolean>`recordings.state <> 'deleted' and
          (recordings.state = 'tampered' or recordings.tampered_at is not null)`,
      );
    }
    return query.where('recordings.state', '=', state).where('tampered_at', 'is', null);
  }
}
