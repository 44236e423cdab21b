import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import {
  type Approval,
  type ApprovalStore,
  type Approver,
  MOST_PENDING,
  type NewApproval,
} from '../domain/approval.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { atomically } from './atomically.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

type Filter = Parameters<ApprovalStore['list']>[0];
type Query = SelectQueryBuilder<Tables, 'approvals', object>;

/** Requests for approval. Each change is one statement that asks what state the row is in. */
export class SqlApprovalStore implements ApprovalStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  create(approval: NewApproval): Promise<Approval | null> {
    return atomically(this.#db, (db) => create(db, approval));
  }

  async get(id: number): Promise<Approval | null> {
    const [found] = await this.some([id]);
    return found ?? null;
  }

  async some(ids: readonly number[]): Promise<readonly Approval[]> {
    const query = this.#db
      .selectFrom('approvals')
      .selectAll()
      .where('id', '=', sql<number>`any(${[...ids]}::bigint[])`);
    return (await query.execute()).map(toApproval);
  }

  list(filter: Filter, page: PageRequest): Promise<Page<Approval>> {
    return readPage(this.#db, page, this.#found(filter).selectAll(), toApproval);
  }

  async decide(
    ...[id, verdict, { name, reason, at }]: Parameters<ApprovalStore['decide']>
  ): Promise<Approval | null> {
    const row = await this.#db
      .updateTable('approvals')
      .set({ status: verdict, closed_at: at, decided_by: name, reason })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .where('expires_at', '>', at)
      .returningAll()
      .executeTakeFirst();
    return row ? toApproval(row) : null;
  }

  async close(...[id, status, at]: Parameters<ApprovalStore['close']>): Promise<Approval | null> {
    const row = await this.#db
      .updateTable('approvals')
      .set({ status, closed_at: at })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .returningAll()
      .executeTakeFirst();
    return row ? toApproval(row) : null;
  }

  async use(id: number, userId: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('approvals')
      .set({ used: true })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('status', '=', 'approved')
      .where('used', '=', false)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  async sweep(node: string, at: Date): Promise<readonly Approval[]> {
    const rows = await this.#db
      .updateTable('approvals')
      .set({ status: 'called_off', closed_at: at })
      .where('node', '=', node)
      .where('status', '=', 'pending')
      .returningAll()
      .execute();
    return rows.map(toApproval);
  }

  #found({ statuses, viewer, now }: Filter): Query {
    let query: Query = this.#db.selectFrom('approvals');
    if (statuses !== null) {
      const status = sql`case when status = 'pending' and expires_at <= ${now}::timestamptz
        then 'expired' else status end`;
      query = query.where(sql<boolean>`${status} = any(${[...statuses]}::text[])`);
    }
    if (viewer === null) return query;
    return query.where((eb) =>
      eb.or([
        eb('user_id', '=', viewer.userId),
        eb('by_user_id', '=', viewer.userId),
        eb('by_group_id', '=', sql<number>`any(${[...viewer.groups]}::bigint[])`),
      ]),
    );
  }
}

/** Null: the user has too many open ones. */
async function create(db: Db, approval: NewApproval): Promise<Approval | null> {
  // Locked, so that two connections that ask at once count each other.
  await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', approval.userId)
    .forNoKeyUpdate()
    .execute();
  const { userId, askedAt, by } = approval;
  const open = await db
    .selectFrom('approvals')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('status', '=', 'pending')
    .where('expires_at', '>', askedAt)
    .executeTakeFirstOrThrow();
  if (open.count >= MOST_PENDING) return null;
  const query = db
    .insertInto('approvals')
    .values({
      grant_id: approval.grantId,
      user_id: userId,
      user_name: approval.userName,
      machine_id: approval.machineId,
      machine_name: approval.machineName,
      login: approval.login,
      kind: approval.kind,
      by_user_id: 'userId' in by ? by.userId : null,
      by_group_id: 'groupId' in by ? by.groupId : null,
      by_name: approval.byName,
      node: approval.node,
      source: approval.source,
      asked_at: askedAt,
      expires_at: approval.expiresAt,
    })
    .returningAll();
  return toApproval(await query.executeTakeFirstOrThrow());
}

function byOf(row: Selectable<Tables['approvals']>): Approver | null {
  if (row.by_user_id !== null) return { userId: row.by_user_id };
  return row.by_group_id === null ? null : { groupId: row.by_group_id };
}

function toApproval(row: Selectable<Tables['approvals']>): Approval {
  return {
    id: row.id,
    grantId: row.grant_id,
    userId: row.user_id,
    userName: row.user_name,
    machineId: row.machine_id,
    machineName: row.machine_name,
    login: row.login,
    kind: row.kind,
    by: byOf(row),
    byName: row.by_name,
    status: row.status,
    node: row.node,
    source: row.source,
    askedAt: row.asked_at,
    expiresAt: row.expires_at,
    closedAt: row.closed_at,
    decidedBy: row.decided_by,
    reason: row.reason,
  };
}
