import { sql } from 'kysely';
import { PosternError } from '../domain/errors.ts';
import type { Confirmed, FactorStore, StoredFactor } from '../domain/factor.ts';
import { Secret } from '../domain/secret.ts';
import { totpPlace } from './sealed-columns.ts';
import type { Db } from './tables.ts';
import type { Sealed, Vault } from './vault.ts';

/** Second factors. Each change is one statement, so that of many at once one has its way. */
export class SqlFactorStore implements FactorStore {
  readonly #db: Db;
  readonly #vault: Vault;

  constructor(db: Db, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
  }

  async get(userId: number): Promise<StoredFactor | null> {
    const row = await this.#db
      .selectFrom('users')
      .select(['name', 'totp_secret', 'totp_confirmed_at'])
      .where('id', '=', userId)
      .executeTakeFirst();
    if (row === undefined || row.totp_secret === null) return null;
    const opened = this.#vault.open(row.totp_secret, totpPlace(userId));
    if ('failed' in opened) throw new PosternError('vault.totp', { user: row.name });
    return { secret: new Secret(opened.text), confirmedAt: row.totp_confirmed_at };
  }

  async begin(userId: number, secret: Secret): Promise<boolean> {
    const sealed: Sealed = this.#vault.seal(secret.expose(), totpPlace(userId));
    const query = this.#db
      .updateTable('users')
      .set({
        totp_secret: sealed,
        totp_last_step: 0,
        recovery_codes: [],
      })
      .where('id', '=', userId)
      .where('totp_confirmed_at', 'is', null);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async confirm(userId: number, { at, step, recoveryHashes }: Confirmed): Promise<boolean> {
    const query = this.#db
      .updateTable('users')
      .set({
        totp_confirmed_at: at,
        totp_last_step: step,
        recovery_codes: [...recoveryHashes],
      })
      .where('id', '=', userId)
      .where('totp_secret', 'is not', null)
      .where('totp_confirmed_at', 'is', null);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async use(userId: number, step: number): Promise<boolean> {
    const query = this.#db
      .updateTable('users')
      .set({ totp_last_step: step })
      .where('id', '=', userId)
      .where('totp_confirmed_at', 'is not', null)
      .where('totp_last_step', '<', step);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async useRecovery(userId: number, hash: string): Promise<boolean> {
    const query = this.#db
      .updateTable('users')
      .set({ recovery_codes: sql<string[]>`array_remove(recovery_codes, ${hash})` })
      .where('id', '=', userId)
      .where('totp_confirmed_at', 'is not', null)
      .where(sql<boolean>`${hash} = any(recovery_codes)`);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async reset(userId: number): Promise<boolean> {
    const query = this.#db
      .updateTable('users')
      .set({
        totp_secret: null,
        totp_confirmed_at: null,
        totp_last_step: 0,
        recovery_codes: [],
      })
      .where('id', '=', userId)
      .where('totp_secret', 'is not', null);
    return (await query.executeTakeFirst()).numUpdatedRows > 0n;
  }

  async wait({ hash, userId, expiresAt }: Parameters<FactorStore['wait']>[0]): Promise<void> {
    // Those that nobody went on with are removed by the next one.
    await this.#db.deleteFrom('half_sign_ins').where('expires_at', '<', new Date()).execute();
    await this.#db
      .insertInto('half_sign_ins')
      .values({ hash, user_id: userId, expires_at: expiresAt })
      .execute();
  }

  async waiting(hash: string, now: Date): Promise<number | null> {
    const row = await this.#db
      .selectFrom('half_sign_ins')
      .select('user_id')
      .where('hash', '=', hash)
      .where('expires_at', '>', now)
      .executeTakeFirst();
    return row?.user_id ?? null;
  }

  async done(hash: string): Promise<boolean> {
    const query = this.#db.deleteFrom('half_sign_ins').where('hash', '=', hash);
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
  }
}
