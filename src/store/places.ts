import { sql } from 'kysely';
import type { PlaceAnswer, PlaceStore, PlaceWanted } from '../domain/place.ts';
import { atomically } from './atomically.ts';
import type { Db } from './tables.ts';

const REFUSED: PlaceAnswer = { outcome: 'refused' };

/** Places as rows beside their sessions; what a session that has ended left behind does not count. */
export class SqlPlaceStore implements PlaceStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  take(wanted: PlaceWanted): Promise<PlaceAnswer> {
    return atomically(this.#db, async (db) => {
      await lock(db, wanted.service);
      return await take(db, wanted);
    });
  }

  async evicted(): Promise<readonly number[]> {
    const rows = await live(this.#db).where('evicted_by', 'is not', null).execute();
    return rows.map((row) => row.session_id);
  }
}

/** Until the end of the transaction; what is read after it is what the one before has left. */
async function lock(db: Db, service: string): Promise<void> {
  const key = `postern places of ${service}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}::text, 0))`.execute(db);
}

async function take(
  db: Db,
  { sessionId, service, limit, policy }: PlaceWanted,
): Promise<PlaceAnswer> {
  const own = await ownPlace(db, sessionId);
  if (own === 'held') return { outcome: 'granted', evicted: await evictedBy(db, sessionId) };
  if (own !== 'none' || limit < 1) return REFUSED;
  const held = await holders(db, service);
  const tooMany = Math.max(0, held.length + 1 - limit);
  if (tooMany > 0 && policy === 'reject') return REFUSED;
  const evicted = held.slice(0, tooMany);
  await forgetEnded(db, service);
  if (evicted.length > 0) {
    await db
      .updateTable('session_places')
      .set({ evicted_by: sessionId })
      .where('session_id', 'in', evicted)
      .execute();
  }
  await db.insertInto('session_places').values({ session_id: sessionId, service }).execute();
  return { outcome: 'granted', evicted };
}

/** Locks the session's row: it does not end between this and its place. */
async function ownPlace(db: Db, id: number): Promise<'none' | 'held' | 'lost' | 'session ended'> {
  const row = await db
    .selectFrom('sessions')
    .leftJoin('session_places as place', 'place.session_id', 'sessions.id')
    .select(['status', 'place.session_id', 'evicted_by'])
    .where('id', '=', id)
    .forShare('sessions')
    .executeTakeFirst();
  if (row?.status !== 'pending' && row?.status !== 'active') return 'session ended';
  if (row.session_id === null) return 'none';
  return row.evicted_by === null ? 'held' : 'lost';
}

async function evictedBy(db: Db, sessionId: number): Promise<readonly number[]> {
  const query = db.selectFrom('session_places').select('session_id');
  const rows = await query.where('evicted_by', '=', sessionId).orderBy('number').execute();
  return rows.map((row) => row.session_id);
}

/** Live sessions that hold a place in the service, oldest first. */
async function holders(db: Db, service: string): Promise<readonly number[]> {
  const query = live(db).where('service', '=', service).where('evicted_by', 'is', null);
  return (await query.execute()).map((row) => row.session_id);
}

function live(db: Db) {
  return db
    .selectFrom('session_places')
    .innerJoin('sessions', 'sessions.id', 'session_places.session_id')
    .select('session_places.session_id')
    .where('sessions.status', 'in', ['pending', 'active'])
    .orderBy('session_places.number');
}

/** So that the table has as many rows as sessions live, and those that have ended since the last take. */
async function forgetEnded(db: Db, service: string): Promise<void> {
  await db
    .deleteFrom('session_places')
    .where('service', '=', service)
    .where('session_id', 'in', (eb) =>
      eb
        .selectFrom('session_places as place')
        .innerJoin('sessions', 'sessions.id', 'place.session_id')
        .select('place.session_id')
        .where('place.service', '=', service)
        .where('sessions.status', 'not in', ['pending', 'active']),
    )
    .execute();
}
