import type { AuthorizedRoute } from './access.ts';
import type { AuditDetail, AuditType } from './audit.ts';
import type { CertificateFacts, CertificateProof, CertificateTerms } from './certificate.ts';
import type { EnteredContainer } from './entered-container.ts';
import type { ErrorCode, ErrorParams } from './errors.ts';
import type { Enrolment } from './factor.ts';
import type { Machine } from './machine.ts';
import type { RecordingReceipt, RecordingState } from './recording.ts';
import type { Seal } from './seal.ts';
import type { ChannelEnd, ChannelKind, EndReason, SessionKind } from './session.ts';
import type { TransferBatch } from './transfer.ts';

/**
 * The one interface between the gateway (bytes) and the control plane (people, machines, sessions):
 * architecture.md, "Two planes". Plain calls today; every argument and answer is plain data, so that
 * it can be messages between processes.
 */

export interface ConnectionFacts {
  readonly connectionId: string;
  readonly sourceAddress: string;
  /** The client's SSH identification string. */
  readonly client: string;
}

/** An unsigned key is a question only (RFC 4252 §7): never keep anything from its answer. */
export type Credential =
  | {
      readonly type: 'publickey';
      readonly algorithm: string;
      /** The key blob, base64. */
      readonly blob: string;
      /** True: the gateway has verified a signature made with this key. */
      readonly proven: boolean;
    }
  | {
      readonly type: 'certificate';
      /** As the gateway read it, its authority's signature verified. */
      readonly certificate: CertificateFacts;
      /** True: the gateway has verified a signature made with the certified key. */
      readonly proven: boolean;
      /** The token that signed made sure who used it; false until it is proven. */
      readonly userVerified: boolean;
    }
  | { readonly type: 'password'; readonly password: string };

/** What a user proved to be who they are with: without it there is no session. */
export type SignInProof =
  | { readonly type: 'publickey'; readonly keyId: number }
  /** As it was accepted; that it expires ends no session, as it ends none of OpenSSH's. */
  | { readonly type: 'certificate'; readonly certificate: CertificateProof }
  /** As `Account.passwordStamp` was. */
  | { readonly type: 'password'; readonly stamp: string };

export interface SignedIn {
  readonly userId: number;
  readonly userName: string;
  /** Null: nothing that can be taken away by itself; the session rests on the account. */
  readonly proof: SignInProof | null;
  /** What the certificate that was signed in with takes away; left out: none was. */
  readonly certificate?: CertificateTerms;
  /** Came for this session, and may reach nothing else; left out: for none. */
  readonly containerSession?: number;
  /** Proved a second factor too, as `Account.enrolled` was then; left out: none. */
  readonly secondFactor?: number;
}

export type AuthenticationAnswer =
  | { readonly outcome: 'accepted'; readonly user: SignedIn }
  /** An unproven key that would be accepted with a signature. */
  | { readonly outcome: 'acceptable' }
  /** Right, and not enough: `need` has to be asked of this user, on this connection. */
  | { readonly outcome: 'partial'; readonly user: SignedIn; readonly need: 'code' | 'enrol' }
  /** `reason` is for the audit alone: nobody outside learns it. */
  | { readonly outcome: 'rejected'; readonly reason?: RejectionReason };

export type CodeAnswer =
  | {
      readonly outcome: 'right';
      readonly user: SignedIn;
      /** To be shown now and never again; empty unless this code confirmed the enrolment. */
      readonly recoveryCodes: readonly string[];
    }
  /** `reason` is for the audit alone. */
  | { readonly outcome: 'wrong'; readonly reason: 'code' | 'penalty' };

/** `penalty`: not looked at, for this name or address has to wait (domain/attempts.ts). */
export type RejectionReason = 'password' | 'publickey' | 'certificate' | 'code' | 'penalty';

/** What the user wants to reach, as far as the user name says. */
export interface Wanted {
  /** Null: not said. */
  readonly machine: string | null;
  readonly login: string | null;
}

export type RouteAnswer =
  | { readonly outcome: 'allowed'; readonly route: AuthorizedRoute }
  | { readonly outcome: 'denied'; readonly code: ErrorCode; readonly params: ErrorParams };

/** A session that needs somebody's approval before it may be opened. */
export interface WantedApproval {
  readonly machineId: number;
  readonly login: string;
  /** One of the route's terms on approval. */
  readonly grantId: number;
  /** What the session is to begin with. */
  readonly kind: SessionKind;
}

export interface AskedApproval {
  readonly approvalId: number;
  /** Who may approve: `group leads`, `user lena`. */
  readonly by: string;
  /** The page where they do. */
  readonly url: string;
}

export type ApprovalAnswer =
  /** Nobody has decided yet: ask again. */
  | { readonly outcome: 'waiting' }
  /** The access decision, made again with the approval. */
  | { readonly outcome: 'approved'; readonly route: AuthorizedRoute; readonly by: string }
  | { readonly outcome: 'denied'; readonly code: ErrorCode; readonly params: ErrorParams };

/** What the upstream connection logs in with; secrets in the clear, for this use alone. */
export type UpstreamCredential =
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'publickey'; readonly privateKey: string }
  /** `certificate`: `ssh-ed25519-cert-v01@openssh.com BASE64`. */
  | { readonly type: 'certificate'; readonly privateKey: string; readonly certificate: string }
  /** What the user's forwarded agent signs with. */
  | { readonly type: 'agent' }
  | { readonly type: 'none' };

/** A machine as the one who may reach it sees it in a list. */
export interface ReachableMachine {
  readonly name: string;
  /** `host:port`, without the port where it is 22. */
  readonly address: string;
  readonly tags: Readonly<Record<string, string>>;
  /** When this user last began a session on it; null: never, or nobody knows any more. */
  readonly lastUsedAt: Date | null;
}

/** A machine on the way to another one: what is needed to log in to it, and no more. */
export interface Hop {
  readonly machine: Pick<Machine, 'id' | 'name' | 'host' | 'port' | 'hostKey' | 'algorithms'>;
  readonly login: string;
  readonly credential: UpstreamCredential;
}

export interface SessionTicket {
  readonly sessionId: number;
  readonly credential: UpstreamCredential;
  /** The machines that the session's one is reached through, the first to be dialled in front. */
  readonly hops: readonly Hop[];
}

export type HostKeyAnswer =
  | { readonly outcome: 'trusted' }
  | { readonly outcome: 'changed'; readonly expected: string }
  | { readonly outcome: 'unknown' };

/** Whether Postern itself answers what a client wants to be connected to. */
export type JumpAnswer =
  | {
      readonly outcome: 'machine';
      readonly machine: string;
      /** OpenSSH private key text of the host key that is presented for this machine. */
      readonly hostKey: string;
      /** A host certificate of that key: `ssh-ed25519-cert-v01@openssh.com BASE64`. */
      readonly certificate: string;
    }
  /** No machine that this user's grants concern. */
  | { readonly outcome: 'unknown' };

export interface ControlPlane {
  authenticate(
    userName: string,
    credential: Credential,
    facts: ConnectionFacts,
    /** What a second factor may be demanded for; left out: as if nothing were named. */
    wanted?: Wanted,
  ): Promise<AuthenticationAnswer>;

  /** For a user whose first factor was right and whose `need` is `enrol`. */
  beginEnrolment(user: SignedIn, facts: ConnectionFacts): Promise<Enrolment>;

  /**
   * The code (or a recovery code) of a user whose first factor was right. The first right one
   * confirms an enrolment that was begun.
   */
  checkCode(user: SignedIn, code: string, facts: ConnectionFacts): Promise<CodeAnswer>;

  /** The access decision; `machine` null: the only one that the user may reach, if there is one. */
  authorize(user: SignedIn, wanted: Wanted, facts: ConnectionFacts): Promise<RouteAnswer>;

  /** The machines that an access decision with their default login allows, by name; at most 1000. */
  reachable(user: SignedIn, facts: ConnectionFacts): Promise<readonly ReachableMachine[]>;
  /**
   * Settles when `reachable` may have another answer than at `since`, or after some seconds: then it is worth
   * asking again. Answers the next `since`; null: at once.
   */
  reachableChanged(since: string | null): Promise<string>;
  /** The machine that `ssh -J` means, by name or by host and port; no access decision yet. */
  jump(
    user: SignedIn,
    wanted: { readonly host: string; readonly port: number },
    facts: ConnectionFacts,
  ): Promise<JumpAnswer>;

  /**
   * Asks for an approval; rejects with PosternError where none can be had. Until it is decided, the
   * asker asks for the answer again and again, or calls the request off.
   */
  askApproval(
    user: SignedIn,
    wanted: WantedApproval,
    facts: ConnectionFacts,
  ): Promise<AskedApproval>;
  /** Waits a while for the decision: less long than an answer between processes may take. */
  approvalAnswer(approvalId: number): Promise<ApprovalAnswer>;
  /** Nobody waits for it any more. */
  callOffApproval(approvalId: number): Promise<void>;

  /**
   * Rejects with PosternError when the session cannot be noted: then it must not be. An approval
   * that the route rests on is used up.
   */
  openSession(
    user: SignedIn,
    route: AuthorizedRoute,
    kind: SessionKind,
    facts: ConnectionFacts,
  ): Promise<SessionTicket>;

  /** Asked while connecting: is this the machine's key? Pins it on first use where that is policy. */
  checkHostKey(
    sessionId: number,
    machineId: number,
    key: { readonly line: string; readonly fingerprint: string },
  ): Promise<HostKeyAnswer>;

  /** The machine answered and the session is under way. */
  sessionActive(sessionId: number, machineId: number): Promise<void>;

  openChannel(
    sessionId: number,
    channel: {
      readonly number: number;
      readonly kind: ChannelKind;
      readonly command: string | null;
      readonly pty: boolean;
    },
  ): Promise<void>;
  closeChannel(sessionId: number, number: number, end: ChannelEnd): Promise<void>;

  /** What a channel did with files, in the order of their ends. */
  noteTransfers(batch: TransferBatch): Promise<void>;

  openRecording(sessionId: number, channel: number, key: string): Promise<void>;
  /** A part of it is sealed, and on disk. */
  sealRecording(sessionId: number, channel: number, seal: Seal): Promise<void>;
  closeRecording(
    sessionId: number,
    channel: number,
    state: RecordingState,
    receipt: RecordingReceipt | null,
  ): Promise<void>;

  /**
   * Before the session's first program in a container begins: what is left of them there is ended by whoever
   * closes the session. Rejects when that cannot be noted.
   */
  enterContainer(sessionId: number, entered: EnteredContainer): Promise<void>;
  /** The session's programs in its container have ended; or, not `clean`, some may run on. */
  leaveContainer(sessionId: number, clean: boolean): Promise<void>;

  /** A living session says so, with its bytes so far. */
  heartbeat(sessionId: number, bytesIn: number, bytesOut: number): Promise<void>;

  /** Ends the session once; a second call changes nothing. */
  closeSession(
    sessionId: number,
    reason: EndReason,
    bytes: { readonly bytesIn: number; readonly bytesOut: number },
  ): Promise<void>;

  /** An audit event that only the gateway can know. */
  note(
    type: AuditType,
    about: {
      readonly user: SignedIn | null;
      readonly userName: string | null;
      readonly machineId: number | null;
      readonly sessionId: number | null;
      readonly facts: ConnectionFacts | null;
      readonly detail: AuditDetail;
    },
  ): Promise<void>;
}

/** What the control plane asks of the gateway. */
export interface Gateway {
  /**
   * Ends a session held here, telling its user `by`; answers when it has ended. False: not here.
   */
  terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean>;
  /**
   * The access decision of a session held here, made again: one that is denied ends the session
   * with `access_revoked`, and so does one that takes a capability back which is in use; else what
   * it allows, and for how long, counts from now on. False: not here.
   */
  renew(sessionId: number, answer: RouteAnswer): Promise<boolean>;
  /** How many sessions are held here. */
  readonly count: number;
}
