import type { Selectable } from 'kysely';
import type { Seal, SealingKey, SealStore } from '../domain/seal.ts';
import type { Db, Tables } from './tables.ts';

/** The seals of recordings, apart from their files. */
export class SqlSealStore implements SealStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(sessionId: number, channel: number, seal: Seal): Promise<void> {
    await this.#db
      .insertInto('recording_seals')
      .columns(['recording_id', 'node', 'part', 'end_offset', 'hash', 'line'])
      .expression((eb) =>
        eb
          .selectFrom('recordings')
          .innerJoin('sessions', 'sessions.id', 'session_id')
          .select(({ val }) => [
            'recordings.id',
            'node',
            val(seal.part).as('part'),
            val(seal.end).as('end_offset'),
            val(seal.hash).as('hash'),
            val(seal.line).as('line'),
          ])
          .where('session_id', '=', sessionId)
          .where('channel', '=', channel),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async list(recordingId: number): Promise<readonly Seal[]> {
    const query = this.#db.selectFrom('recording_seals').where('recording_id', '=', recordingId);
    return (await query.selectAll().orderBy('part').execute()).map(toSeal);
  }

  async ofFile(key: string): Promise<readonly Seal[]> {
    const query = this.#db
      .selectFrom('recording_seals')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .where('recordings.key', '=', key);
    return (await query.selectAll('recording_seals').orderBy('part').execute()).map(toSeal);
  }

  async addKey({ id, publicPem }: SealingKey): Promise<void> {
    await this.#db
      .insertInto('sealing_keys')
      .values({ id, public_pem: publicPem })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async keys(): Promise<readonly SealingKey[]> {
    const rows = await this.#db
      .selectFrom('sealing_keys')
      .selectAll()
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(({ id, public_pem: publicPem }) => ({ id, publicPem }));
  }
}

export function toSeal(row: Selectable<Tables['recording_seals']>): Seal {
  const { part, end_offset: end, hash, line } = row;
  return { part, end, hash, line };
}
