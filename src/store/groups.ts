import { sql } from 'kysely';
import { PosternError } from '../domain/errors.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Group, GroupStore } from '../domain/user.ts';
import { atomically } from './atomically.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db } from './tables.ts';

/** Groups and who is in them. */
export class SqlGroupStore implements GroupStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: number): Promise<Group | null> {
    const row = await select(this.#db).where('groups.id', '=', id).executeTakeFirst();
    return row ? toGroup(row) : null;
  }

  async getByName(name: string): Promise<Group | null> {
    const row = await select(this.#db).where('groups.name', '=', name).executeTakeFirst();
    return row ? toGroup(row) : null;
  }

  list(page: PageRequest): Promise<Page<Group>> {
    return readPage(this.#db, page, select(this.#db), toGroup, { id: 'groups.id' });
  }

  async ofUser(userId: number): Promise<readonly number[]> {
    const rows = await this.#db
      .selectFrom('group_members')
      .select('group_id')
      .where('user_id', '=', userId)
      .orderBy('group_id')
      .execute();
    return rows.map((row) => row.group_id);
  }

  async create(
    name: string,
    members: readonly number[],
    retention: number | null = null,
  ): Promise<Group> {
    return await atomically(this.#db, async (db) => {
      const created = await meaning(
        { unique: () => ({ code: 'thing.exists', params: { kind: 'group', name } }) },
        db
          .insertInto('groups')
          .values({ name, retention })
          .returning('id')
          .executeTakeFirstOrThrow(),
      );
      await addMembers(db, created.id, members);
      return toGroup(
        await select(db).where('groups.id', '=', created.id).executeTakeFirstOrThrow(),
      );
    });
  }

  async setMembers(id: number, members: readonly number[]): Promise<Group | null> {
    return await atomically(this.#db, async (db) => {
      // Locked, so that two calls at once leave the members of one of them and not of both.
      const group = await db
        .selectFrom('groups')
        .select('id')
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst();
      if (!group) return null;
      await db.deleteFrom('group_members').where('group_id', '=', id).execute();
      await addMembers(db, id, members);
      return toGroup(await select(db).where('groups.id', '=', id).executeTakeFirstOrThrow());
    });
  }

  async setRetention(id: number, retention: number | null): Promise<Group | null> {
    await this.#db.updateTable('groups').set({ retention }).where('id', '=', id).execute();
    return await this.get(id);
  }

  async remove(id: number): Promise<boolean> {
    const group = await this.get(id);
    if (!group) return false;
    const inUse = { kind: 'group', name: group.name, by: 'a grant names it' };
    const query = this.#db.deleteFrom('groups').where('id', '=', id);
    const result = await meaning(
      { foreign: () => ({ code: 'thing.in_use', params: inUse }) },
      query.executeTakeFirst(),
    );
    return result.numDeletedRows > 0n;
  }
}

async function addMembers(db: Db, groupId: number, members: readonly number[]): Promise<void> {
  const wanted = [...new Set(members)];
  if (wanted.length === 0) return;
  const added = await db
    .insertInto('group_members')
    .columns(['group_id', 'user_id'])
    .expression((eb) =>
      eb
        .selectFrom('users')
        .select([sql<number>`${groupId}::bigint`.as('group_id'), 'users.id'])
        .where('users.id', '=', sql<number>`any(${wanted}::bigint[])`),
    )
    .returning('user_id')
    .execute();
  const missing = wanted.find((id) => !added.some((row) => row.user_id === id));
  if (missing !== undefined)
    throw new PosternError('thing.not_found', { kind: 'user', id: missing });
}

function select(db: Db) {
  return db
    .selectFrom('groups')
    .select(['groups.id', 'groups.name', 'groups.retention', 'groups.created_at'])
    .select((eb) =>
      eb
        .fn<number[]>('array', [
          eb
            .selectFrom('group_members')
            .select('group_members.user_id')
            .whereRef('group_members.group_id', '=', 'groups.id')
            .orderBy('group_members.user_id'),
        ])
        .as('members'),
    );
}

function toGroup(row: {
  readonly id: number;
  readonly name: string;
  readonly members: readonly number[];
  readonly retention: number | null;
  readonly created_at: Date;
}): Group {
  const { id, name, members, retention, created_at: createdAt } = row;
  return { id, name, members, retention, createdAt };
}
