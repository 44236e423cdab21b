import type { Selectable } from 'kysely';
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

/** Keys and certificates that are accepted no more. */
export class SqlRevocationStore implements RevocationStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async covers({ fingerprints, certificate }: Presented): Promise<boolean> {
    const authorities = certificate === null ? [] : [ANY, certificate.authority];
    const found = await this.#db
      .selectFrom('revocations')
      .select('id')
      .where((eb) => {
        const keys = eb.and([eb('kind', '=', 'fingerprint'), eb('value', 'in', [...fingerprints])]);
        if (certificate === null) return keys;
        const ours = eb('authority', 'in', authorities);
        return eb.or([
          keys,
          eb.and([eb('kind', '=', 'serial'), eb('value', '=', certificate.serial), ours]),
          eb.and([eb('kind', '=', 'key_id'), eb('value', '=', certificate.keyId), ours]),
        ]);
      })
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  list(page: PageRequest): Promise<Page<Revocation>> {
    return readPage(page, {
      rows: ({ before, limit, offset }) =>
        this.#db
          .selectFrom('revocations')
          .selectAll()
          .where('id', '<', before)
          .orderBy('id', 'desc')
          .limit(limit)
          .offset(offset)
          .execute(),
      count: async () => {
        const all = this.#db.selectFrom('revocations');
        const counted = all.select((eb) => eb.fn.countAll<number>().as('count'));
        return (await counted.executeTakeFirstOrThrow()).count;
      },
      make: toRevocation,
      key: ({ id }) => id,
    });
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

  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('revocations').where('id', '=', id);
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
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
