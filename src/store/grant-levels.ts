import { sql } from 'kysely';
import { type AccessLevel, LEVEL_ALLOWS, type MachineLevel } from '../domain/access-level.ts';
import type { GrantStore } from '../domain/grant.ts';
import { atomically } from './atomically.ts';
import type { Db } from './tables.ts';

interface LevelGrant {
  readonly id: number;
  readonly machineId: number;
  readonly level: AccessLevel;
}

/** As GrantStore.setLevels. */
export function setLevels(
  whole: Db,
  userId: number,
  levels: readonly MachineLevel[],
): ReturnType<GrantStore['setLevels']> {
  return atomically(whole, async (db) => {
    // Locked, so that two calls at once leave the levels of one of them and not of both.
    const user = await db
      .selectFrom('users')
      .select('id')
      .where('id', '=', userId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (user === undefined) return null;
    const before = await levelsOf(db, userId);
    const had = new Map(before.map((one) => [one.machineId, one]));
    const wanted = await thatAreThere(db, levels);
    const kept = wanted.filter(({ machineId, level }) => had.get(machineId)?.level === level);
    const keptOn = new Set(kept.map(({ machineId }) => machineId));
    // What stays as it was is the same grant, and sessions that rest on it do not notice.
    await remove(
      db,
      before.filter(({ machineId }) => !keptOn.has(machineId)),
    );
    await add(
      db,
      userId,
      wanted.filter(({ machineId }) => !keptOn.has(machineId)),
    );
    const said = ({ machineId, level }: MachineLevel): MachineLevel => ({ machineId, level });
    return { before: before.map(said), after: (await levelsOf(db, userId)).map(said) };
  });
}

async function levelsOf(db: Db, userId: number): Promise<readonly LevelGrant[]> {
  const rows = await db
    .selectFrom('grants')
    .select(['id', 'machine_id', 'level'])
    .where('user_id', '=', userId)
    .where('level', 'is not', null)
    .orderBy('machine_id')
    .execute();
  return rows.flatMap(({ id, machine_id: machineId, level }) =>
    machineId === null || level === null ? [] : [{ id, machineId, level }],
  );
}

/** Those on machines that are there, and stay until the transaction is over. */
async function thatAreThere(
  db: Db,
  levels: readonly MachineLevel[],
): Promise<readonly MachineLevel[]> {
  const ids = levels.map(({ machineId }) => machineId);
  const rows = await db
    .selectFrom('machines')
    .select('id')
    .where('id', '=', sql<number>`any(${ids}::bigint[])`)
    .orderBy('id')
    .forKeyShare()
    .execute();
  const there = new Set(rows.map(({ id }) => id));
  return levels.filter(({ machineId }) => there.has(machineId));
}

async function remove(db: Db, grants: readonly LevelGrant[]): Promise<void> {
  const ids = grants.map(({ id }) => id);
  await db.deleteFrom('grants').where('id', '=', sql<number>`any(${ids}::bigint[])`).execute();
}

async function add(db: Db, userId: number, levels: readonly MachineLevel[]): Promise<void> {
  if (levels.length === 0) return;
  const rows = levels.map(({ machineId, level }) => ({
    user_id: userId,
    machine_id: machineId,
    level,
    allow: [...LEVEL_ALLOWS[level]],
    ...{ logins: [], forward_to: [], from_networks: [] },
  }));
  await db.insertInto('grants').values(rows).execute();
}
