import { type Kysely, sql } from 'kysely';

/**
 * The audit takes no change any more, and each event is linked to the one before: `hash` is SHA-256 of
 * the hash before and the event as JSON (store/audit-chain.ts computes the same). The link is made when
 * the transaction commits, one at a time, so `position` has no gaps and goes in the order of commits. By
 * then a transaction waits for nothing else, and two of them never for each other.
 */
const LINK = `sha256(coalesce(last_hash, ''::bytea) || convert_to(jsonb_build_array(
    event.id, (extract(epoch from event.at) * 1000000)::bigint, event.type, event.actor,
    event.user_id, event.machine_id, event.session_id, event.source,
    event.detail, event.before, event.after)::text, 'UTF8'))`;

const STATEMENTS = [
  'alter table audit add column before jsonb, add column after jsonb',
  `create table audit_chain (
    position bigint primary key,
    audit_id bigint not null unique,
    hash bytea not null check (length(hash) = 32)
  )`,
  `do $$
  declare
    event audit;
    last_hash bytea;
    last_position bigint := 0;
  begin
    for event in select * from audit order by id loop
      last_hash := ${LINK};
      last_position := last_position + 1;
      insert into audit_chain values (last_position, event.id, last_hash);
    end loop;
  end $$`,
  `create function audit_link() returns trigger language plpgsql as $$
  declare
    event audit := new;
    last_hash bytea;
    last_position bigint;
  begin
    perform pg_advisory_xact_lock(5784306719268651365);
    select position, hash into last_position, last_hash
      from audit_chain order by position desc limit 1;
    insert into audit_chain values (coalesce(last_position, 0) + 1, event.id, ${LINK});
    return null;
  end $$`,
  `create constraint trigger audit_linked after insert on audit
    deferrable initially deferred for each row execute function audit_link()`,
  `create function audit_stays() returns trigger language plpgsql as $$
  begin
    raise exception 'the audit is only added to' using errcode = 'insufficient_privilege';
  end $$`,
  `create trigger audit_stays before update or delete or truncate on audit
    for each statement execute function audit_stays()`,
  `create trigger audit_stays before update or delete or truncate on audit_chain
    for each statement execute function audit_stays()`,
  'revoke update, delete, truncate on audit, audit_chain from current_user',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
