import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { CertificateProof } from '../domain/certificate.ts';
import { PosternError } from '../domain/errors.ts';
import type { Account, Standing, StandingStore } from '../domain/standing.ts';
import { toAuthority } from './authorities.ts';
import { toGrant } from './grants.ts';
import { toMachine } from './machines.ts';
import { covering } from './revocations.ts';
import { storableJson } from './storable.ts';
import type { Db, Tables } from './tables.ts';

/** A row as JSON has it: times are text. */
type Json<Row> = { readonly [Field in keyof Row]: Row[Field] extends Date ? string : Row[Field] };

interface Found {
  readonly accounts: readonly Account[];
  readonly grants: readonly Json<Selectable<Tables['grants']>>[];
  readonly machines: readonly Json<Selectable<Tables['machines']>>[];
  readonly authorities: readonly Json<Selectable<Tables['certificate_authorities']>>[];
  /** From 1, in the order of what was asked for. */
  readonly revoked: readonly number[];
}

/** What access rests on, read in one query so that it is of one moment. */
export class SqlStandingStore implements StandingStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async of(
    userIds: readonly number[],
    machineIds: readonly number[],
    certificates: readonly CertificateProof[],
  ): Promise<Standing> {
    const users = sql`any(${[...userIds]}::bigint[])`;
    const machines = sql`any(${[...machineIds]}::bigint[])`;
    const answer = await sql<Found>`select
      coalesce((select jsonb_agg(jsonb_build_object(
        'userId', u.id,
        'email', u.email,
        'disabled', u.disabled,
        'groups', array(select m.group_id from group_members m where m.user_id = u.id),
        'keyIds', array(select k.id from user_keys k where k.user_id = u.id
          and not exists (select from revocations where ${covering({
            fingerprints: sql`array[k.fingerprint]`,
            certificate: null,
          })})),
        'passwordStamp', encode(sha256(convert_to(u.password_hash, 'UTF8')), 'hex'),
        'totp', u.totp,
        'enrolled', (extract(epoch from u.totp_confirmed_at) * 1000)::bigint
      )) from users u where u.id = ${users}), '[]') as accounts,
      coalesce((select jsonb_agg(to_jsonb(g) order by g.id) from grants g where g.user_id = ${users}
        or g.group_id in (select m.group_id from group_members m where m.user_id = ${users})
      ), '[]') as grants,
      coalesce((select jsonb_agg(to_jsonb(m) - 'credential') from machines m
        where m.id = ${machines}), '[]') as machines,
      coalesce((select jsonb_agg(to_jsonb(a)) from certificate_authorities a
        where a.blob = any(${certificates.map(({ authority }) => authority.blob)}::text[])
      ), '[]') as authorities,
      array(${revokedOf(certificates)}) as revoked`.execute(this.#db);
    const [found] = answer.rows;
    if (found === undefined) throw new PosternError('store.down');
    return {
      accounts: found.accounts,
      grants: found.grants.map((row) =>
        toGrant({ ...row, until: date(row.until), created_at: new Date(row.created_at) }),
      ),
      machines: found.machines.map((row) =>
        toMachine({
          ...row,
          last_connected_at: date(row.last_connected_at),
          created_at: new Date(row.created_at),
          updated_at: new Date(row.updated_at),
        }),
      ),
      authorities: found.authorities.map((row) =>
        toAuthority({ ...row, created_at: new Date(row.created_at) }),
      ),
      revoked: certificates.filter((_one, at) => found.revoked.includes(at + 1)),
    };
  }
}

function revokedOf(certificates: readonly CertificateProof[]): RawBuilder<number> {
  const asked = certificates.map(({ serial, keyId, keyFingerprint, authority }) =>
    storableJson({ serial, keyId, key: keyFingerprint, authority: authority.fingerprint }),
  );
  const covered = covering({
    fingerprints: sql`array[c.one ->> 'key', c.one ->> 'authority']`,
    certificate: {
      serial: sql`c.one ->> 'serial'`,
      keyId: sql`c.one ->> 'keyId'`,
      authority: sql`c.one ->> 'authority'`,
    },
  });
  return sql`select c.at::int from jsonb_array_elements(${`[${asked.join(',')}]`}::jsonb)
    with ordinality as c (one, at) where exists (select from revocations where ${covered})`;
}

/** JSON has text where the row has a time. */
function date(time: Date | string | null): Date | null {
  return time === null ? null : new Date(time);
}
