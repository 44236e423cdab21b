import type { Selectable } from 'kysely';
import type {
  AuthorityStore,
  CertificateAuthority,
  NewCertificateAuthority,
} from '../domain/certificate.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

/** The authorities whose user certificates are trusted. */
export class SqlAuthorityStore implements AuthorityStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: number): Promise<CertificateAuthority | null> {
    return orNull(await this.#all().where('id', '=', id).executeTakeFirst());
  }

  async getByName(name: string): Promise<CertificateAuthority | null> {
    return orNull(await this.#all().where('name', '=', name).executeTakeFirst());
  }

  async getByBlob(blob: string): Promise<CertificateAuthority | null> {
    return orNull(await this.#all().where('blob', '=', blob).executeTakeFirst());
  }

  list(page: PageRequest): Promise<Page<CertificateAuthority>> {
    return readPage(this.#db, page, this.#all(), toAuthority);
  }

  async create(authority: NewCertificateAuthority): Promise<CertificateAuthority> {
    const { name, algorithm, blob, fingerprint, matchUserName, principals } = authority;
    const query = this.#db
      .insertInto('certificate_authorities')
      .values({
        name,
        algorithm,
        blob,
        fingerprint,
        match_user_name: matchUserName,
        principals: JSON.stringify(principals),
      })
      .returningAll();
    return toAuthority(await taken(name, query.executeTakeFirstOrThrow()));
  }

  async update(
    id: number,
    change: Partial<Omit<NewCertificateAuthority, 'name'>>,
  ): Promise<CertificateAuthority | null> {
    // A statement that sets nothing is none.
    if (Object.values(change).every((each) => each === undefined)) return this.get(id);
    const { algorithm, blob, fingerprint, matchUserName, principals } = change;
    const query = this.#db
      .updateTable('certificate_authorities')
      .set({
        ...(algorithm !== undefined && { algorithm }),
        ...(blob !== undefined && { blob }),
        ...(fingerprint !== undefined && { fingerprint }),
        ...(matchUserName !== undefined && { match_user_name: matchUserName }),
        ...(principals !== undefined && { principals: JSON.stringify(principals) }),
      })
      .where('id', '=', id)
      .returningAll();
    return orNull(await taken(fingerprint ?? '', query.executeTakeFirst()));
  }

  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('certificate_authorities').where('id', '=', id);
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
  }

  #all() {
    return this.#db.selectFrom('certificate_authorities').selectAll();
  }
}

function taken<T>(name: string, work: Promise<T>): Promise<T> {
  const unique = () =>
    ({ code: 'thing.exists', params: { kind: 'certificate authority', name } }) as const;
  return meaning({ unique }, work);
}

type Row = Selectable<Tables['certificate_authorities']>;

function orNull(row: Row | undefined): CertificateAuthority | null {
  return row ? toAuthority(row) : null;
}

export function toAuthority(row: Row): CertificateAuthority {
  return {
    id: row.id,
    name: row.name,
    algorithm: row.algorithm,
    blob: row.blob,
    fingerprint: row.fingerprint,
    matchUserName: row.match_user_name,
    principals: row.principals,
    createdAt: row.created_at,
  };
}
