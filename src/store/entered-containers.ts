import type {
  EnteredContainer,
  EnteredContainerStore,
  LeftContainer,
  LeftDue,
} from '../domain/entered-container.ts';
import type { EndReason } from '../domain/session.ts';
import { storableJson } from './storable.ts';
import type { Db } from './tables.ts';

/** Ends of sessions that no gateway has brought about. */
const DIED: readonly EndReason[] = ['node_died', 'worker_died'];

/** As rows beside their sessions, for as long as something may run in them. */
export class SqlEnteredContainerStore implements EnteredContainerStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(sessionId: number, entered: EnteredContainer): Promise<void> {
    const { engine, containerId, login, mark } = entered;
    const pod = entered.pod === null ? null : storableJson({ ...entered.pod });
    await this.#db
      .insertInto('entered_containers')
      .values({ session_id: sessionId, engine, pod, container_id: containerId, login, mark })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async remove(sessionId: number): Promise<void> {
    await this.#db.deleteFrom('entered_containers').where('session_id', '=', sessionId).execute();
  }

  async outlived(sessionId: number): Promise<void> {
    await this.#db
      .updateTable('entered_containers')
      .set({ outlived: true })
      .where('session_id', '=', sessionId)
      .execute();
  }

  async left(
    { node, endedBefore, anybodysBefore }: LeftDue,
    most: number,
  ): Promise<readonly LeftContainer[]> {
    const rows = await this.#db
      .selectFrom('entered_containers as entered')
      .innerJoin('sessions', 'sessions.id', 'entered.session_id')
      .select(['session_id', 'engine', 'pod', 'container_id', 'entered.login', 'mark', 'node'])
      .select((eb) => eb.ref('sessions.ended_at').$notNull().as('ended_at'))
      .where('sessions.ended_at', 'is not', null)
      .where((eb) =>
        eb.or([
          eb('sessions.end_reason', 'in', DIED),
          eb('sessions.ended_at', '<', anybodysBefore),
          eb.and([
            eb('node', '=', node),
            eb.or([eb('outlived', '=', true), eb('sessions.ended_at', '<', endedBefore)]),
          ]),
        ]),
      )
      .orderBy((eb) => eb('node', '=', node), 'desc')
      .orderBy('session_id')
      .limit(most)
      .execute();
    return rows.map((row) => ({
      sessionId: row.session_id,
      engine: row.engine,
      pod: row.pod,
      containerId: row.container_id,
      login: row.login,
      mark: row.mark,
      node: row.node,
      endedAt: row.ended_at,
    }));
  }
}
