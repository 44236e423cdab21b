import { type Kysely, sql } from 'kysely';

/**
 * Second factors: a user's TOTP secret (sealed), the last step whose code was used, and the hashes of
 * the recovery codes that are left; what grants demand them; and sign-ins to the console that wait
 * for a code.
 */
const STATEMENTS = [
  `alter table users
    add column totp text not null default 'optional' check (totp in ('required', 'optional')),
    add column totp_secret text,
    add column totp_confirmed_at timestamptz,
    add column totp_last_step bigint not null default 0,
    add column recovery_codes text[] not null default '{}'`,

  `alter table grants add column mfa boolean not null default false`,

  `create table half_sign_ins (
    hash text primary key,
    user_id bigint not null references users on delete cascade,
    expires_at timestamptz not null
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
