import { sql } from 'kysely';
import type { ArchivedFile, ArchiveStore, ArchiveTask } from '../domain/archive.ts';
import { BROKEN } from './recordings.ts';
import type { Db } from './tables.ts';

/** In words that the partial indexes have too, so that they serve. */
const TO_ARCHIVE = sql<boolean>`(recordings.archive is distinct from 'kept'
  and recordings.state not in ('deleted', 'failed'))`;
const LEAVING = sql<boolean>`(recordings.archive is not null and recordings.state = 'deleted')`;

/** Its file may still change: it is being written, or it broke and is to be mended. */
const IS_OPEN = sql<boolean>`(recordings.state = 'recording' or ${BROKEN})`;

/** Which recordings are in the S3-compatible store. */
export class SqlArchiveStore implements ArchiveStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async waiting(node: string, most: number): Promise<readonly ArchiveTask[]> {
    const query = this.#tasks()
      .where('sessions.node', '=', node)
      .where(TO_ARCHIVE)
      .orderBy(sql`recordings.archive_refusal is not null`)
      .orderBy(IS_OPEN)
      .orderBy('recordings.id')
      .limit(most);
    return await query.execute();
  }

  async begin(id: number): Promise<boolean> {
    const begun = await this.#db
      .updateTable('recordings')
      .set({ archive: 'sending' })
      .where('id', '=', id)
      .where(TO_ARCHIVE)
      .executeTakeFirst();
    return begun.numUpdatedRows > 0n;
  }

  async keep(id: number, file: ArchivedFile): Promise<boolean> {
    const kept = await this.#db
      .updateTable('recordings')
      .set({
        archive: 'kept',
        archive_bytes: file.bytes,
        archive_sha256: file.sha256,
        archive_size: file.size,
        archive_modified_at: file.modifiedAt,
        archive_refusal: null,
      })
      .where('id', '=', id)
      .where('state', 'not in', ['recording', 'deleted'])
      .executeTakeFirst();
    return kept.numUpdatedRows > 0n;
  }

  async refuse(id: number, reason: string): Promise<boolean> {
    const refused = await this.#db
      .updateTable('recordings')
      .set({ archive_refusal: reason })
      .where('id', '=', id)
      .where('archive_refusal', 'is', null)
      .executeTakeFirst();
    return refused.numUpdatedRows > 0n;
  }

  async find(key: string): Promise<ArchivedFile | null> {
    const row = await this.#db
      .selectFrom('recordings')
      .select(['archive_bytes', 'archive_sha256', 'archive_size', 'archive_modified_at'])
      .where('key', '=', key)
      .where('archive', '=', 'kept')
      .where('state', '<>', 'deleted')
      .executeTakeFirst();
    const { archive_bytes: bytes, archive_sha256: sha256, archive_size: size } = row ?? {};
    const modifiedAt = row?.archive_modified_at;
    if (bytes == null || sha256 == null || size == null || modifiedAt == null) return null;
    return { bytes, sha256, size, modifiedAt };
  }

  async leaving(node: string, most: number): Promise<readonly ArchiveTask[]> {
    const query = this.#tasks()
      // What another node was sending, that node knows to stop.
      .where(sql<boolean>`(sessions.node = ${node} or recordings.archive = 'kept')`)
      .where(LEAVING)
      .orderBy('recordings.id')
      .limit(most);
    return await query.execute();
  }

  async left(id: number): Promise<void> {
    const found = this.#db.updateTable('recordings').where('id', '=', id);
    await found.set({ archive: null }).where('state', '=', 'deleted').execute();
  }

  async known(keys: readonly string[]): ReturnType<ArchiveStore['known']> {
    const rows = await this.#db
      .selectFrom('recordings')
      .select(['key', 'state', 'archive'])
      .where('key', '=', sql<string>`any(${[...keys]}::text[])`)
      .execute();
    const kept = rows.filter(({ state, archive }) => archive === 'kept' && state !== 'deleted');
    const deleted = rows.filter(({ state }) => state === 'deleted');
    return { kept: kept.map(({ key }) => key), deleted: deleted.map(({ key }) => key) };
  }

  #tasks() {
    return this.#db
      .selectFrom('recordings')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .select([
        'recordings.id',
        'recordings.session_id as sessionId',
        'recordings.key',
        IS_OPEN.as('isOpen'),
      ]);
  }
}
