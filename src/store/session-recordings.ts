import { sql } from 'kysely';
import type { RecordingReceipt, RecordingState } from '../domain/recording.ts';
import type { Recording, SessionStore } from '../domain/session.ts';
import { meaning } from './failure.ts';
import { SqlSealStore } from './seals.ts';
import { toRecording } from './session-rows.ts';
import type { Db } from './tables.ts';

export type NewRecording = Parameters<SessionStore['openRecording']>[0];

export async function listRecordings(db: Db, sessionId: number): Promise<readonly Recording[]> {
  const query = db
    .selectFrom('recordings')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('channel');
  return (await query.execute()).map(toRecording);
}

export async function unclosedRecordings(db: Db, node: string): Promise<readonly Recording[]> {
  const query = db
    .selectFrom('recordings')
    .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
    .selectAll('recordings')
    .where('recordings.state', '=', 'recording')
    .where('sessions.node', '=', node)
    .orderBy('recordings.id');
  return (await query.execute()).map(toRecording);
}

/** See SessionStore.unlistedRecordings. */
export async function unlistedRecordings(
  db: Db,
  keys: readonly string[],
): Promise<readonly string[]> {
  const listed = await db
    .selectFrom('recordings')
    .select('key')
    .where('key', '=', sql<string>`any(${[...keys]}::text[])`)
    .execute();
  const known = new Set(listed.map(({ key }) => key));
  return keys.filter((key) => !known.has(key));
}

/** Throws `thing.exists` when channel or key has one, `thing.not_found` for the session. */
export async function openRecording(db: Db, recording: NewRecording): Promise<void> {
  const { sessionId, channel, key, startedAt } = recording;
  const query = db
    .with('opened', (opening) =>
      opening
        .insertInto('recordings')
        .values({ session_id: sessionId, channel, key, started_at: startedAt })
        .returning('id'),
    )
    .insertInto('recording_analyses')
    .columns(['recording_id'])
    .expression((eb) => eb.selectFrom('opened').select('opened.id'));
  await meaning(
    {
      unique: () => ({ code: 'thing.exists', params: { kind: 'recording', name: key } }),
      foreign: () => ({ code: 'thing.not_found', params: { kind: 'session', id: sessionId } }),
    },
    query.execute(),
  );
}

/** See SessionStore.closeRecording. A recording that has left `recording` stays as it is. */
export async function closeRecording(
  db: Db,
  end: {
    readonly sessionId: number;
    readonly channel: number;
    readonly state: RecordingState;
    readonly receipt: RecordingReceipt | null;
    readonly at: Date;
  },
): Promise<string | null> {
  const { sessionId, channel, receipt } = end;
  if (receipt !== null) await new SqlSealStore(db).add(sessionId, channel, receipt.seal);
  await db
    .updateTable('recordings')
    .set({
      state: end.state,
      recorded_bytes: receipt?.recordedBytes ?? null,
      size: end.receipt?.size ?? null,
      duration: end.receipt?.duration ?? null,
      sha256: end.receipt?.sha256 ?? null,
      ended_at: end.at,
    })
    .where('session_id', '=', end.sessionId)
    .where('channel', '=', end.channel)
    .where('state', '=', 'recording')
    .execute();
  const found = await db
    .selectFrom('recordings')
    .select('key')
    .where('session_id', '=', end.sessionId)
    .where('channel', '=', end.channel)
    .executeTakeFirst();
  return found?.key ?? null;
}

/** See SessionStore.recordingChecked: of several times the first stays. */
export async function recordingChecked(db: Db, id: number, tamperedAt: Date | null): Promise<void> {
  const found = db.updateTable('recordings').where('id', '=', id);
  const changed =
    tamperedAt === null
      ? found.set({ tampered_at: null })
      : found.set({ tampered_at: tamperedAt }).where('tampered_at', 'is', null);
  await changed.execute();
}
