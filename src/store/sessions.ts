import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Page, PageRequest } from '../domain/page.ts';
import type { RecordingReceipt, RecordingState } from '../domain/recording.ts';
import {
  type ChannelEnd,
  type NewChannel,
  type NewSession,
  type Recording,
  type Session,
  type SessionChannel,
  type SessionEnd,
  type SessionFilter,
  type SessionStore,
  type SessionTotals,
  statusAfter,
} from '../domain/session.ts';
import { type Meaning, meaning } from './failure.ts';
import { containing, guessed, readPage } from './paging.ts';
import { closeChannel, listChannels, openChannel } from './session-channels.ts';
import {
  closeRecording,
  listRecordings,
  type NewRecording,
  openRecording,
  recordingChecked,
  unclosedRecordings,
  unlistedRecordings,
} from './session-recordings.ts';
import { toSession } from './session-rows.ts';
import { totals } from './session-totals.ts';
import type { Db, Tables } from './tables.ts';

/** Sessions that a search counts: each is looked at, where an index does not tell them apart. */
const COUNTED_OF_SEARCH = 1000;

/** Sessions that are sooner read than found by what they say. */
const FEW = 10_000;

/** In words that the partial index has too, so that it serves. */
const LIVE = sql<boolean>`status in ('pending', 'active')`;

/**
 * Sessions, their channels and recordings. What goes forward only does so in the `where` of one
 * statement, so that two nodes, or two calls, cannot both end a session.
 */
export class SqlSessionStore implements SessionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create(session: NewSession): Promise<Session> {
    const query = this.#db
      .insertInto('sessions')
      .values({
        user_id: session.userId,
        user_name: session.userName,
        user_email: session.userEmail,
        machine_id: session.machineId,
        machine_name: session.machineName,
        machine_host: session.machineHost,
        login: session.login,
        kind: session.kind,
        node: session.node,
        started_at: session.startedAt,
        last_activity: session.startedAt,
        ip_address: session.ipAddress,
        user_agent: session.userAgent,
        approval_id: session.approval?.id ?? null,
        approved_by: session.approval?.approvedBy ?? null,
        approval_reason: session.approval?.reason ?? null,
      })
      .returningAll();
    const foreign = (constraint: string): Meaning => ({
      code: 'thing.not_found',
      params: constraint.includes('machine')
        ? { kind: 'machine', id: session.machineId }
        : { kind: 'user', id: session.userId },
    });
    return toSession(await meaning({ foreign }, query.executeTakeFirstOrThrow()));
  }

  async get(id: number): Promise<Session | null> {
    const query = this.#db.selectFrom('sessions').selectAll().where('id', '=', id);
    const row = await query.executeTakeFirst();
    return row ? toSession(row) : null;
  }

  async list({ search, ...filter }: SessionFilter, page: PageRequest): Promise<Page<Session>> {
    const timed = filter.from !== undefined || filter.to !== undefined;
    const byTime = timed ? ({ table: 'sessions', column: 'started_at' } as const) : null;
    const all = this.#found(filter).selectAll();
    if (search === undefined) return readPage(this.#db, page, all, toSession, { byTime });
    const searched = sessionsWith(search, { few: (await guessed(this.#db, all)) <= FEW });
    const paging = { byTime, counted: COUNTED_OF_SEARCH };
    return readPage(this.#db, page, all.where(searched), toSession, paging);
  }

  async activate(id: number, at: Date): Promise<boolean> {
    const result = await this.#db
      .updateTable('sessions')
      .set({ status: 'active', last_activity: at })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  async touch(id: number, at: Date, bytesIn: number, bytesOut: number): Promise<void> {
    // Heartbeats may overtake each other; nothing goes back.
    await this.#db
      .updateTable('sessions')
      .set({
        last_activity: sql<Date>`greatest(last_activity, ${at}::timestamptz)`,
        bytes_in: sql<number>`greatest(bytes_in, ${bytesIn}::bigint)`,
        bytes_out: sql<number>`greatest(bytes_out, ${bytesOut}::bigint)`,
      })
      .where('id', '=', id)
      .where(LIVE)
      .execute();
  }

  async end(id: number, end: SessionEnd): Promise<boolean> {
    const ended = await this.#db
      .with('ended', (db) =>
        db
          .updateTable('sessions')
          .set({
            status: statusAfter(end.reason),
            ended_at: end.endedAt,
            end_reason: end.reason,
            bytes_in: end.bytesIn,
            bytes_out: end.bytesOut,
          })
          .where('id', '=', id)
          .where(LIVE)
          .returning('id'),
      )
      .with('closed', (db) =>
        db
          .updateTable('session_channels')
          .set({ ended_at: end.endedAt })
          .where('ended_at', 'is', null)
          .where('session_id', 'in', (eb) => eb.selectFrom('ended').select('ended.id')),
      )
      .selectFrom('ended')
      .select('ended.id')
      .executeTakeFirst();
    return ended !== undefined;
  }

  async sweep(node: string, at: Date): Promise<readonly Session[]> {
    const rows = await this.#db
      .with('ended', (db) =>
        db
          .updateTable('sessions')
          .set({ status: statusAfter('node_died'), ended_at: at, end_reason: 'node_died' })
          .where('node', '=', node)
          .where(LIVE)
          .returningAll(),
      )
      .with('closed', (db) =>
        db
          .updateTable('session_channels')
          .set({ ended_at: at })
          .where('ended_at', 'is', null)
          .where('session_id', 'in', (eb) => eb.selectFrom('ended').select('ended.id')),
      )
      .selectFrom('ended')
      .selectAll()
      .orderBy('id')
      .execute();
    return rows.map(toSession);
  }

  async endedOf(ids: readonly number[]): Promise<readonly number[]> {
    const rows = await this.#db
      .selectFrom('sessions')
      .select('id')
      .where('id', '=', sql<number>`any(${[...ids]}::bigint[])`)
      .where('ended_at', 'is not', null)
      .execute();
    return rows.map(({ id }) => id);
  }

  unclosedRecordings(node: string): Promise<readonly Recording[]> {
    return unclosedRecordings(this.#db, node);
  }

  unlistedRecordings(keys: readonly string[]): Promise<readonly string[]> {
    return unlistedRecordings(this.#db, keys);
  }

  async live(): Promise<readonly Session[]> {
    const query = this.#db.selectFrom('sessions').selectAll().where(LIVE).orderBy('id', 'desc');
    return (await query.execute()).map(toSession);
  }

  async lastUsed(userId: number): Promise<ReadonlyMap<number, Date>> {
    const rows = await this.#db
      .selectFrom('sessions')
      .select((eb) => ['machine_id', eb.fn.max('started_at').as('at')])
      .where('user_id', '=', userId)
      .where('machine_id', 'is not', null)
      .groupBy('machine_id')
      .execute();
    return new Map(rows.map((row) => [row.machine_id ?? 0, row.at]));
  }

  totals(from: Date, to: Date): Promise<SessionTotals> {
    return totals(this.#db, from, to);
  }

  channels(sessionId: number): Promise<readonly SessionChannel[]> {
    return listChannels(this.#db, sessionId);
  }

  openChannel(channel: NewChannel): Promise<void> {
    return openChannel(this.#db, channel);
  }

  closeChannel(sessionId: number, number: number, end: ChannelEnd): Promise<void> {
    return closeChannel(this.#db, sessionId, number, end);
  }

  recordings(sessionId: number): Promise<readonly Recording[]> {
    return listRecordings(this.#db, sessionId);
  }

  openRecording(recording: NewRecording): Promise<void> {
    return openRecording(this.#db, recording);
  }

  closeRecording(
    sessionId: number,
    channel: number,
    state: RecordingState,
    receipt: RecordingReceipt | null,
    at: Date,
  ): Promise<string | null> {
    return closeRecording(this.#db, { sessionId, channel, state, receipt, at });
  }

  recordingChecked(id: number, tamperedAt: Date | null): Promise<void> {
    return recordingChecked(this.#db, id, tamperedAt);
  }

  #found(filter: Omit<SessionFilter, 'search'>): SelectQueryBuilder<Tables, 'sessions', object> {
    const { statuses, kind, userId, machineId, stackId, from, to } = filter;
    let query: SelectQueryBuilder<Tables, 'sessions', object> = this.#db.selectFrom('sessions');
    if (statuses) query = query.where('status', '=', sql<never>`any(${[...statuses]}::text[])`);
    if (kind !== undefined) query = query.where('kind', '=', kind);
    if (userId !== undefined) query = query.where('user_id', '=', userId);
    if (machineId !== undefined) query = query.where('machine_id', '=', machineId);
    if (stackId !== undefined) {
      query = query.where('machine_id', 'in', (eb) =>
        eb.selectFrom('machines').select('machines.id').where('stack_id', '=', stackId),
      );
    }
    if (from !== undefined) query = query.where('started_at', '>=', from);
    if (to !== undefined) query = query.where('started_at', '<', to);
    return query;
  }
}

/**
 * Sessions that have a text. What is of few is looked for by reading these: the trigrams of a common text are
 * read for all sessions, which the planner takes for cheap (`is true` keeps it off them).
 */
function sessionsWith(search: string, { few }: { readonly few: boolean }): RawBuilder<boolean> {
  const pattern = containing(search);
  const either = sql<boolean>`(user_name ilike ${pattern} or machine_name ilike ${pattern}
    or login ilike ${pattern} or ip_address ilike ${pattern})`;
  return few ? sql<boolean>`${either} is true` : either;
}
