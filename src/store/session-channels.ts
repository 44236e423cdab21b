import type { ChannelEnd, NewChannel, SessionChannel } from '../domain/session.ts';
import { exitNumber } from '../domain/terminal.ts';
import { meaning } from './failure.ts';
import { toChannel } from './session-rows.ts';
import type { Db } from './tables.ts';

/** The kinds whose end is the end of a program. */
const PROGRAMS = ['shell', 'exec', 'sftp', 'subsystem'] as const;

export async function listChannels(db: Db, sessionId: number): Promise<readonly SessionChannel[]> {
  const query = db
    .selectFrom('session_channels')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('number');
  return (await query.execute()).map(toChannel);
}

/** Throws `thing.exists` when the session has this number, `thing.not_found` for the session. */
export async function openChannel(db: Db, channel: NewChannel): Promise<void> {
  const { sessionId, number, kind, command, pty, startedAt } = channel;
  const query = db
    .with('opened', (opening) =>
      opening
        .insertInto('session_channels')
        .values({ session_id: sessionId, number, kind, command, pty, started_at: startedAt })
        .returning('session_id'),
    )
    .updateTable('sessions')
    // What is typed into a shell is counted where it is found: see analyses.ts.
    .set((eb) => ({ commands_count: eb('commands_count', '+', kind === 'exec' ? 1 : 0) }))
    .where('id', '=', (eb) => eb.selectFrom('opened').select('opened.session_id'));
  await meaning(
    {
      unique: () => ({ code: 'thing.exists', params: { kind: 'channel', name: number } }),
      foreign: () => ({ code: 'thing.not_found', params: { kind: 'session', id: sessionId } }),
    },
    query.execute(),
  );
}

/** Once; a second close, or one after the session's end, changes nothing. */
export async function closeChannel(
  db: Db,
  sessionId: number,
  number: number,
  end: ChannelEnd,
): Promise<void> {
  await db
    .with('closed', (closing) =>
      closing
        .updateTable('session_channels')
        .set({
          ended_at: end.endedAt,
          exit_status: end.exitStatus,
          exit_signal: end.exitSignal,
          bytes_in: end.bytesIn,
          bytes_out: end.bytesOut,
        })
        .where('session_id', '=', sessionId)
        .where('number', '=', number)
        .where('ended_at', 'is', null)
        .returning(['session_id', 'kind']),
    )
    .updateTable('sessions')
    .set({ exit_status: exitOf(end) })
    .where('id', 'in', (eb) =>
      eb.selectFrom('closed').select('closed.session_id').where('closed.kind', 'in', PROGRAMS),
    )
    .execute();
}

/** One number, as a shell has it in `$?`; null: the machine did not say. */
function exitOf({ exitStatus, exitSignal }: ChannelEnd): number | null {
  if (exitStatus !== null || exitSignal === null) return exitStatus;
  return exitNumber({ type: 'signal', signal: exitSignal, coreDumped: false, message: '' });
}
