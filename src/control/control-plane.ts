import type { AuthorizedRoute } from '../domain/access.ts';
import type { AuditType } from '../domain/audit.ts';
import type { CertificateAuthority } from '../domain/certificate-authority.ts';
import type { Changes } from '../domain/changes.ts';
import type {
  ConnectionFacts,
  ControlPlane,
  Gateway,
  ReachableMachine,
  RouteAnswer,
  SessionTicket,
  SignedIn,
  Wanted,
} from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import { type ErrorCode, PosternError } from '../domain/errors.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import { formatId } from '../domain/ids.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { Meters } from '../domain/meters.ts';
import type { Passwords } from '../domain/password.ts';
import type { RecordingReceipt } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { ChannelEnd, EndReason, Session, SessionKind } from '../domain/session.ts';
import type { RunningServices } from '../domain/stack.ts';
import type { Account } from '../domain/standing.ts';
import type { Store } from '../domain/store.ts';
import type { TransferBatch } from '../domain/transfer.ts';
import { Access } from './access.ts';
import { AccessNews } from './access-news.ts';
import { Approvals, type ApprovalsDeps } from './approvals.ts';
import { Authenticator } from './authenticator.ts';
import { ContainerVisits } from './container-visits.ts';
import { FailureNotes } from './failure-notes.ts';
import { HostKeys } from './host-keys.ts';
import { type About, aboutSession, Journal } from './journal.ts';
import { JumpTargets } from './jump.ts';
import type { JumpKeys } from './jump-keys.ts';
import { LiveAccess } from './live-access.ts';
import { Outbox } from './outbox.ts';
import { RecordingLog } from './recording-log.ts';
import { SecondFactor } from './second-factor.ts';
import { enterSession } from './session-entry.ts';
import { TransferLog } from './transfers.ts';
import { UpstreamCredentials } from './upstream-credentials.ts';

export interface ControlPlaneDeps {
  readonly stores: Store;
  readonly counters: Counters;
  readonly passwords: Passwords;
  readonly guesses: GuessLimit;
  /** This node's name, kept across restarts. */
  readonly node: string;
  /** OpenSSH private key text of the one key that machines with `bastion_key` trust. */
  readonly bastionKey: string;
  readonly certificates: CertificateAuthority;
  readonly jumpKeys: JumpKeys;
  /** Left out: requests expire after 15 minutes, and no page is named. */
  readonly approvals?: Pick<ApprovalsDeps, 'timeoutMs' | 'publicUrl'>;
  /** Left out: the containers of no stack are known. */
  readonly running?: RunningServices;
  /** Told of each recording that is whole. */
  readonly recordingEnded?: (receipt: RecordingReceipt) => void;
  /** Left out: nothing is encrypted. */
  readonly dataKeys?: Pick<KeptDataKeys, 'forget'>;
  readonly log: Logger;
}

/** Who is asked by the gateway; see domain/control-plane.ts for what each answer promises. */
export class LocalControlPlane implements ControlPlane {
  readonly authenticate: ControlPlane['authenticate'];
  readonly beginEnrolment: ControlPlane['beginEnrolment'];
  readonly checkCode: ControlPlane['checkCode'];
  readonly askApproval: ControlPlane['askApproval'];
  readonly approvalAnswer: ControlPlane['approvalAnswer'];
  readonly callOffApproval: ControlPlane['callOffApproval'];
  readonly checkHostKey: ControlPlane['checkHostKey'];
  readonly jump: ControlPlane['jump'];
  readonly openRecording: ControlPlane['openRecording'];
  readonly sealRecording: ControlPlane['sealRecording'];
  readonly closeRecording: ControlPlane['closeRecording'];
  readonly reachableChanged: ControlPlane['reachableChanged'];
  readonly enterContainer: ControlPlane['enterContainer'];
  readonly leaveContainer: ControlPlane['leaveContainer'];
  /** What the console asks too. */
  readonly factors: SecondFactor;
  /** What this node did since its start. */
  readonly meters = new Meters();
  readonly #deps: ControlPlaneDeps;
  readonly #access: Access;
  readonly #outbox: Outbox;
  readonly #journal: Journal;
  readonly #transfers: TransferLog;
  readonly #credentials: UpstreamCredentials;
  readonly #live: LiveAccess;
  readonly #approvals: Approvals;
  readonly #news: AccessNews;
  readonly #failures = new FailureNotes();

  constructor(deps: ControlPlaneDeps) {
    this.#deps = deps;
    this.#access = new Access(deps.stores, deps.running);
    this.#outbox = new Outbox(deps.log);
    this.#journal = new Journal(deps.stores.audit, this.#outbox);
    this.#transfers = new TransferLog(deps.stores, this.#outbox, deps.log);
    const recordings = new RecordingLog({ ...deps, outbox: this.#outbox, meters: this.meters });
    this.openRecording = recordings.open;
    this.sealRecording = recordings.seal;
    this.closeRecording = recordings.close;
    this.#news = new AccessNews(deps.running);
    this.reachableChanged = (since) => this.#news.since(since);
    const visits = new ContainerVisits(deps.stores, this.#outbox);
    [this.enterContainer, this.leaveContainer] = [visits.enter, visits.leave];
    this.factors = new SecondFactor(deps.stores, deps.guesses);
    const authenticator = new Authenticator({
      ...deps,
      factors: this.factors,
      journal: this.#journal,
    });
    this.authenticate = (...args) => authenticator.first(...args);
    this.beginEnrolment = (user) => authenticator.beginEnrolment(user);
    this.checkCode = (...args) => authenticator.second(...args);
    const hostKeys = new HostKeys(deps.stores, this.#journal);
    this.checkHostKey = (...args) => hostKeys.check(...args);
    this.#credentials = new UpstreamCredentials(deps);
    const jumpTargets = new JumpTargets(deps.stores, deps.jumpKeys);
    this.jump = (...args) => jumpTargets.find(...args);
    this.#live = new LiveAccess(this.#access, deps.log);
    this.#approvals = new Approvals({
      ...deps,
      ...(deps.approvals ?? { timeoutMs: 900_000, publicUrl: () => '' }),
      access: this.#access,
      outbox: this.#outbox,
    });
    this.askApproval = (...args) => this.#approvals.ask(...args);
    this.approvalAnswer = (id) => this.#approvals.answer(id);
    this.callOffApproval = (id) => this.#approvals.callOff(id);
  }

  /**
   * From now on sessions end when what they rest on is taken away, and those that wait for an
   * approval hear of it; answers how to stop.
   */
  keepAccess(gateway: Gateway, changes: Changes): () => Promise<void> {
    this.#live.watch(gateway, changes);
    this.#approvals.watch(changes);
    this.#news.watch(changes);
    return async () => {
      this.#news.close();
      await Promise.all([this.#live.close(), this.#approvals.close()]);
    };
  }

  /** The sessions of this node. */
  get held(): readonly number[] {
    return this.#live.held;
  }

  /** Waits until what the gateway reported is written, at most `deadline` milliseconds. */
  close(deadline: number): Promise<void> {
    return this.#outbox.close(deadline);
  }

  async authorize(user: SignedIn, wanted: Wanted, facts: ConnectionFacts): Promise<RouteAnswer> {
    const answer = await this.#access.decide(user, wanted, facts);
    if (answer.outcome === 'denied') this.#noteDenied(answer.code, user, wanted, facts);
    return answer;
  }

  /** What was taken away since the decision counts. */
  async #admit(user: SignedIn, route: AuthorizedRoute, facts: ConnectionFacts): Promise<Account> {
    try {
      return await this.#access.admit(user, route, facts);
    } catch (error) {
      if (error instanceof PosternError && error.code !== 'store.down') {
        const { machine, login } = route;
        this.#noteDenied(error.code, user, { machine: machine.name, login }, facts);
      }
      throw error;
    }
  }

  #noteDenied(code: ErrorCode, user: SignedIn, wanted: Wanted, facts: ConnectionFacts): void {
    const { machine, login } = wanted;
    void this.note('access.denied', {
      ...{ user, userName: user.userName, machineId: null, sessionId: null, facts },
      detail: { code, machine, login },
    });
  }

  reachable(user: SignedIn, facts: ConnectionFacts): Promise<readonly ReachableMachine[]> {
    return this.#access.reachable(user, facts);
  }

  async openSession(
    user: SignedIn,
    route: AuthorizedRoute,
    kind: SessionKind,
    facts: ConnectionFacts,
  ): Promise<SessionTicket> {
    const { stores, node } = this.#deps;
    const ticket = await this.#credentials.prepare(route);
    const since = this.#live.heard;
    const account = await this.#admit(user, route, facts);
    const entry = { user, account, route, kind, facts, node };
    const session = await enterSession(stores, entry);
    const { approval } = session;
    this.#live.add(session.id, entry, since);
    this.meters.sessionStarted(session.id, kind);
    await this.#deps.counters.count(session);
    void this.note('session.started', {
      user,
      userName: user.userName,
      machineId: route.machine.id,
      sessionId: session.id,
      facts,
      detail: {
        ...{ login: route.login, kind, connection: facts.connectionId },
        ...(approval !== null && {
          approval: formatId('apr', approval.id),
          approved_by: approval.approvedBy,
        }),
      },
    });
    return ticket({ userName: user.userName, sessionId: session.id });
  }

  async sessionActive(sessionId: number, machineId: number): Promise<void> {
    const now = new Date();
    this.#live.active(sessionId);
    await this.#outbox.write('session active', async () => {
      await this.#deps.stores.sessions.activate(sessionId, now);
      await this.#deps.stores.machines.connected(machineId, now);
    });
  }

  openChannel(...[sessionId, channel]: Parameters<ControlPlane['openChannel']>): Promise<void> {
    const startedAt = new Date();
    return this.#outbox.write('channel opened', () =>
      this.#deps.stores.sessions.openChannel({ sessionId, ...channel, startedAt }),
    );
  }

  closeChannel(sessionId: number, number: number, end: ChannelEnd): Promise<void> {
    return this.#outbox.write('channel closed', () =>
      this.#deps.stores.sessions.closeChannel(sessionId, number, end),
    );
  }

  noteTransfers(batch: TransferBatch): Promise<void> {
    return this.#transfers.keep(batch);
  }

  async heartbeat(sessionId: number, bytesIn: number, bytesOut: number): Promise<void> {
    this.meters.sessionBytes(sessionId, bytesIn, bytesOut);
    try {
      await this.#deps.stores.sessions.touch(sessionId, new Date(), bytesIn, bytesOut);
    } catch (error) {
      this.#deps.log.debug('a heartbeat was not written', { sessionId, reason: reasonOf(error) });
    }
  }

  async closeSession(
    sessionId: number,
    reason: EndReason,
    bytes: { readonly bytesIn: number; readonly bytesOut: number },
  ): Promise<void> {
    this.#live.remove(sessionId);
    const endedAt = new Date();
    const detail = { reason, bytes_in: bytes.bytesIn, bytes_out: bytes.bytesOut };
    // Both or none: were the answer lost, the next try would find the row ended and add no event.
    const end = (): Promise<Session | null> =>
      this.#deps.stores.transaction(async ({ sessions, audit }) => {
        const isFirst = await sessions.end(sessionId, { endedAt, reason, ...bytes });
        const session = await sessions.get(sessionId);
        if (!isFirst || session === null) return session;
        await audit.append(aboutSession('session.ended', session, endedAt, detail));
        return session;
      });
    const ended: (Session | null)[] = [];
    await this.#outbox.write('session ended', async () => ended.push(await end()));
    for (const session of ended) {
      if (session === null) continue;
      this.meters.sessionEnded(session, session.endReason ?? reason);
      await this.#deps.counters.count(session);
    }
  }

  note(type: AuditType, about: About): Promise<void> {
    if (type === 'auth.failed') this.meters.signInFailed('ssh');
    if (type === 'recording.failed') {
      const isRequired = about.detail['policy'] === 'required';
      this.meters.recordingFailed(isRequired ? 'required' : 'best_effort');
    }
    if (type === 'auth.failed' && !this.#failures.allows(about.facts)) return Promise.resolve();
    return this.#journal.note(type, about);
  }
}
