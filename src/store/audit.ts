import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type {
  AuditEvent,
  AuditFilter,
  AuditLink,
  AuditStore,
  AuditVerdict,
  LinkedAuditEvent,
  NewAuditEvent,
} from '../domain/audit.ts';
import type { AuditState } from '../domain/audit-state.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { verifyChain } from './audit-chain.ts';
import { readPage } from './paging.ts';
import { storableJson, storableTree } from './storable.ts';
import type { Db, Tables } from './tables.ts';

/** Events that are read at once for a walk. */
const WALKED = 1000;

/** Events that are linked in one transaction, which nobody waits for but others that link. */
const LINKED = 1000;

/** What happened. Nothing here changes or removes an event; the database lets nobody. */
export class SqlAuditStore implements AuditStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async append(event: NewAuditEvent): Promise<void> {
    await this.#db
      .insertInto('audit')
      .values({
        at: event.at,
        type: event.type,
        actor: event.actor,
        user_id: event.userId,
        machine_id: event.machineId,
        session_id: event.sessionId,
        source: event.source,
        detail: storableJson(event.detail),
        before: stored(event.before),
        after: stored(event.after),
      })
      .execute();
  }

  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
    const timed = filter.from !== undefined || filter.to !== undefined;
    const byTime = timed ? ({ table: 'audit', column: 'at' } as const) : null;
    return readPage(this.#db, page, this.#found(filter).selectAll(), toEvent, { byTime });
  }

  async link(): Promise<void> {
    for (let linked = LINKED; linked === LINKED; ) linked = await linkSome(this.#db);
  }

  async *walk(filter: AuditFilter): AsyncGenerator<LinkedAuditEvent> {
    await this.link();
    let after = 0;
    for (;;) {
      const rows = await this.#found(filter)
        .innerJoin('audit_chain', 'audit_id', 'audit.id')
        .selectAll('audit')
        .select(['position', 'hash'])
        .where('audit.id', '>', after)
        .orderBy('audit.id')
        .limit(WALKED)
        .execute();
      for (const row of rows) {
        yield { ...toEvent(row), position: row.position, hash: row.hash.toString('hex') };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < WALKED) return;
      after = last.id;
    }
  }

  async verify(kept: AuditLink | null): Promise<AuditVerdict> {
    await this.link();
    return await verifyChain(this.#db, kept);
  }

  #found(filter: AuditFilter): SelectQueryBuilder<Tables, 'audit', object> {
    const { type, userId, machineId, sessionId, from, to } = filter;
    let query: SelectQueryBuilder<Tables, 'audit', object> = this.#db.selectFrom('audit');
    if (type !== undefined) query = query.where('type', '=', type);
    if (userId !== undefined) query = query.where('user_id', '=', userId);
    if (machineId !== undefined) query = query.where('machine_id', '=', machineId);
    if (sessionId !== undefined) query = query.where('session_id', '=', sessionId);
    if (from !== undefined) query = query.where('at', '>=', from);
    if (to !== undefined) query = query.where('at', '<', to);
    return query;
  }
}

/** Answers how many it has linked. */
async function linkSome(db: Db): Promise<number> {
  const { rows } = await sql<{ linked: number }>`select audit_link(${LINKED}) as linked`.execute(
    db,
  );
  return rows[0]?.linked ?? 0;
}

function toEvent(row: Selectable<Tables['audit']>): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    type: row.type,
    actor: row.actor,
    userId: row.user_id,
    machineId: row.machine_id,
    sessionId: row.session_id,
    source: row.source,
    detail: row.detail,
    before: row.before,
    after: row.after,
  };
}

function stored(state: AuditState | null | undefined): string | null {
  return state ? storableTree(state) : null;
}
