import type { Selectable, SelectQueryBuilder } from 'kysely';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Role } from '../domain/role.ts';
import type { NewUser, NewUserKey, User, UserKey, UserStore } from '../domain/user.ts';
import { meaning } from './failure.ts';
import { containing, readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

type UserFilter = { role?: Role; search?: string };

/** People, their keys and the hashes of their passwords. */
export class SqlUserStore implements UserStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: number): Promise<User | null> {
    const query = this.#db.selectFrom('users').selectAll().where('id', '=', id);
    return userOrNull(await query.executeTakeFirst());
  }

  async getByName(name: string): Promise<User | null> {
    const query = this.#db.selectFrom('users').selectAll().where('name', '=', name);
    return userOrNull(await query.executeTakeFirst());
  }

  list(filter: UserFilter, page: PageRequest): Promise<Page<User>> {
    return readPage(this.#db, page, this.#found(filter).selectAll(), toUser);
  }

  async create(user: NewUser): Promise<User> {
    const query = this.#db
      .insertInto('users')
      .values({
        name: user.name,
        email: user.email,
        role: user.role,
        password_hash: user.passwordHash,
        ...(user.totp !== undefined && { totp: user.totp }),
      })
      .returningAll();
    return toUser(await named(user.name, query.executeTakeFirstOrThrow()));
  }

  async update(
    id: number,
    change: Partial<NewUser & { readonly disabled: boolean }>,
  ): Promise<User | null> {
    const query = this.#db
      .updateTable('users')
      .set({
        ...(change.name !== undefined && { name: change.name }),
        ...(change.email !== undefined && { email: change.email }),
        ...(change.role !== undefined && { role: change.role }),
        ...(change.passwordHash !== undefined && { password_hash: change.passwordHash }),
        ...(change.totp !== undefined && { totp: change.totp }),
        ...(change.disabled !== undefined && { disabled: change.disabled }),
        updated_at: new Date(),
      })
      .where('id', '=', id)
      .returningAll();
    return userOrNull(await named(change.name ?? '', query.executeTakeFirst()));
  }

  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('users').where('id', '=', id);
    const inUse = { kind: 'user', name: formatId('usr', id), by: 'a grant needs their approval' };
    const result = await meaning(
      { foreign: () => ({ code: 'thing.in_use', params: inUse }) },
      query.executeTakeFirst(),
    );
    return result.numDeletedRows > 0n;
  }

  async passwordHash(id: number): Promise<string | null> {
    const query = this.#db.selectFrom('users').select('password_hash').where('id', '=', id);
    return (await query.executeTakeFirst())?.password_hash ?? null;
  }

  async keys(userId: number): Promise<readonly UserKey[]> {
    const query = this.#db
      .selectFrom('user_keys')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('id');
    return (await query.execute()).map(toKey);
  }

  async addKey(userId: number, key: NewUserKey): Promise<UserKey> {
    const { algorithm, blob, fingerprint, comment } = key;
    const query = this.#db
      .insertInto('user_keys')
      .values({ user_id: userId, algorithm, blob, fingerprint, comment })
      .returningAll();
    const row = await meaning(
      {
        unique: () => ({ code: 'thing.exists', params: { kind: 'key', name: fingerprint } }),
        foreign: () => ({ code: 'thing.not_found', params: { kind: 'user', id: userId } }),
      },
      query.executeTakeFirst(),
    );
    if (!row) throw new PosternError('thing.not_found', { kind: 'user', id: userId });
    return toKey(row);
  }

  async removeKey(userId: number, keyId: number): Promise<UserKey | null> {
    const query = this.#db
      .deleteFrom('user_keys')
      .where('id', '=', keyId)
      .where('user_id', '=', userId)
      .returningAll();
    const row = await query.executeTakeFirst();
    return row ? toKey(row) : null;
  }

  async keyUsed(keyId: number, at: Date): Promise<void> {
    await this.#db
      .updateTable('user_keys')
      .set({ last_used_at: at })
      .where('id', '=', keyId)
      .execute();
  }

  #found({ role, search }: UserFilter): SelectQueryBuilder<Tables, 'users', object> {
    let query: SelectQueryBuilder<Tables, 'users', object> = this.#db.selectFrom('users');
    if (role !== undefined) query = query.where('role', '=', role);
    if (search !== undefined) {
      const pattern = containing(search);
      query = query.where((eb) =>
        eb.or([eb('name', 'ilike', pattern), eb('email', 'ilike', pattern)]),
      );
    }
    return query;
  }
}

function named<T>(name: string, work: Promise<T>): Promise<T> {
  return meaning(
    { unique: () => ({ code: 'thing.exists', params: { kind: 'user', name } }) },
    work,
  );
}

function userOrNull(row: Selectable<Tables['users']> | undefined): User | null {
  return row ? toUser(row) : null;
}

function toUser(row: Selectable<Tables['users']>): User {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    role: row.role,
    disabled: row.disabled,
    hasPassword: row.password_hash !== null,
    totp: row.totp,
    hasTotp: row.totp_confirmed_at !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toKey(row: Selectable<Tables['user_keys']>): UserKey {
  return {
    id: row.id,
    userId: row.user_id,
    algorithm: row.algorithm,
    blob: row.blob,
    fingerprint: row.fingerprint,
    comment: row.comment,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
