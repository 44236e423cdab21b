import { type Kysely, sql } from 'kysely';

/**
 * Grants that demand an approval, and the requests for one. Who has to approve cannot be removed
 * while a grant says so: without them it would have to be read as no demand, or never be met. A
 * request refers to its grant by number alone, for it has to outlive it.
 */
const STATEMENTS = [
  `alter table grants
    add column approval_user_id bigint references users on delete restrict,
    add column approval_group_id bigint references groups on delete restrict,
    add check (num_nonnulls(approval_user_id, approval_group_id) <= 1)`,

  `create table approvals (
    id bigint generated always as identity primary key,
    grant_id bigint not null,
    user_id bigint references users on delete set null,
    user_name text not null,
    machine_id bigint references machines on delete set null,
    machine_name text not null,
    login text not null,
    kind text not null check (kind in ('shell', 'exec', 'sftp', 'forward', 'web')),
    by_user_id bigint references users on delete set null,
    by_group_id bigint references groups on delete set null,
    by_name text not null,
    status text not null default 'pending'
      check (status in ('pending', 'approved', 'denied', 'expired', 'called_off')),
    node text not null,
    source text not null,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    decided_by text,
    reason text not null default '',
    used boolean not null default false,
    check ((status = 'pending') = (closed_at is null)),
    check ((status in ('approved', 'denied')) = (decided_by is not null)),
    check (not used or status = 'approved')
  )`,
  `create index approvals_open on approvals (user_id) where status = 'pending'`,
  `create index approvals_status on approvals (status, id desc)`,

  `alter table sessions
    add column approval_id bigint,
    add column approved_by text,
    add column approval_reason text,
    add check (num_nonnulls(approval_id, approved_by, approval_reason) in (0, 3))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
