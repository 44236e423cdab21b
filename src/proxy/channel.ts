import type { AuthorizedRoute, Limits } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import { PosternError, sentence } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import { lostBy, type ProgramAccess, programAccess, type Ways } from '../domain/program-access.ts';
import type { ChannelRecording } from '../domain/recording.ts';
import type { ExitStatus, Window } from '../domain/terminal.ts';
import type { TransferWatch } from '../domain/transfer.ts';
import type { DeskKind, UpstreamChannel, UpstreamRequest } from '../domain/upstream.ts';
import type { Waiter } from './approvals.ts';
import { ChannelWaiter } from './channel-waiter.ts';
import type { ProgramRequest } from './desk-asked.ts';
import { asAdmitted } from './files-alone.ts';
import { LimitWatch } from './limits.ts';
import { Pipe, type PipeCounts } from './pipe.ts';
import { channelKind, commandOf, endOf, exitInfoOf } from './program-record.ts';
import { closeRecording, noteBroken, startRecording } from './recording.ts';
import { notify, type Refusal, refusalTo } from './refusal.ts';
import type { GatewaySession, SessionMember } from './session.ts';
import { markShell } from './shell-marks.ts';
import { endTransfers, restrictTransfers, watchTransfers } from './transfers.ts';
import type { UserEnd } from './user-end.ts';

/** Signals kept for a program that has not started yet. */
const MOST_EARLY = 16;

/** How long a program may take to read what its user sent before leaving, in milliseconds. */
const LAST_INPUT_MS = 2000;

/** What a channel needs of its connection: the session to run in, and what it may do there. */
export type Admit = (
  request: UpstreamRequest,
  waiter: Waiter,
) => Promise<{ readonly session: GatewaySession; readonly access: ProgramAccess }>;

/**
 * One program of a user: from its request to CLOSE. The order at the end is output, exit status or
 * signal, EOF, CLOSE (invariant 5). Input that arrives before the machine answers waits in the
 * channel's window.
 */
export class GatewayChannel implements SessionMember {
  readonly done: Promise<void>;
  readonly #down: UserEnd;
  #request: ProgramRequest;
  readonly #admit: Admit;
  readonly #early: ((channel: UpstreamChannel) => void)[] = [];
  readonly #waiter: ChannelWaiter;
  #window: Window | null = null;
  #session: GatewaySession | null = null;
  #number = 0;
  #ways: Ways = 'any';
  #up: UpstreamChannel | null = null;
  #pipe: Pipe | null = null;
  #transfers: TransferWatch | null = null;
  #recording: ChannelRecording | null = null;
  #watch: LimitWatch | null = null;
  #stopping: Promise<void> | null = null;
  #userGone = false;
  #noReader = false;
  #leaving: NodeJS.Timeout | undefined;
  readonly #begunAt = performance.now();

  /** `down` is accepted already: ssh2 drops what comes before (research, pitfall 1). */
  constructor(down: UserEnd, request: ProgramRequest, admit: Admit) {
    this.#down = down;
    this.#request = request;
    this.#admit = admit;
    this.#waiter = new ChannelWaiter(down.stream, request.pty !== null);
    down.onGone(() => this.#userLeft());
    down.onLeaving(() => this.#userLeaves());
    down.onNoReader(() => this.#readerLeft());
    this.done = this.#run();
  }

  get counts(): PipeCounts {
    return this.#pipe?.counts ?? { bytesIn: 0, bytesOut: 0 };
  }

  get lastByteAt(): number {
    return this.#pipe?.lastByteAt ?? this.#begunAt;
  }

  /** Nobody waits for the program any more. */
  get #over(): boolean {
    return this.#userGone || this.#stopping !== null;
  }

  resize(window: Window): void {
    this.#window = window;
    this.#recording?.resize(window);
    this.#up?.resize(window);
  }

  signal(name: string): void {
    this.#tell((up) => up.signal(name));
  }

  sendBreak(length: number): void {
    this.#tell((up) => up.sendBreak(length));
  }

  renewed(route: AuthorizedRoute): Capability | null {
    const access = programAccess(route, this.#request.program, new Date());
    const lost = lostBy(this.#ways, access);
    if (!access.allowed || lost !== null) return lost;
    this.#watch?.change(access.limits);
    return this.#request.asked?.lostUnder(route) ?? null;
  }

  stop(refusal: Refusal | null): Promise<void> {
    this.#stopping ??= this.#stop(refusal);
    return this.#stopping;
  }

  async #stop(refusal: Refusal | null): Promise<void> {
    this.#waiter.leave();
    this.#pipe?.discard();
    this.#up?.close();
    if (refusal === null) this.#down.close();
    else if (!this.#userGone) await this.#down.refuse(refusal, this.#request.pty !== null);
  }

  async #run(): Promise<void> {
    try {
      const { session, access } = await this.#admit(this.#request, this.#waiter);
      this.#waiter.done();
      this.#ways = access.ways;
      this.#request = asAdmitted(this.#request, access.ways);
      const number = session.join(this);
      if (number === null) {
        await this.stop(session.farewell);
        return;
      }
      this.#session = session;
      this.#number = number;
      const up = await this.#begin(session, access.limits);
      const exit = up === null ? null : await up.exited;
      await this.#finish(session, exit);
    } catch (error) {
      await this.#fail(error);
    } finally {
      clearTimeout(this.#leaving);
      this.#watch?.stop();
      this.#session?.leave(this);
    }
  }

  /** Null: the user left, or the session ended, before the program had begun; then it never does. */
  async #begin(session: GatewaySession, limits: Limits): Promise<UpstreamChannel | null> {
    const { control } = session.deps;
    const { program, pty } = this.#request;
    void control.openChannel(session.id, {
      number: this.#number,
      kind: channelKind(this.#request),
      command: commandOf(program),
      pty: pty !== null,
    });
    const notice =
      pty === null ? null : () => notify(this.#down.stream.stderr, sentence('session.idle_soon'));
    this.#watch = new LimitWatch(limits, session, (limit) => session.limited(limit), notice);
    if (this.#over) return null;
    this.#recording = await startRecording(session, this.#number, this.#request);
    this.#recording?.onFailure((error) => this.#recordingBroke(session, error));
    if (this.#over) return null;
    const upstream = await session.upstream();
    if (this.#over) return null;
    const { asked, ...request } = this.#request;
    const desk = asked?.begin(session, upstream, (kind, by) => this.#without(session, kind, by));
    const up = this.#restricted(session, await upstream.open({ ...request, desk }));
    this.#up = up;
    if (this.#over) up.close();
    else this.#carry(session, up);
    return up;
  }

  /** A program runs without them too, so a word is for people alone. */
  #without(session: GatewaySession, capability: DeskKind, by: 'machine' | 'grant'): void {
    session.log.info('agent or display withheld', { channel: this.#number, capability, by });
    if (this.#request.pty === null) return;
    const code = by === 'machine' ? 'machine.no_desk' : 'access.capability';
    const { name } = session.route.machine;
    notify(this.#down.stream.stderr, sentence(code, { capability, machine: name }));
  }

  /** On an SFTP channel files may be allowed one way alone. */
  #restricted(session: GatewaySession, up: UpstreamChannel): UpstreamChannel {
    const ways = this.#ways;
    if (ways === 'any' || this.#request.program.type !== 'subsystem') return up;
    return restrictTransfers(session, this.#number, up, ways, (error) => this.#stopWith(error));
  }

  #carry(session: GatewaySession, up: UpstreamChannel): void {
    this.#transfers = watchTransfers(session, this.#number, this.#request);
    this.#pipe = new Pipe(up, this.#down.stream, this.#recording, this.#transfers);
    if (this.#window !== null) this.resize(this.#window);
    for (const word of this.#early.splice(0)) word(up);
    markShell(session, this.#number, this.#request, up, this.#down.stream);
    this.#pipe.start();
    if (this.#noReader) this.#readerLeft();
  }

  async #finish(session: GatewaySession, exit: ExitStatus | null): Promise<void> {
    await this.#endPrograms(session, exit);
    this.#noteEnd(session, exit);
    if (this.#stopping !== null) {
      await this.#stopping;
    } else if (exit === null && session.machineLost !== null) {
      await this.#stopWith(session.machineLost);
    } else if (this.#noReader) {
      // What is left of the output could wait for a window for ever.
      await this.#down.finishSoon(exit === null ? undefined : exitInfoOf(exit));
    } else {
      await this.#down.finish(exit === null ? undefined : exitInfoOf(exit));
    }
  }

  async #fail(error: unknown): Promise<void> {
    const session = this.#session;
    if (session === null) {
      await this.#stopWith(error);
      return;
    }
    if (!(error instanceof PosternError)) {
      session.log.error('a channel failed', { reason: reasonOf(error) });
    }
    await this.#endPrograms(session, null);
    this.#noteEnd(session, null);
    await this.#stopWith(error);
    session.leave(this);
    // A machine that has no such program is still there for the next channel.
    const refused = error instanceof PosternError && error.code === 'machine.refused';
    if (!refused && !session.busy) void session.fail(error);
  }

  #stopWith(error: unknown): Promise<void> {
    return this.stop(refusalTo(this.#request.program, error));
  }

  #noteEnd(session: GatewaySession, exit: ExitStatus | null): void {
    void session.deps.control.closeChannel(session.id, this.#number, endOf(exit, this.counts));
  }

  /** What was done with files is in the recording, too. */
  async #endPrograms(session: GatewaySession, exit: ExitStatus | null): Promise<void> {
    await endTransfers(this.#transfers, session, this.#number, exit);
    await this.#endRecording(session, exit);
  }

  /** Puts everything on disk before the user learns that the program ended. */
  async #endRecording(session: GatewaySession, exit: ExitStatus | null): Promise<void> {
    const recording = this.#recording;
    if (recording === null) return;
    try {
      const receipt = await recording.end(exit);
      if (this.#recording === null) return;
      this.#recording = null;
      closeRecording(session, this.#number, receipt, this.counts.bytesOut);
    } catch (error) {
      this.#recordingBroke(session, error);
    }
  }

  #recordingBroke(session: GatewaySession, error: unknown): void {
    if (this.#recording === null) return;
    this.#recording = null;
    this.#pipe?.detachTap();
    session.log.error('a recording broke', { channel: this.#number, reason: reasonOf(error) });
    noteBroken(session, this.#number);
    if (session.route.machine.recording !== 'required') return;
    void session.fail(new PosternError('recording.broke'));
  }

  #tell(word: (up: UpstreamChannel) => void): void {
    if (this.#up !== null) word(this.#up);
    else if (this.#early.length < MOST_EARLY) this.#early.push(word);
  }

  /** The user's client closed the channel; what it sent before is still on its way. */
  #userLeaves(): void {
    this.#userGone = true;
    this.#waiter.leave();
    this.#pipe?.discard();
    this.#leaving = setTimeout(() => this.#up?.close(), LAST_INPUT_MS);
  }

  /** All that the user sent was read, or its connection is gone. */
  #userLeft(): void {
    this.#userGone = true;
    this.#waiter.leave();
    this.#pipe?.discard();
    this.#up?.close();
  }

  /** The user's program reads no more (`ssh host yes | head -1`): the machine's must hear of it. */
  #readerLeft(): void {
    this.#noReader = true;
    this.#pipe?.discardOutput();
    this.#up?.endOfWrite();
  }
}
