import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import type { ChannelRecording } from '../domain/recording.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import type { GatewaySession } from './session.ts';

/** What runs is recorded; a file transfer's packets are no terminal's output. */
function isRecorded({ program }: UpstreamRequest): boolean {
  return program.type !== 'subsystem' || program.name !== 'sftp';
}

/**
 * Starts a channel's recording as the machine's policy wants it. Null: none is made. Rejects with
 * `recording.refused` where one is required and cannot be made.
 */
export async function startRecording(
  session: GatewaySession,
  channel: number,
  request: UpstreamRequest,
): Promise<ChannelRecording | null> {
  const { machine, login } = session.route;
  if (machine.recording === 'off' || !isRecorded(request)) return null;
  const { recorder, control } = session.deps;
  try {
    const recording = await recorder.start({
      sessionId: session.id,
      channel,
      startedAt: new Date(),
      pty: request.pty,
      command: request.program.type === 'exec' ? request.program.command : null,
      title: `${session.user.userName} on ${login}@${machine.name}`,
    });
    void control.openRecording(session.id, channel, recording.key);
    return recording;
  } catch (error) {
    session.log.error('a recording could not be started', { channel, reason: reasonOf(error) });
    void control.note('recording.failed', {
      user: session.user,
      userName: session.user.userName,
      machineId: machine.id,
      sessionId: session.id,
      facts: session.facts,
      detail: { channel, policy: machine.recording, started: false },
    });
    if (machine.recording === 'best_effort') return null;
    throw new PosternError('recording.refused', {}, { cause: error });
  }
}
