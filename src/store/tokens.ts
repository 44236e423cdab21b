import type { Selectable, SelectQueryBuilder } from 'kysely';
import type { Page, PageRequest } from '../domain/page.ts';
import type { NewToken, Token, TokenKind, TokenStore } from '../domain/token.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

/** Bearer tokens and one-time sign-in links, as hashes. */
export class SqlTokenStore implements TokenStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create(token: NewToken): Promise<Token> {
    const { userId, kind, name, scopes, hash, expiresAt } = token;
    // Browsers come and go without signing out; what they leave is removed by the next one.
    if (kind === 'web') {
      await this.#db
        .deleteFrom('tokens')
        .where('kind', '=', 'web')
        .where('expires_at', '<', new Date())
        .execute();
    }
    const query = this.#db
      .insertInto('tokens')
      .values({ user_id: userId, kind, name, scopes: [...scopes], hash, expires_at: expiresAt })
      .returningAll();
    const violation = {
      unique: () => ({ code: 'thing.exists', params: { kind: 'token', name } }) as const,
      foreign: () =>
        ({ code: 'thing.not_found', params: { kind: 'user', id: userId ?? 0 } }) as const,
    };
    return toToken(await meaning(violation, query.executeTakeFirstOrThrow()));
  }

  async getByHash(hash: string, now: Date): Promise<Token | null> {
    const row = await this.#db
      .selectFrom('tokens')
      .selectAll()
      .where('hash', '=', hash)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
      .executeTakeFirst();
    return row ? toToken(row) : null;
  }

  list(userId: number | null, page: PageRequest): Promise<Page<Token>> {
    return readPage(this.#db, page, this.#found(userId).selectAll(), toToken);
  }

  async used(id: number, at: Date): Promise<void> {
    await this.#db.updateTable('tokens').set({ last_used_at: at }).where('id', '=', id).execute();
  }

  async revoke(id: number): Promise<Token | null> {
    const query = this.#db.deleteFrom('tokens').where('id', '=', id).returningAll();
    const row = await query.executeTakeFirst();
    return row ? toToken(row) : null;
  }

  async revokeNamed(kind: TokenKind, name: string): Promise<void> {
    const query = this.#db.deleteFrom('tokens').where('kind', '=', kind);
    await query.where('name', '=', name).execute();
  }

  async createSignIn(link: { hash: string; userId: number; expiresAt: Date }): Promise<void> {
    await this.#db.deleteFrom('sign_ins').where('expires_at', '<', new Date()).execute();
    const query = this.#db
      .insertInto('sign_ins')
      .values({ hash: link.hash, user_id: link.userId, expires_at: link.expiresAt });
    const missing = { code: 'thing.not_found', params: { kind: 'user', id: link.userId } } as const;
    await meaning({ foreign: () => missing }, query.execute());
  }

  async useSignIn(hash: string, now: Date): Promise<number | null> {
    const row = await this.#db
      .deleteFrom('sign_ins')
      .where('hash', '=', hash)
      .returning(['user_id', 'expires_at'])
      .executeTakeFirst();
    return row && row.expires_at > now ? row.user_id : null;
  }

  #found(userId: number | null): SelectQueryBuilder<Tables, 'tokens', object> {
    const query = this.#db.selectFrom('tokens').where('kind', '=', 'api');
    return userId === null ? query : query.where('user_id', '=', userId);
  }
}

function toToken(row: Selectable<Tables['tokens']>): Token {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
