import { type Selectable, sql } from 'kysely';
import type {
  LogFilter,
  LogPage,
  LogPlace,
  SessionCommand,
  SessionLogEntry,
} from '../domain/analysis.ts';
import { containing } from './paging.ts';
import type { Db, Tables } from './tables.ts';

/** In the order of channels, in each in that of their beginning. */
export async function commandsOf(
  db: Db,
  sessionId: number,
  { limit, after }: LogPage,
): Promise<readonly SessionCommand[]> {
  const all = db.selectFrom('commands').selectAll().where('session_id', '=', sessionId);
  const found =
    after === null
      ? all
      : all.where(sql<boolean>`(channel, at, number) >
          (${after.channel}, ${after.at}::timestamptz, ${after.index})`);
  const rows = await found
    .orderBy('channel')
    .orderBy('at')
    .orderBy('number')
    .limit(limit)
    .execute();
  return rows.map(toCommand);
}

function toCommand(row: Selectable<Tables['commands']>): SessionCommand {
  return {
    channel: row.channel,
    index: row.number,
    startedAt: row.at,
    start: row.starts,
    end: row.ends,
    text: row.body,
    exitStatus: row.exit_status,
    cwd: row.cwd,
    source: row.source,
    confidence: row.confidence,
  };
}

/** Before everything. */
const BEGINNING: LogPlace = { channel: 0, at: new Date(0), type: 'command', index: 0 };

/** Commands and what was to be seen, in one order; both sides read no further than the page. */
export async function logOf(
  db: Db,
  sessionId: number,
  { from, to, search }: LogFilter,
  { limit, after }: LogPage,
): Promise<readonly SessionLogEntry[]> {
  const place = after ?? BEGINNING;
  const pattern = search === null ? null : containing(search);
  const side = (type: SessionLogEntry['type']) => {
    const table = sql.table(type === 'command' ? 'commands' : 'transcript_blocks');
    const kind = type === 'command' ? sql`true` : sql`entry.kind <> 'prompt'`;
    return sql`(select channel, entry.at, ${sql.lit(type)} as type, number, body
      from ${table} as entry join sessions on sessions.id = session_id
      where session_id = ${sessionId} and ${kind}
        and (channel, entry.at, ${sql.lit(type)}, number) >
          (${place.channel}::integer, ${place.at}::timestamptz, ${place.type}::text, ${place.index}::integer)
        and (${from}::float8 is null or
          entry.at >= sessions.started_at + make_interval(secs => ${from}::float8))
        and (${to}::float8 is null or
          entry.at <= sessions.started_at + make_interval(secs => ${to}::float8))
        and (${pattern}::text is null or body ilike ${pattern}::text)
      order by entry.channel, entry.at, entry.number limit ${limit})`;
  };
  const { rows } = await sql<LogRow>`${side('command')} union all ${side('output')}
    order by channel, at, type, number limit ${limit}`.execute(db);
  return rows.map(({ number: index, body: text, ...row }) => ({ ...row, index, text }));
}

interface LogRow {
  readonly channel: number;
  readonly at: Date;
  readonly type: SessionLogEntry['type'];
  readonly number: number;
  readonly body: string;
}
