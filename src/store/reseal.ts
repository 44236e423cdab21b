import { sql } from 'kysely';
import { PosternError } from '../domain/errors.ts';
import { SqlAuditStore } from './audit.ts';
import { connectToMigrate, type DatabaseOptions } from './connect.ts';
import { requireUpToDate } from './migrate.ts';
import { SEALED_COLUMNS } from './sealed-columns.ts';
import type { Db } from './tables.ts';
import { Vault } from './vault.ts';

/** Rows that are sealed at a time. */
const BATCH = 500;

/** Seconds since its last sign of life in which a node may still run; others find it dead after 10. */
const RUNNING_SECONDS = 15;

interface SealedRow {
  readonly id: number;
}

/**
 * Seals everything in the database under `to`, whichever of the keys it was sealed under; answers how
 * many texts there are. All or nothing, in one transaction, with an audit event of whose act it is.
 *
 * Throws `store.in_use` or `node.running` while a server runs on the database, `vault.stuck` when
 * something is under none of the keys, `store.behind`, and what opening throws.
 */
export async function reseal(
  options: DatabaseOptions,
  { to, from }: { readonly to: Buffer; readonly from: readonly Buffer[] },
  actor: string | null,
): Promise<number> {
  const connection = await connectToMigrate(options);
  try {
    await requireUpToDate(connection.db);
    const vault = new Vault(to, from);
    return await connection.db.transaction().execute(async (db) => {
      let texts = 0;
      for (const [column, placeOf] of Object.entries(SEALED_COLUMNS)) {
        texts += await resealColumn(db, vault, column, placeOf as (row: SealedRow) => string);
      }
      // Last, and with the tables locked: who takes a name from now on waits for the end of this, and
      // reads its keys after that.
      await sql`lock table nodes in share row exclusive mode`.execute(db);
      await requireNobody(db);
      await new SqlAuditStore(db).append({
        ...{ at: new Date(), type: 'secret_key.rotated', actor, source: null, detail: { texts } },
        ...{ userId: null, machineId: null, sessionId: null },
      });
      return texts;
    });
  } finally {
    await connection.close();
  }
}

/** Throws `node.running` while a node runs on the database, `store.behind`, and what opening throws. */
export async function requireStopped(options: DatabaseOptions): Promise<void> {
  // The embedded one belongs to one data directory, which its node has locked.
  if (options.databaseUrl === null) return;
  const connection = await connectToMigrate(options);
  try {
    await requireUpToDate(connection.db);
    await requireNobody(connection.db);
  } finally {
    await connection.close();
  }
}

async function resealColumn(
  db: Db,
  vault: Vault,
  name: string,
  placeOf: (row: SealedRow) => string,
): Promise<number> {
  const [tableName = '', columnName = ''] = name.split('.');
  const [table, column] = [sql.table(tableName), sql.ref(columnName)];
  await sql`lock table ${table} in share row exclusive mode`.execute(db);
  let texts = 0;
  for (let last = 0; ; ) {
    const { rows } = await sql<SealedRow & { readonly sealed_text: string }>`
      select *, ${column} as sealed_text from ${table}
      where ${column} is not null and id > ${last} order by id limit ${BATCH}`.execute(db);
    for (const row of rows) {
      const place = placeOf(row);
      const opened = vault.open(row.sealed_text, place);
      if ('failed' in opened) throw new PosternError('vault.stuck', { place });
      const sealed = vault.seal(opened.text, place);
      await sql`update ${table} set ${column} = ${sealed} where id = ${row.id}`.execute(db);
      texts += 1;
      last = row.id;
    }
    if (rows.length < BATCH) return texts;
  }
}

async function requireNobody(db: Db): Promise<void> {
  const { rows } = await sql<{ id: string }>`select id from nodes
    where seen_at > now() - make_interval(secs => ${RUNNING_SECONDS}) order by id`.execute(db);
  if (rows.length === 0) return;
  throw new PosternError('node.running', { nodes: rows.map(({ id }) => id).join(', ') });
}
