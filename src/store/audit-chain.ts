import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { AuditFlaw, AuditLink, AuditVerdict } from '../domain/audit.ts';
import type { Db } from './tables.ts';

/** Links, and events, that are read at once. */
const AT_ONCE = 2000;

interface LinkRow {
  readonly position: number;
  readonly audit_id: number;
  readonly hash: Buffer;
  /** What the hash is of, beside the one before; null: the event is not there. */
  readonly text: string | null;
}

/**
 * Computes the chain of migrations/0033-audit-linked-later.ts anew, up to the head that it has now. Here, and
 * not with the function in the database, which who changes events could have changed as well.
 */
export async function verifyChain(db: Db, kept: AuditLink | null): Promise<AuditVerdict> {
  const { head: last } = await db
    .selectFrom('audit_chain')
    .select((eb) => eb.fn.max('position').as('head'))
    .executeTakeFirstOrThrow();
  const walked = await walk(db, last ?? 0, kept);
  const flaw = walked.flaw ?? (await firstUnlinked(db)) ?? (await firstLost(db));
  return { events: last ?? 0, head: walked.head, flaw };
}

async function walk(db: Db, last: number, kept: AuditLink | null) {
  let head: AuditLink | null = null;
  let isKept = kept === null;
  for await (const row of links(db, last)) {
    const bad = flawOf(row, head);
    if (bad !== null) return { head, flaw: bad };
    head = { position: row.position, hash: row.hash.toString('hex') };
    if (kept?.position === head.position) isKept = kept.hash === head.hash;
  }
  const isWhole = (head?.position ?? 0) === last;
  if (!isWhole) return { head, flaw: flaw('removed', null) };
  return { head, flaw: isKept ? null : flaw('head', null) };
}

function flawOf(row: LinkRow, before: AuditLink | null): AuditFlaw | null {
  if (row.position !== (before?.position ?? 0) + 1) return flaw('removed', null);
  if (row.text === null) return flaw('removed', row.audit_id);
  const hash = createHash('sha256')
    .update(before?.hash ?? '', 'hex')
    .update(row.text);
  return hash.digest().equals(row.hash) ? null : flaw('changed', row.audit_id);
}

async function* links(db: Db, last: number): AsyncGenerator<LinkRow> {
  let after = 0;
  while (after < last) {
    const rows = await linksAfter(db, after, last);
    yield* rows;
    after = rows.at(-1)?.position ?? last;
  }
}

function flaw(problem: AuditFlaw['problem'], event: number | null): AuditFlaw {
  return { problem, event };
}

async function linksAfter(db: Db, after: number, last: number): Promise<readonly LinkRow[]> {
  const { rows } = await sql<LinkRow>`
    select position, audit_id, hash, case when event.id is null then null else jsonb_build_array(
      event.id, (extract(epoch from event.at) * 1000000)::bigint, event.type, event.actor,
      event.user_id, event.machine_id, event.session_id, event.source,
      event.detail, event.before, event.after)::text end as text
    from audit_chain left join audit as event on event.id = audit_id
    where position > ${after}::bigint and position <= ${last}::bigint
    order by position limit ${AT_ONCE}`.execute(db);
  return rows;
}

/** The first event that was removed before it was linked. */
async function firstLost(db: Db): Promise<AuditFlaw | null> {
  const lost = await db
    .selectFrom('audit_unlinked')
    .select('audit_id')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('audit').select('id').whereRef('id', '=', 'audit_id'))),
    )
    .orderBy('audit_id')
    .limit(1)
    .executeTakeFirst();
  return lost === undefined ? null : flaw('removed', lost.audit_id);
}

/** The first event that was put in past the trigger; what came since the linking waits. */
async function firstUnlinked(db: Db): Promise<AuditFlaw | null> {
  let after = 0;
  for (;;) {
    const { rows } = await sql<{ last: number | null; unlinked: number | null }>`
      select max(event.id) as last, min(event.id) filter (
        where chain.audit_id is null and waits.audit_id is null) as unlinked
      from (select id from audit where id > ${after}::bigint order by id limit ${AT_ONCE}) as event
      left join audit_chain as chain on chain.audit_id = event.id
      left join audit_unlinked as waits on waits.audit_id = event.id`.execute(db);
    const { last = null, unlinked = null } = rows[0] ?? {};
    if (unlinked !== null) return flaw('added', unlinked);
    if (last === null) return null;
    after = last;
  }
}
