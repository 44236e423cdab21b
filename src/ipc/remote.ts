import type { ControlPlane } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { type Calls, PeerDown } from './calls.ts';

/**
 * Every method of the control plane. A `question` needs its answer, and fails without one; a `fact`
 * is reported, and its reporter goes on whatever comes of it (as with the plane in one process,
 * whose facts never reject).
 */
const METHODS = {
  authenticate: 'question',
  beginEnrolment: 'question',
  checkCode: 'question',
  authorize: 'question',
  reachable: 'question',
  reachableChanged: 'question',
  jump: 'question',
  askApproval: 'question',
  approvalAnswer: 'question',
  callOffApproval: 'fact',
  openSession: 'question',
  checkHostKey: 'question',
  sessionActive: 'fact',
  openChannel: 'fact',
  closeChannel: 'fact',
  noteTransfers: 'fact',
  openRecording: 'fact',
  sealRecording: 'fact',
  closeRecording: 'fact',
  enterContainer: 'question',
  leaveContainer: 'fact',
  heartbeat: 'fact',
  closeSession: 'fact',
  note: 'fact',
} as const satisfies Readonly<Record<keyof ControlPlane, 'question' | 'fact'>>;

type Methods = typeof METHODS;
type Named<Kind> = {
  [Method in keyof Methods]: Methods[Method] extends Kind ? Method : never;
}[keyof Methods];

type Answer<Method extends keyof ControlPlane> = Awaited<ReturnType<ControlPlane[Method]>>;

/** Answers the control plane's calls at the other end. */
export function serveControlPlane(calls: Calls, plane: ControlPlane): void {
  calls.serve<ControlPlane>(plane, METHODS);
}

/**
 * The control plane of another process. A question without an answer rejects with `control.down`; a
 * fact without one is logged.
 */
export function remoteControlPlane(calls: Calls, log: Logger): ControlPlane {
  const ask =
    <Method extends Named<'question'>>(method: Method) =>
    (...args: Parameters<ControlPlane[Method]>) =>
      question(calls, method, args) as Promise<Answer<Method>>;
  const tell =
    <Method extends Named<'fact'>>(method: Method) =>
    (...args: Parameters<ControlPlane[Method]>) =>
      fact(calls, log, method, args);
  return {
    authenticate: ask('authenticate'),
    beginEnrolment: ask('beginEnrolment'),
    checkCode: ask('checkCode'),
    authorize: ask('authorize'),
    reachable: ask('reachable'),
    reachableChanged: ask('reachableChanged'),
    jump: ask('jump'),
    askApproval: ask('askApproval'),
    approvalAnswer: ask('approvalAnswer'),
    callOffApproval: tell('callOffApproval'),
    openSession: ask('openSession'),
    checkHostKey: ask('checkHostKey'),
    sessionActive: tell('sessionActive'),
    openChannel: tell('openChannel'),
    closeChannel: tell('closeChannel'),
    noteTransfers: tell('noteTransfers'),
    openRecording: tell('openRecording'),
    sealRecording: tell('sealRecording'),
    closeRecording: tell('closeRecording'),
    enterContainer: ask('enterContainer'),
    leaveContainer: tell('leaveContainer'),
    heartbeat: tell('heartbeat'),
    closeSession: tell('closeSession'),
    note: tell('note'),
  };
}

async function question(calls: Calls, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await calls.call(method, args);
  } catch (error) {
    if (!(error instanceof PeerDown)) throw error;
    throw new PosternError('control.down', {}, { cause: error });
  }
}

async function fact(
  calls: Calls,
  log: Logger,
  method: string,
  args: readonly unknown[],
): Promise<void> {
  try {
    await calls.call(method, args);
  } catch (error) {
    log.warn('a fact was not confirmed by the control process', {
      method,
      reason: reasonOf(error),
    });
  }
}
