import { type Kysely, sql } from 'kysely';

/**
 * Events are linked to the chain soon after their transactions have committed, many at once, and no longer
 * while they commit: that made every transaction with an event wait for the disk alone (docs/adr/0026). Which
 * wait for it stands in `audit_unlinked`. The chain is the same: `hash` is SHA-256 of the hash before and the event
 * as JSON (migrations/0027-audit-chain.ts, and store/audit-chain.ts computes the same).
 */
const LINK = `sha256(coalesce(last_hash, ''::bytea) || convert_to(jsonb_build_array(
    event.id, (extract(epoch from event.at) * 1000000)::bigint, event.type, event.actor,
    event.user_id, event.machine_id, event.session_id, event.source,
    event.detail, event.before, event.after)::text, 'UTF8'))`;

const STATEMENTS = [
  'drop trigger audit_linked on audit',
  'drop function audit_link()',
  'create table audit_unlinked (audit_id bigint primary key)',
  `create function audit_waits() returns trigger language plpgsql as $$
  begin
    insert into audit_unlinked values (new.id);
    return null;
  end $$`,
  `create trigger audit_waits after insert on audit for each row execute function audit_waits()`,
  `create function audit_link(most integer) returns integer language plpgsql as $$
  declare
    event audit;
    last_hash bytea;
    last_position bigint;
    linked integer := 0;
  begin
    if not exists (select from audit_unlinked) then return 0; end if;
    perform pg_advisory_xact_lock(5784306719268651365);
    select position, hash into last_position, last_hash
      from audit_chain order by position desc limit 1;
    last_position := coalesce(last_position, 0);
    for event in select audit.* from audit_unlinked join audit on audit.id = audit_id
        order by audit_id limit most loop
      last_hash := ${LINK};
      last_position := last_position + 1;
      insert into audit_chain values (last_position, event.id, last_hash);
      delete from audit_unlinked where audit_id = event.id;
      linked := linked + 1;
    end loop;
    return linked;
  end $$`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
