import { type RawBuilder, sql } from 'kysely';
import {
  type Found,
  SEARCH_KINDS,
  type SearchFilter,
  type SearchKind,
  type SearchPlace,
} from '../domain/search.ts';
import { containing } from './paging.ts';
import type { Db } from './tables.ts';

/** A part of the newest texts that was looked through. */
export interface Window {
  /** Those that have the words, newest first. */
  readonly matching: readonly SearchPlace[];
  /** The oldest text that was looked at; null: there was none, this is the end. */
  readonly last: SearchPlace | null;
}

interface PlaceRow {
  readonly kind: SearchKind;
  readonly id: number;
  readonly at: Date;
}

function tableOf(kind: SearchKind): RawBuilder<unknown> {
  return sql.table(kind === 'command' ? 'commands' : 'transcript_blocks');
}

function kindsOf({ kind }: SearchFilter): readonly SearchKind[] {
  return kind === undefined ? SEARCH_KINDS : [kind];
}

function all(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql.join(conditions, sql` and `);
}

/** Of a text by itself: when, and not what a prompt shows, which the commands say better. */
function within(
  kind: SearchKind,
  { from, to }: SearchFilter,
  after: SearchPlace | null,
): RawBuilder<unknown> {
  const conditions = [sql`entry.folded is not null`];
  if (kind === 'output') conditions.push(sql`entry.kind <> 'prompt'`);
  if (from !== undefined) conditions.push(sql`entry.at >= ${from}::timestamptz`);
  if (to !== undefined) conditions.push(sql`entry.at < ${to}::timestamptz`);
  if (after !== null) {
    // The first is for the index; the row is not of one table.
    conditions.push(sql`entry.at <= ${after.at}::timestamptz`);
    conditions.push(sql`(entry.at, ${sql.lit(kind)}::text, entry.id) <
      (${after.at}::timestamptz, ${after.kind}::text, ${after.id}::bigint)`);
  }
  return all(conditions);
}

/** Of the session that it is of: whose, on which machine, and that it may be found there. */
function inSession({ userId, machineId, sessionId }: SearchFilter): RawBuilder<unknown> {
  const conditions = [
    sql`not exists (select from machines
    where machines.id = sessions.machine_id and not machines.indexed)`,
  ];
  if (userId !== undefined) conditions.push(sql`sessions.user_id = ${userId}`);
  if (machineId !== undefined) conditions.push(sql`sessions.machine_id = ${machineId}`);
  if (sessionId !== undefined) conditions.push(sql`sessions.id = ${sessionId}`);
  return all(conditions);
}

function hasWords(words: readonly string[], text: RawBuilder<unknown>): RawBuilder<unknown> {
  return all(words.map((word) => sql`${text} like ${containing(word)}`));
}

/** Looks through the newest `rows` texts behind a place, in the order of time. */
export async function lookThrough(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace | null,
  rows: number,
): Promise<Window> {
  const sides = kindsOf(filter).map(
    (kind) => sql`(select ${sql.lit(kind)}::text as kind, entry.id, entry.at, entry.folded
      from ${tableOf(kind)} as entry join sessions on sessions.id = entry.session_id
      where ${within(kind, filter, after)} and ${inSession(filter)}
      order by entry.at desc, entry.id desc limit ${rows})`,
  );
  const found = await sql<PlaceRow & { readonly matches: boolean }>`
    with looked as materialized (
      select * from (${sql.join(sides, sql` union all `)}) as every
      order by at desc, kind desc, id desc limit ${rows})
    (select kind, id, at, true as matches from looked
      where ${hasWords(filter.words, sql`folded`)})
    union all
    (select kind, id, at, false from looked order by at, kind, id limit 1)`.execute(db);
  return {
    matching: newestFirst(found.rows.filter((row) => row.matches)),
    last: found.rows.find((row) => !row.matches) ?? null,
  };
}

/**
 * Looks texts up by the trigram index, all that lie behind a place. Null: more than `most` have the
 * words, so that looking through the newest is quicker.
 */
export async function lookUp(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace | null,
  most: number,
): Promise<readonly SearchPlace[] | null> {
  // Long texts have no statistics, so the planner guesses how many there are; nothing else is to serve.
  await sql`select set_config('enable_seqscan', 'off', true),
    set_config('enable_indexscan', 'off', true)`.execute(db);
  const places: SearchPlace[] = [];
  for (const kind of kindsOf(filter)) {
    const { rows } = await sql<PlaceRow & { readonly passed: number; readonly seen: boolean }>`
      with found as materialized (
        select entry.id, entry.at, entry.session_id from ${tableOf(kind)} as entry
        where ${hasWords(filter.words, sql`entry.folded`)} and ${within(kind, filter, after)}
        limit ${most + 1})
      select ${sql.lit(kind)}::text as kind, found.id, found.at, ${inSession(filter)} as seen
      from found join sessions on sessions.id = found.session_id`.execute(db);
    if (rows.length > most) return null;
    places.push(...rows.filter((row) => row.seen));
  }
  return newestFirst(places);
}

function newestFirst(places: readonly SearchPlace[]): readonly SearchPlace[] {
  return places
    .map(({ kind, id, at }) => ({ kind, id, at }))
    .sort((a, b) => {
      if (a.at.getTime() !== b.at.getTime()) return b.at.getTime() - a.at.getTime();
      return a.kind === b.kind ? b.id - a.id : a.kind < b.kind ? 1 : -1;
    });
}

interface FoundRow extends PlaceRow {
  readonly session_id: number;
  readonly channel: number;
  readonly second: number;
  readonly until: number | null;
  readonly body: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly user_name: string;
  readonly machine_name: string;
  readonly login: string;
  readonly live: boolean;
  readonly key: string;
  readonly growing: boolean;
  readonly screen: boolean;
}

/** What stands at these places, in their order, with what is around it. */
export async function readFound(db: Db, places: readonly SearchPlace[]): Promise<readonly Found[]> {
  const idsOf = (kind: SearchKind) => places.filter((one) => one.kind === kind).map(({ id }) => id);
  const { rows } = await sql<FoundRow>`
    select 'command' as kind, entry.id, entry.at, entry.session_id, entry.channel, starts as second,
      ends as until, body, null as before, null as after, user_name, machine_name, sessions.login,
      sessions.ended_at is null as live, recordings.key, recordings.state = 'recording' as growing, false as screen
    from commands as entry join sessions on sessions.id = entry.session_id
    join recordings on recordings.id = entry.recording_id
    where entry.id = any(${idsOf('command')}::bigint[])
    union all
    select 'output', entry.id, entry.at, entry.session_id, entry.channel, entry.from_s,
      entry.to_s, entry.body, earlier.body, later.body, user_name, machine_name, sessions.login,
      sessions.ended_at is null, recordings.key, recordings.state = 'recording', entry.kind = 'screen'
    from transcript_blocks as entry join sessions on sessions.id = entry.session_id
    join recordings on recordings.id = entry.recording_id
    left join transcript_blocks as earlier
      on earlier.recording_id = entry.recording_id and earlier.number = entry.number - 1
    left join transcript_blocks as later
      on later.recording_id = entry.recording_id and later.number = entry.number + 1
    where entry.id = any(${idsOf('output')}::bigint[])`.execute(db);
  const found = new Map(rows.map((row) => [`${row.kind} ${row.id}`, row]));
  return places.flatMap(({ kind, id }) => {
    const row = found.get(`${kind} ${id}`);
    return row === undefined ? [] : [toFound(row)];
  });
}

function toFound(row: FoundRow): Found {
  const { id, at, kind, channel, key, second, until, login } = row;
  return {
    ...{ id, at, kind, channel, key, second, until, login },
    sessionId: row.session_id,
    text: row.body,
    before: row.before ?? '',
    after: row.after ?? '',
    userName: row.user_name,
    machineName: row.machine_name,
    isLive: row.live,
    isGrowing: row.growing,
    isScreen: row.screen,
  };
}
