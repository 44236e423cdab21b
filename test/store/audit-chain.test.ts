import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LinkedAuditEvent, NewAuditEvent } from '../../src/domain/audit.ts';
import { SqlAuditStore } from '../../src/store/audit.ts';
import { connect } from '../../src/store/connect.ts';
import type { Connection } from '../../src/store/connection.ts';
import { bringUpToDate, MIGRATIONS } from '../../src/store/migrate.ts';
import type { Db } from '../../src/store/tables.ts';
import { onBothDatabases, type Place, place } from '../support/database.ts';
import { silent } from './options.ts';

function event(change: Partial<NewAuditEvent> = {}): NewAuditEvent {
  return {
    at: new Date('2026-03-01T10:00:00.123Z'),
    type: 'user.changed',
    actor: 'ada "the first" \\ é \u{1f600}',
    userId: 1,
    machineId: null,
    sessionId: null,
    source: '192.0.2.1',
    detail: { fields: 'email', seconds: 1.5, small: 1e-7, no: null },
    before: { email: null, tags: { env: 'prod' } },
    after: { email: 'a@example.org', tags: {} },
    ...change,
  };
}

/** What must not stay. */
class Undone extends Error {}

onBothDatabases('the chain of the audit', (kind) => {
  let where: Place;
  let connection: Connection;
  let db: Db;
  let audit: SqlAuditStore;

  beforeAll(async () => {
    where = await place(kind);
    connection = await connect({ ...where, log: silent });
    db = connection.db;
    audit = new SqlAuditStore(db);
    const provider = { getMigrations: async () => MIGRATIONS };
    await new Migrator({ db, provider }).migrateTo('0026-large-lists');
    for (const actor of ['old', 'older']) {
      await sql`insert into audit (at, type, actor, detail)
        values (now(), 'user.created', ${actor}, '{}')`.execute(db);
    }
    await bringUpToDate(db);
  });
  afterAll(async () => {
    await connection.close();
    await where[Symbol.asyncDispose]();
  });

  /** Runs it in a transaction that leaves nothing, and answers what the audit says of itself there. */
  async function afterwards(tampering: (tx: Db) => Promise<unknown>) {
    let verdict: Awaited<ReturnType<SqlAuditStore['verify']>> | null = null;
    const done = db.transaction().execute(async (tx) => {
      for (const table of ['audit', 'audit_chain']) {
        await sql.raw(`alter table ${table} disable trigger user`).execute(tx);
      }
      await tampering(tx);
      verdict = await new SqlAuditStore(tx).verify(null);
      throw new Undone();
    });
    await expect(done).rejects.toBeInstanceOf(Undone);
    return verdict;
  }

  const newest = async (): Promise<number> => (await audit.list({}, { limit: 1 })).rows[0]?.id ?? 0;

  test('has the events that were there before there was one', async () => {
    expect(await audit.verify(null)).toMatchObject({ flaw: null, events: 2 });
  });

  test('has every event, of many at once, and only of what was committed', async () => {
    const { events: before } = await audit.verify(null);
    const each = Array.from({ length: 12 }, (_, at) =>
      db.transaction().execute(async (tx) => {
        const inside = new SqlAuditStore(tx);
        await inside.append(event({ userId: at }));
        await inside.append(event({ userId: at, before: null, after: null }));
        if (at % 3 === 0) throw new Undone();
      }),
    );
    await Promise.allSettled([...each, audit.append(event())]);
    const verdict = await audit.verify(null);
    expect(verdict).toMatchObject({ events: before + 17, flaw: null });
    expect(verdict.head?.position).toBe(before + 17);
    const walked: LinkedAuditEvent[] = [];
    for await (const one of audit.walk({})) walked.push(one);
    expect(walked.map(({ position }) => position).toSorted((a, b) => a - b)).toEqual(
      walked.map((_, at) => at + 1),
    );
    const last = walked.find(({ position }) => position === verdict.head?.position);
    expect(last?.hash).toBe(verdict.head?.hash);
  });

  test('has each event once, whoever links at the same time', async () => {
    const { events: before } = await audit.verify(null);
    const writing = Array.from({ length: 8 }, async (_, at) => {
      for (let n = 0; n < 5; n++) {
        await audit.append(event({ userId: at }));
        await audit.link();
      }
    });
    await Promise.all([...writing, audit.link(), audit.verify(null)]);
    expect(await audit.verify(null)).toMatchObject({ events: before + 40, flaw: null });
  });

  test('an event is there before it is linked, and only linked when it was committed', async () => {
    const { events: before } = await audit.verify(null);
    const undone = db.transaction().execute(async (tx) => {
      await new SqlAuditStore(tx).append(event());
      await new SqlAuditStore(tx).link();
      throw new Undone();
    });
    await expect(undone).rejects.toBeInstanceOf(Undone);
    await audit.append(event());
    const count = () => db.selectFrom('audit_chain').select('position').execute();
    expect(await count()).toHaveLength(before);
    await audit.link();
    expect(await count()).toHaveLength(before + 1);
    expect(await audit.verify(null)).toMatchObject({ flaw: null });
  });

  test('an event comes back with what was before and after', async () => {
    await audit.append(event());
    const { rows } = await audit.list({}, { limit: 1 });
    expect(rows[0]).toMatchObject(event());
  });

  test('the database refuses to change or remove an event', async () => {
    await audit.append(event());
    for (const statement of [
      `update audit set actor = 'bob'`,
      'delete from audit where false',
      'truncate audit',
      `update audit_chain set hash = ''`,
      'delete from audit_chain',
      'truncate audit_chain',
    ]) {
      await expect(sql.raw(statement).execute(db), statement).rejects.toThrow('only added to');
    }
    const { rows } = await sql<{ name: string }>`
      select distinct privilege_type as name from pg_class, aclexplode(relacl)
      where relname in ('audit', 'audit_chain')`.execute(db);
    const held = rows.map(({ name }) => name);
    expect(held).toContain('INSERT');
    for (const name of ['UPDATE', 'DELETE', 'TRUNCATE']) expect(held).not.toContain(name);
  });

  test('whoever could change it all the same is found out', async () => {
    await audit.append(event({ actor: 'eve' }));
    await audit.append(event());
    await audit.link();
    const id = (await newest()) - 1;
    expect(await afterwards((tx) => sql`select 1`.execute(tx))).toMatchObject({ flaw: null });
    expect(
      await afterwards((tx) => sql`update audit set actor = 'ada' where id = ${id}`.execute(tx)),
    ).toMatchObject({ flaw: { problem: 'changed', event: id } });
    expect(
      await afterwards((tx) => sql`delete from audit where id = ${id}`.execute(tx)),
    ).toMatchObject({ flaw: { problem: 'removed', event: id } });
    const both = async (tx: Db) => {
      await sql`delete from audit where id = ${id}`.execute(tx);
      await sql`delete from audit_chain where audit_id = ${id}`.execute(tx);
    };
    expect(await afterwards(both)).toMatchObject({ flaw: { problem: 'removed' } });
    const early = await afterwards(async (tx) => {
      await sql`alter table audit enable trigger user`.execute(tx);
      await new SqlAuditStore(tx).append(event());
      await sql`alter table audit disable trigger user`.execute(tx);
      await sql`delete from audit where id = (select max(id) from audit)`.execute(tx);
    });
    expect(early).toMatchObject({ flaw: { problem: 'removed' } });
    const added = await afterwards((tx) => new SqlAuditStore(tx).append(event()));
    expect(added).toMatchObject({ flaw: { problem: 'added' } });
    expect(await audit.verify(null)).toMatchObject({ flaw: null });
  });

  test('whoever cut its end off is found out by a link that was kept', async () => {
    await audit.append(event());
    const { head: kept } = await audit.verify(null);
    await audit.append(event());
    expect(await audit.verify(kept)).toMatchObject({ flaw: null });
    const beyond = { position: (kept?.position ?? 0) + 100, hash: kept?.hash ?? '' };
    expect(await audit.verify(beyond)).toMatchObject({ flaw: { problem: 'head', event: null } });
    const other = { position: kept?.position ?? 0, hash: 'ab'.repeat(32) };
    expect(await audit.verify(other)).toMatchObject({ flaw: { problem: 'head' } });
  });
});
