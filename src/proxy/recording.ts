import type { AuditDetail } from '../domain/audit.ts';
import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import type { ChannelRecording, RecordingReceipt } from '../domain/recording.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import type { GatewaySession } from './session.ts';

/** What runs is recorded; a file transfer's packets are no terminal's output. */
function isRecorded({ program }: UpstreamRequest): boolean {
  return program.type !== 'subsystem' || program.name !== 'sftp';
}

/**
 * Starts a channel's recording as the machine's policy wants it. Null: none is made. Rejects with
 * `recording.refused` or `recording.no_room` where one is required and cannot be made.
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
      input: machine.recordInput,
      command: request.program.type === 'exec' ? request.program.command : null,
      title: `${session.user.userName} on ${login}@${machine.name}`,
    });
    void control.openRecording(session.id, channel, recording.key);
    recording.onSeal((seal) => void control.sealRecording(session.id, channel, seal));
    session.timeline.join(recording);
    return recording;
  } catch (error) {
    session.log.error('a recording could not be started', { channel, reason: reasonOf(error) });
    const noRoom = error instanceof PosternError && error.code === 'recording.no_room';
    noteFailure(session, channel, { started: false, ...(noRoom ? { no_room: true } : {}) });
    if (machine.recording === 'best_effort') return null;
    throw noRoom ? error : new PosternError('recording.refused', {}, { cause: error });
  }
}

/** Notes the end of a recording: what was delivered was recorded, or the recording has a gap. */
export function closeRecording(
  session: GatewaySession,
  channel: number,
  receipt: RecordingReceipt,
  delivered: number,
): void {
  const { recordedBytes: recorded } = receipt;
  const state = recorded === delivered ? 'complete' : 'gap';
  void session.deps.control.closeRecording(session.id, channel, state, receipt);
  if (state === 'gap') noteFailure(session, channel, { recorded, delivered });
}

/** Notes that a recording can no longer be written; whether its session may go on is its policy's. */
export function noteBroken(session: GatewaySession, channel: number): void {
  const state = session.route.machine.recording === 'required' ? 'truncated' : 'gap';
  void session.deps.control.closeRecording(session.id, channel, state, null);
  noteFailure(session, channel, {});
}

function noteFailure(session: GatewaySession, channel: number, detail: AuditDetail): void {
  const { machine } = session.route;
  void session.deps.control.note('recording.failed', {
    user: session.user,
    userName: session.user.userName,
    machineId: machine.id,
    sessionId: session.id,
    facts: session.facts,
    detail: { channel, policy: machine.recording, ...detail },
  });
}
