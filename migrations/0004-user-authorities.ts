import { type Kysely, sql } from 'kysely';

/**
 * Who may certify users' keys, and what is revoked. A revocation names its authority by fingerprint
 * and not by row: it must outlive the authority's removal. Empty: any authority's, so that the
 * constraint sees it as a value.
 */
const STATEMENTS = [
  `create table certificate_authorities (
    id bigint generated always as identity primary key,
    name text not null unique,
    algorithm text not null,
    blob text not null unique,
    fingerprint text not null,
    match_user_name boolean not null,
    principals jsonb not null check (jsonb_typeof(principals) = 'object'),
    created_at timestamptz not null default now()
  )`,

  `create table revocations (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('fingerprint', 'serial', 'key_id')),
    value text not null,
    authority text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    unique (kind, value, authority),
    check (kind <> 'serial' or authority <> '')
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
