import type { Selectable, SelectQueryBuilder } from 'kysely';
import type { AuditEvent, AuditFilter, AuditStore, NewAuditEvent } from '../domain/audit.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { readPage } from './paging.ts';
import { storableJson } from './storable.ts';
import type { Db, Tables } from './tables.ts';

/** What happened. Nothing here changes or removes an event. */
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
      })
      .execute();
  }

  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
    const timed = filter.from !== undefined || filter.to !== undefined;
    const byTime = timed ? ({ table: 'audit', column: 'at' } as const) : null;
    return readPage(this.#db, page, this.#found(filter).selectAll(), toEvent, { byTime });
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
  };
}
