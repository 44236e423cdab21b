import { type RawBuilder, type Selectable, sql } from 'kysely';
import type {
  NewRevocation,
  Presented,
  Revocation,
  RevocationStore,
} from '../domain/certificate.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

/** Any authority, in the column. */
const ANY = '';

/** SQL of each part of what is presented. */
interface PresentedSql {
  /** An array. */
  readonly fingerprints: RawBuilder<unknown>;
  readonly certificate: {
    readonly serial: RawBuilder<unknown>;
    readonly keyId: RawBuilder<unknown>;
    /** Its fingerprint. */
    readonly authority: RawBuilder<unknown>;
  } | null;
}

/** Whether a row of `revocations` covers what is presented. */
export function covering({ fingerprints, certificate }: PresentedSql): RawBuilder<boolean> {
  const key = sql<boolean>`(kind = 'fingerprint' and value = any(${fingerprints}))`;
  if (certificate === null) return key;
  const { serial, keyId, authority } = certificate;
  return sql<boolean>`(${key} or authority in (${ANY}, ${authority}) and (
    serials @> (${serial})::numeric or kind = 'key_id' and value = ${keyId}))`;
}

/** Keys and certificates that are accepted no more. */
export class SqlRevocationStore implements RevocationStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async covers({ fingerprints, certificate }: Presented): Promise<boolean> {
    const found = await this.#db
      .selectFrom('revocations')
      .select('id')
      .where(
        covering({
          fingerprints: sql`${[...fingerprints]}::text[]`,
          certificate:
            certificate === null
              ? null
              : {
                  serial: sql`${certificate.serial}`,
                  keyId: sql`${certificate.keyId}`,
                  authority: sql`${certificate.authority}`,
                },
        }),
      )
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  list(page: PageRequest): Promise<Page<Revocation>> {
    return readPage(this.#db, page, this.#db.selectFrom('revocations').selectAll(), toRevocation);
  }

  async create({ kind, value, authority, reason }: NewRevocation): Promise<Revocation> {
    const query = this.#db
      .insertInto('revocations')
      .values({ kind, value, authority: authority ?? ANY, reason })
      .returningAll();
    const unique = () =>
      ({ code: 'thing.exists', params: { kind: 'revocation', name: value } }) as const;
    return toRevocation(await meaning({ unique }, query.executeTakeFirstOrThrow()));
  }

  async createMissing(revocations: readonly NewRevocation[]): Promise<number> {
    const query = this.#db
      .insertInto('revocations')
      .values(
        revocations.map(({ kind, value, authority, reason }) => ({
          ...{ kind, value, authority: authority ?? ANY, reason },
        })),
      )
      .onConflict((conflict) => conflict.doNothing());
    return Number((await query.executeTakeFirst()).numInsertedOrUpdatedRows ?? 0);
  }

  async remove(id: number): Promise<Revocation | null> {
    const query = this.#db.deleteFrom('revocations').where('id', '=', id).returningAll();
    const row = await query.executeTakeFirst();
    return row ? toRevocation(row) : null;
  }
}

function toRevocation(row: Selectable<Tables['revocations']>): Revocation {
  return {
    id: row.id,
    kind: row.kind,
    value: row.value,
    authority: row.authority === ANY ? null : row.authority,
    reason: row.reason,
    createdAt: row.created_at,
  };
}
