import { sql } from 'kysely';
import type { Found, SearchKind, SearchPlace } from '../domain/search.ts';
import type { PlaceRow } from './search-conditions.ts';
import type { Db } from './tables.ts';

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
