import { type RawBuilder, type Selectable, sql } from 'kysely';
import type {
  ContainerPlace,
  ContainerSession,
  ContainerSessionStore,
  ContainerStanding,
} from '../domain/container-session.ts';
import { Secret } from '../domain/secret.ts';
import type { NewSession, Session } from '../domain/session.ts';
import { atomically } from './atomically.ts';
import { passwordPlace } from './sealed-columns.ts';
import { toSession } from './session-rows.ts';
import { SqlSessionStore } from './sessions.ts';
import type { Db, Tables } from './tables.ts';
import type { Sealed, Vault } from './vault.ts';

type Row = Selectable<Tables['container_sessions']> & { readonly isTokenGood: boolean };

const LIVE = ['pending', 'active'] as const;

/** Sessions of one answer to who ends them. */
const MOST_AT_ONCE = 100;

/** What sessions of containers have beside their rows; their passwords sealed with the vault. */
export class SqlContainerSessionStore implements ContainerSessionStore {
  readonly #db: Db;
  readonly #vault: Vault;

  constructor(db: Db, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
  }

  create(
    session: NewSession,
    of: Parameters<ContainerSessionStore['create']>[1],
  ): Promise<Session> {
    return atomically(this.#db, async (db) => {
      const made = await new SqlSessionStore(db).create(session);
      await db
        .insertInto('container_sessions')
        .values({
          id: made.id,
          stack_id: of.stackId,
          service: of.service,
          code: of.code,
          expires_at: of.expiresAt,
          token_id: of.tokenId,
        })
        .execute();
      return made;
    });
  }

  async get(sessionId: number): Promise<ContainerSession | null> {
    const query = this.#db
      .selectFrom('container_sessions')
      .selectAll()
      .select(tokenIsGood(new Date()).as('isTokenGood'))
      .where('id', '=', sessionId);
    return await this.#whole(await query.executeTakeFirst());
  }

  async standing(sessionIds: readonly number[]): Promise<ReadonlyMap<number, ContainerStanding>> {
    const rows = await this.#db
      .selectFrom('container_sessions')
      .innerJoin('sessions', 'sessions.id', 'container_sessions.id')
      .select(['container_sessions.id', 'container_id', 'container_name'])
      .select(tokenIsGood(new Date()).as('isTokenGood'))
      .where('container_sessions.id', '=', sql<number>`any(${[...sessionIds]}::bigint[])`)
      .where('sessions.status', 'in', LIVE)
      .execute();
    return new Map(
      rows.map(({ id, container_id: containerId, container_name: containerName, isTokenGood }) => [
        id,
        { containerId, containerName, isTokenGood },
      ]),
    );
  }

  async newest(
    stackId: number,
    service: string,
    userId: number | null,
  ): Promise<ContainerSession | null> {
    const all = this.#db
      .selectFrom('container_sessions')
      .innerJoin('sessions', 'sessions.id', 'container_sessions.id')
      .selectAll('container_sessions')
      .select(tokenIsGood(new Date()).as('isTokenGood'))
      .where('stack_id', '=', stackId)
      .where('service', '=', service);
    const found = userId === null ? all : all.where('sessions.user_id', '=', userId);
    const newest = found.orderBy('container_sessions.id', 'desc').limit(1);
    const live = await newest.where('sessions.status', 'in', LIVE).executeTakeFirst();
    return await this.#whole(live ?? (await newest.executeTakeFirst()));
  }

  ready(sessionId: number, place: ContainerPlace, at: Date): Promise<boolean> {
    return atomically(this.#db, async (db) => {
      if (!(await new SqlSessionStore(db).activate(sessionId, at))) return false;
      const { password } = place;
      const sealed: Sealed | null =
        password === null ? null : this.#vault.seal(password.expose(), passwordPlace(sessionId));
      await db
        .updateTable('container_sessions')
        .set({
          container_id: place.containerId,
          container_name: place.containerName,
          expires_at: place.expiresAt,
          password: sealed,
        })
        .where('id', '=', sessionId)
        .execute();
      return true;
    });
  }

  async password(sessionId: number): Promise<Secret | null> {
    const now = new Date();
    const row = await this.#db
      .selectFrom('container_sessions')
      .innerJoin('sessions', 'sessions.id', 'container_sessions.id')
      .select('password')
      .where('container_sessions.id', '=', sessionId)
      .where('joined_at', 'is', null)
      .where('expires_at', '>', now)
      .where(tokenIsGood(now))
      .where('sessions.status', '=', 'active')
      .executeTakeFirst();
    if (row === undefined || row.password === null) return null;
    const opened = this.#vault.open(row.password, passwordPlace(sessionId));
    return 'failed' in opened ? null : new Secret(opened.text);
  }

  join(
    sessionId: number,
    by: Parameters<ContainerSessionStore['join']>[1],
    at: Date,
  ): Promise<Session | null> {
    return atomically(this.#db, async (db) => {
      if ((await waitingIn(db, sessionId)) !== 'active') return null;
      const joined = await db
        .updateTable('container_sessions')
        .set({ joined_at: at, password: null })
        .where('id', '=', sessionId)
        .where('expires_at', '>', at)
        .where(tokenIsGood(at))
        .executeTakeFirst();
      if (joined.numUpdatedRows === 0n) return null;
      const session = await db
        .updateTable('sessions')
        .set({
          node: by.node,
          kind: by.kind,
          login: by.login,
          ip_address: by.ipAddress,
          user_agent: by.userAgent,
          last_activity: at,
          approval_id: by.approval?.id ?? null,
          approved_by: by.approval?.approvedBy ?? null,
          approval_reason: by.approval?.reason ?? null,
        })
        .where('id', '=', sessionId)
        .returningAll()
        .executeTakeFirstOrThrow();
      return toSession(session);
    });
  }

  async holdWaiting(sessionId: number): Promise<boolean> {
    return (await waitingIn(this.#db, sessionId)) !== null;
  }

  async overdue(now: Date, after: number): Promise<readonly number[]> {
    return idsOf(await this.#next(after).where('expires_at', '<', now).execute());
  }

  async withdrawn(now: Date, after: number): Promise<readonly number[]> {
    const mayNotCome = sql<boolean>`not (${tokenIsGood(now)} and ${ownerMayCome(now)})`;
    return idsOf(await this.#next(after).where(mayNotCome).execute());
  }

  async waiting(node: string): Promise<readonly number[]> {
    return idsOf(await this.#waiting().where('sessions.node', '=', node).execute());
  }

  /** Of those that wait. */
  #next(after: number) {
    const query = this.#waiting().where('container_sessions.id', '>', after);
    return query.orderBy('container_sessions.id').limit(MOST_AT_ONCE);
  }

  #waiting() {
    return this.#db
      .selectFrom('container_sessions')
      .innerJoin('sessions', 'sessions.id', 'container_sessions.id')
      .select('container_sessions.id')
      .where('joined_at', 'is', null)
      .where('sessions.status', 'in', LIVE);
  }

  async #whole(row: Row | undefined): Promise<ContainerSession | null> {
    if (row === undefined) return null;
    const query = this.#db.selectFrom('sessions').selectAll().where('id', '=', row.id);
    return {
      session: toSession(await query.executeTakeFirstOrThrow()),
      stackId: row.stack_id,
      service: row.service,
      containerId: row.container_id,
      containerName: row.container_name,
      code: row.code,
      expiresAt: row.expires_at,
      joinedAt: row.joined_at,
      isTokenGood: row.isTokenGood,
    };
  }
}

function idsOf(rows: readonly { readonly id: number }[]): readonly number[] {
  return rows.map(({ id }) => id);
}

/** Of the session of a row: a token that is revoked has no row. */
function tokenIsGood(now: Date): RawBuilder<boolean> {
  return sql<boolean>`(container_sessions.token_id is null or exists (select from tokens
    where tokens.id = container_sessions.token_id
      and (tokens.expires_at is null or tokens.expires_at > ${now})))`;
}

/** As `mayDownloadKey` of domain/stack.ts, wherever they come from. */
function ownerMayCome(now: Date): RawBuilder<boolean> {
  return sql<boolean>`exists (select from users, grants
    where users.id = sessions.user_id and not users.disabled
      and grants.stack_id = container_sessions.stack_id and 'shell' = any(grants.allow)
      and (grants.until is null or grants.until > ${now})
      and (grants.user_id = users.id or grants.group_id in
        (select group_id from group_members where user_id = users.id)))`;
}

/** The status of a live session whose user has not come, its row locked; null: it is none. */
async function waitingIn(db: Db, sessionId: number): Promise<string | null> {
  const { rows } = await sql<{ status: string }>`select status from sessions
    where id = ${sessionId} and status in ('pending', 'active')
      and exists (select from container_sessions as one where one.id = sessions.id) for update`.execute(
    db,
  );
  if (rows[0] === undefined) return null;
  // Not before the lock: who had it may have just let the user in.
  const query = db.selectFrom('container_sessions').select('joined_at').where('id', '=', sessionId);
  const row = await query.executeTakeFirst();
  return row === undefined || row.joined_at !== null ? null : rows[0].status;
}
