import type {
  ApprovalAnswer,
  AskedApproval,
  ControlPlane,
  SessionTicket,
} from '../domain/control-plane.ts';
import type { Logger } from '../domain/log.ts';
import type { RepairRecording } from '../domain/recording.ts';
import type { EndReason } from '../domain/session.ts';

/** As long as a call between processes may take (calls.ts). */
const PATIENCE_MS = 30_000;

interface Held {
  /** False once the worker has reported the session's end. */
  live: boolean;
  bytesIn: number;
  bytesOut: number;
  /** Keys of the recordings that are being written, by channel. */
  readonly recordings: Map<number, string>;
}

/**
 * The control plane as one worker sees it, with a list of what the worker holds: so that when it
 * dies, its sessions end with the true reason, and its recordings are repaired. Everything goes
 * through the plane, behind what the worker itself had reported.
 */
export class HeldSessions implements ControlPlane {
  readonly authenticate: ControlPlane['authenticate'];
  readonly beginEnrolment: ControlPlane['beginEnrolment'];
  readonly checkCode: ControlPlane['checkCode'];
  readonly authorize: ControlPlane['authorize'];
  readonly reachable: ControlPlane['reachable'];
  readonly reachableChanged: ControlPlane['reachableChanged'];
  readonly jump: ControlPlane['jump'];
  readonly checkHostKey: ControlPlane['checkHostKey'];
  readonly sessionActive: ControlPlane['sessionActive'];
  readonly openChannel: ControlPlane['openChannel'];
  readonly closeChannel: ControlPlane['closeChannel'];
  readonly noteTransfers: ControlPlane['noteTransfers'];
  readonly sealRecording: ControlPlane['sealRecording'];
  readonly enterContainer: ControlPlane['enterContainer'];
  readonly leaveContainer: ControlPlane['leaveContainer'];
  readonly note: ControlPlane['note'];
  readonly #plane: ControlPlane;
  readonly #repair: RepairRecording;
  readonly #log: Logger;
  readonly #held = new Map<number, Held>();
  /** Requests for approval that the worker waits for, each with the time when it no longer does. */
  readonly #asked = new Map<number, NodeJS.Timeout>();
  readonly #patience: number;
  #lost: EndReason | null = null;

  /** `patience`: milliseconds that a worker may take to ask for an answer again. */
  constructor(plane: ControlPlane, repair: RepairRecording, log: Logger, patience = PATIENCE_MS) {
    this.#plane = plane;
    this.#patience = patience;
    this.#repair = repair;
    this.#log = log;
    this.authenticate = (...args) => plane.authenticate(...args);
    this.beginEnrolment = (...args) => plane.beginEnrolment(...args);
    this.checkCode = (...args) => plane.checkCode(...args);
    this.authorize = (...args) => plane.authorize(...args);
    this.reachable = (...args) => plane.reachable(...args);
    this.reachableChanged = (since) => plane.reachableChanged(since);
    this.jump = (...args) => plane.jump(...args);
    this.checkHostKey = (...args) => plane.checkHostKey(...args);
    this.sessionActive = (...args) => plane.sessionActive(...args);
    this.openChannel = (...args) => plane.openChannel(...args);
    this.closeChannel = (...args) => plane.closeChannel(...args);
    this.noteTransfers = (...args) => plane.noteTransfers(...args);
    this.sealRecording = (...args) => plane.sealRecording(...args);
    this.enterContainer = (...args) => plane.enterContainer(...args);
    this.leaveContainer = (...args) => plane.leaveContainer(...args);
    this.note = (...args) => plane.note(...args);
  }

  /** Sessions that have not ended. */
  get count(): number {
    return [...this.#held.values()].filter(({ live }) => live).length;
  }

  has(sessionId: number): boolean {
    return this.#held.get(sessionId)?.live === true;
  }

  async askApproval(...args: Parameters<ControlPlane['askApproval']>): Promise<AskedApproval> {
    const asked = await this.#plane.askApproval(...args);
    this.#awaitQuestion(asked.approvalId);
    if (this.#lost !== null) await this.callOffApproval(asked.approvalId);
    return asked;
  }

  async approvalAnswer(approvalId: number): Promise<ApprovalAnswer> {
    clearTimeout(this.#asked.get(approvalId));
    const answer = await this.#plane.approvalAnswer(approvalId);
    if (answer.outcome !== 'waiting') this.#asked.delete(approvalId);
    else if (this.#asked.has(approvalId)) this.#awaitQuestion(approvalId);
    return answer;
  }

  callOffApproval(approvalId: number): Promise<void> {
    clearTimeout(this.#asked.get(approvalId));
    this.#asked.delete(approvalId);
    return this.#plane.callOffApproval(approvalId);
  }

  async openSession(...args: Parameters<ControlPlane['openSession']>): Promise<SessionTicket> {
    const ticket = await this.#plane.openSession(...args);
    const held = { live: true, bytesIn: 0, bytesOut: 0, recordings: new Map<number, string>() };
    this.#held.set(ticket.sessionId, held);
    // The worker has died while the row was made.
    if (this.#lost !== null) await this.#end(this.#lost);
    return ticket;
  }

  openRecording(sessionId: number, channel: number, key: string): Promise<void> {
    this.#held.get(sessionId)?.recordings.set(channel, key);
    return this.#plane.openRecording(sessionId, channel, key);
  }

  closeRecording(...args: Parameters<ControlPlane['closeRecording']>): Promise<void> {
    const [sessionId, channel] = args;
    this.#held.get(sessionId)?.recordings.delete(channel);
    this.#forget(sessionId);
    return this.#plane.closeRecording(...args);
  }

  heartbeat(sessionId: number, bytesIn: number, bytesOut: number): Promise<void> {
    const held = this.#held.get(sessionId);
    if (held !== undefined) Object.assign(held, { bytesIn, bytesOut });
    return this.#plane.heartbeat(sessionId, bytesIn, bytesOut);
  }

  closeSession(...args: Parameters<ControlPlane['closeSession']>): Promise<void> {
    const [sessionId] = args;
    const held = this.#held.get(sessionId);
    if (held !== undefined) held.live = false;
    this.#forget(sessionId);
    return this.#plane.closeSession(...args);
  }

  /**
   * The worker is gone: ends what it held. Answers how many sessions that were, once it is written
   * or given up; never rejects.
   */
  lost(reason: EndReason): Promise<number> {
    this.#lost = reason;
    return this.#end(reason);
  }

  /** A worker that gave up before it was told the request's number cannot call it off. */
  #awaitQuestion(approvalId: number): void {
    const timer = setTimeout(() => void this.callOffApproval(approvalId), this.#patience);
    this.#asked.set(approvalId, timer.unref());
  }

  /** A recording may be closed after its session: until then both are remembered. */
  #forget(sessionId: number): void {
    const held = this.#held.get(sessionId);
    if (held !== undefined && !held.live && held.recordings.size === 0) {
      this.#held.delete(sessionId);
    }
  }

  async #end(reason: EndReason): Promise<number> {
    const all = [...this.#held];
    this.#held.clear();
    const askedFor = [...this.#asked.keys()].map((id) => this.callOffApproval(id));
    const live = all.filter(([, held]) => held.live);
    const ended = live.map(([id, { bytesIn, bytesOut }]) => {
      this.#log.warn('a session ended with its worker', { session: id, reason });
      return this.#plane.closeSession(id, reason, { bytesIn, bytesOut });
    });
    await Promise.all([...askedFor, ...ended]);
    // One after the other: a long recording is read whole.
    for (const [id, { recordings }] of all) {
      for (const [channel, key] of recordings) await this.#closeRecording(id, channel, key);
    }
    return live.length;
  }

  async #closeRecording(sessionId: number, channel: number, key: string): Promise<void> {
    const repaired = await this.#repair(key);
    // Left open, it is found by the next start.
    if (repaired === null) return;
    await this.#plane.closeRecording(sessionId, channel, repaired.state, repaired.receipt);
  }
}
