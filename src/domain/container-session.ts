import type { Secret } from './secret.ts';
import type { EndReason, NewSession, Session, SessionApproval, SessionKind } from './session.ts';
import type { Stack } from './stack.ts';

/** A session that was made for a container, before its user comes over SSH. */
export interface ContainerSession {
  readonly session: Session;
  /** Null: the stack was removed since. */
  readonly stackId: number | null;
  readonly service: string;
  /** 64 hexadecimal digits; null: none was chosen yet. */
  readonly containerId: string | null;
  /** Empty: none was chosen yet. */
  readonly containerName: string;
  /** The end of the SSH user name, which is good for this session alone. */
  readonly code: string;
  /** When it ends, unless its user has come. */
  readonly expiresAt: Date;
  /** When its user came; null: it waits. */
  readonly joinedAt: Date | null;
  /** Whether the API token that it was made with is neither revoked nor expired. */
  readonly isTokenGood: boolean;
}

/** What a container session that lives rests on. */
export type ContainerStanding = Pick<
  ContainerSession,
  'containerId' | 'containerName' | 'isTokenGood'
>;

/** The SSH user name of a container session: `cs-123-x7k2mnpq`. */
export function containerUserName({ session, code }: ContainerSession): string {
  return `cs-${session.id}-${code}`;
}

/** What `containerUserName` made; null: another name. */
export function parseContainerUserName(
  name: string,
): { readonly sessionId: number; readonly code: string } | null {
  const match = /^cs-([1-9][0-9]{0,15})-([a-z2-9]{4,32})$/.exec(name);
  const sessionId = Number(match?.[1]);
  const code = match?.[2];
  return code === undefined || !Number.isSafeInteger(sessionId) ? null : { sessionId, code };
}

export const ACTION_STATUSES = ['pending', 'running', 'completed', 'failed'] as const;
export type ActionStatus = (typeof ACTION_STATUSES)[number];

/** Something that is done to a stack in the background (AsyncAction in the seed). */
export interface StackAction {
  readonly id: number;
  /** Null when the user was removed since; the name stays. */
  readonly userId: number | null;
  readonly userName: string;
  readonly stackId: number;
  /** What it makes. */
  readonly sessionId: number | null;
  readonly action: 'create_session';
  readonly status: ActionStatus;
  /** Why it failed, or what it made; null: it is under way. */
  readonly message: string | null;
  /** The node that does it. */
  readonly node: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly updatedAt: Date;
}

export type NewAction = Pick<
  StackAction,
  'userName' | 'stackId' | 'node' | 'startedAt' | 'action'
> & { readonly userId: number; readonly sessionId: number };

/** Implemented by store/stack-actions.ts. */
export interface StackActionStore {
  create(action: NewAction): Promise<StackAction>;
  get(id: number): Promise<StackAction | null>;
  /** Pending to running. */
  begin(id: number, at: Date): Promise<void>;
  /** Once: false when it had finished already. */
  finish(id: number, status: 'completed' | 'failed', message: string, at: Date): Promise<boolean>;
  /** Of a node, those under way. */
  open(node: string): Promise<readonly StackAction[]>;
}

/** Where the user of a container session is let in, and with what. */
export interface ContainerPlace {
  readonly containerId: string;
  readonly containerName: string;
  /** For who has no key; null: the user's keys are asked for. */
  readonly password: Secret | null;
  readonly expiresAt: Date;
}

/** Implemented by store/container-sessions.ts. */
export interface ContainerSessionStore {
  /** A pending session of this service, without a container. */
  create(
    session: NewSession,
    of: Pick<ContainerSession, 'service' | 'code' | 'expiresAt'> & {
      readonly stackId: number;
      /** The API token that it is made with; null: none that is known. */
      readonly tokenId: number | null;
    },
  ): Promise<Session>;
  get(sessionId: number): Promise<ContainerSession | null>;
  /** Of those of them that live, by session. */
  standing(sessionIds: readonly number[]): Promise<ReadonlyMap<number, ContainerStanding>>;
  /** Of a stack's service, the newest one that lives, else the newest; `userId` null: anybody's. */
  newest(stackId: number, service: string, userId: number | null): Promise<ContainerSession | null>;
  /** Pending to active. False when it was not pending. */
  ready(sessionId: number, place: ContainerPlace, at: Date): Promise<boolean>;
  /** Null: there is none, or nobody may use it any more. */
  password(sessionId: number): Promise<Secret | null>;
  /**
   * Its user has come, to this node; once. Null: it is not active, is overdue, has its user already, or the
   * token that it was made with is not good any more.
   */
  join(
    sessionId: number,
    by: {
      readonly node: string;
      readonly kind: SessionKind;
      readonly login: string;
      readonly ipAddress: string;
      readonly userAgent: string;
      readonly approval: SessionApproval | null;
    },
    at: Date,
  ): Promise<Session | null>;
  /**
   * Within a transaction, keeps others from joining or ending it. True: it lives, and its user has not come.
   */
  holdWaiting(sessionId: number): Promise<boolean>;
  /** Those above `after` whose users have not come in time: the first 100, in order. */
  overdue(now: Date, after: number): Promise<readonly number[]>;
  /**
   * Those that wait for users who may not come any more: disabled or gone, without a grant on the stack in
   * force that allows a shell, or without the token that the session was made with. As `overdue`.
   */
  withdrawn(now: Date, after: number): Promise<readonly number[]>;
  /** Of a node, those that wait for their users. */
  waiting(node: string): Promise<readonly number[]>;
}

/**
 * Whether programs can be begun in a container. Rejects with PosternError `machine.refused` (there is no shell,
 * or no such user) and `engine.*`. Implemented by targets/container-entry.ts.
 */
export type CheckEntry = (where: {
  /** What the container is to its users: a machine's name. */
  readonly machine: string;
  readonly engine: string;
  readonly containerId: string;
  readonly login: string;
}) => Promise<void>;

/** What somebody wants a session of. */
export interface WantedContainerSession {
  readonly user: {
    readonly id: number;
    readonly name: string;
    readonly email: string | null;
  };
  /** The API token that it is asked for with. */
  readonly tokenId: number;
  readonly stack: Stack;
  readonly service: string;
  readonly sourceAddress: string;
  readonly client: string;
}

/** Sessions of containers, made in the background. Implemented by control/container-sessions.ts. */
export interface ContainerSessions {
  /**
   * Whether this user may have sessions of the stack's containers, asking from this address. Throws
   * `stack.permission` and `stack.kind`.
   */
  permit(
    asked: { readonly userId: number } & Pick<WantedContainerSession, 'stack' | 'sourceAddress'>,
  ): Promise<void>;
  /**
   * Validates, verifies the service, takes a place in it, and answers the action that does the rest in the
   * background. Throws `stack.permission`, `stack.kind`, `stack.service`, `stack.too_many` and
   * `stack.not_created`.
   */
  create(wanted: WantedContainerSession): Promise<StackAction>;
  /** Ends a session whose user has not come. False: there is none such. */
  endWaiting(sessionId: number, reason: EndReason): Promise<boolean>;
}
