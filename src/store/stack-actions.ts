import type { Selectable } from 'kysely';
import type { NewAction, StackAction, StackActionStore } from '../domain/container-session.ts';
import type { Db, Tables } from './tables.ts';

/** What is done to stacks in the background; goes forward only, and finishes once. */
export class SqlStackActionStore implements StackActionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create(action: NewAction): Promise<StackAction> {
    const row = await this.#db
      .insertInto('stack_actions')
      .values({
        user_id: action.userId,
        user_name: action.userName,
        stack_id: action.stackId,
        session_id: action.sessionId,
        action: action.action,
        node: action.node,
        started_at: action.startedAt,
        updated_at: action.startedAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toAction(row);
  }

  async get(id: number): Promise<StackAction | null> {
    const query = this.#db.selectFrom('stack_actions').selectAll().where('id', '=', id);
    const row = await query.executeTakeFirst();
    return row ? toAction(row) : null;
  }

  async begin(id: number, at: Date): Promise<void> {
    await this.#db
      .updateTable('stack_actions')
      .set({ status: 'running', updated_at: at })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .execute();
  }

  async finish(
    id: number,
    status: 'completed' | 'failed',
    message: string,
    at: Date,
  ): Promise<boolean> {
    const result = await this.#db
      .updateTable('stack_actions')
      .set({ status, message, finished_at: at, updated_at: at })
      .where('id', '=', id)
      .where('finished_at', 'is', null)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  async open(node: string): Promise<readonly StackAction[]> {
    const query = this.#db
      .selectFrom('stack_actions')
      .selectAll()
      .where('node', '=', node)
      .where('finished_at', 'is', null)
      .orderBy('id');
    return (await query.execute()).map(toAction);
  }
}

function toAction(row: Selectable<Tables['stack_actions']>): StackAction {
  return {
    id: row.id,
    userId: row.user_id,
    userName: row.user_name,
    stackId: row.stack_id,
    sessionId: row.session_id,
    action: row.action,
    status: row.status,
    message: row.message,
    node: row.node,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    updatedAt: row.updated_at,
  };
}
