import {
  type ContainerSession,
  containerUserName,
  type StackAction,
} from '../domain/container-session.ts';
import { PosternError, sentence } from '../domain/errors.ts';
import { formatId, parseId } from '../domain/ids.ts';
import { printable } from '../domain/log.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Secret } from '../domain/secret.ts';
import { type EngineAway, isOnStack, type Service, type Stack } from '../domain/stack.ts';
import { seesEverything } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { grantsOf } from './machine-access.ts';

const LONGEST = 200;

function unseen(name: string): PosternError {
  return new PosternError('stack.unseen', { stack: printable(name, 80) });
}

/** Throws `stack.unseen`, also for a stack that no grant in force of the caller's is on. */
export async function seenStack(deps: ApiDeps, { viewer }: Caller, name: string): Promise<Stack> {
  const stack = name.length > LONGEST ? null : await deps.store.stacks.find(name);
  if (stack === null) throw unseen(name);
  if (seesEverything(viewer) || viewer.userId === null) return stack;
  const grants = await grantsOf(deps.store, viewer.userId);
  if (!isOnStack(stack.id, grants, deps.clock())) throw unseen(name);
  return stack;
}

/** The stacks that the caller may see; `search`: only those whose names have this in them. */
export async function seenStacks(
  deps: ApiDeps,
  { viewer }: Caller,
  page: PageRequest,
  search?: string,
): Promise<Page<Stack>> {
  if (seesEverything(viewer) || viewer.userId === null) {
    return deps.store.stacks.list({ search }, page);
  }
  const grants = await grantsOf(deps.store, viewer.userId);
  const now = deps.clock();
  const ids = grants.flatMap(({ on }) =>
    'stackId' in on && isOnStack(on.stackId, grants, now) ? [on.stackId] : [],
  );
  return deps.store.stacks.list({ ids: [...new Set(ids)], search }, page);
}

/** Throws `stack.service` where the stack has none of that name, and `engine.*`. */
export async function serviceOf(
  deps: ApiDeps,
  stack: Stack,
  name: string,
): Promise<{ readonly service: Service; readonly away: EngineAway | null }> {
  const { services, away } = await deps.services.of(stack);
  const service = services.find((one) => one.name === name);
  if (service !== undefined) return { service, away };
  const params = { stack: stack.name, service: printable(name, 80) };
  throw new PosternError('stack.service', { detail: sentence('stack.no_service', params) });
}

function denied(detail: string): PosternError {
  return new PosternError('stack.permission', { detail });
}

/**
 * The stack whose containers the caller may enter. Throws `stack.permission`, also for one that is not
 * there or that they may not see, and `stack.kind`.
 */
async function enteredStack(
  deps: ApiDeps,
  caller: Caller,
  name: string,
): Promise<{ readonly stack: Stack; readonly userId: number }> {
  const stack = await seenStack(deps, caller, name).catch((error: unknown) => {
    throw error instanceof PosternError && error.code === 'stack.unseen'
      ? denied(error.message)
      : error;
  });
  const { userId } = caller.viewer;
  if (userId === null) throw denied(sentence('stack.nobody'));
  await deps.containerSessions.permit({ userId, stack, sourceAddress: caller.source });
  return { stack, userId };
}

export interface SessionAsked {
  readonly stack: string;
  readonly service: string | undefined;
  /** What the client calls itself. */
  readonly client: string;
}

/** Throws what ContainerSessions.create does. */
export async function createContainerSession(
  deps: ApiDeps,
  caller: Caller,
  asked: SessionAsked,
): Promise<{ readonly stack: Stack; readonly action: StackAction }> {
  const { stack, userId } = await enteredStack(deps, caller, asked.stack);
  const { service } = asked;
  if (service === undefined || service === '') {
    throw new PosternError('stack.service', { detail: sentence('stack.unnamed_service') });
  }
  const user = await deps.store.users.get(userId);
  if (user === null) throw new PosternError('request.unauthorized');
  const action = await deps.containerSessions.create({
    user: { id: userId, name: user.name, email: user.email },
    ...{ stack, service, sourceAddress: caller.source, tokenId: caller.viewer.token.id },
    client: printable(asked.client, 255),
  });
  return { stack, action };
}

/** A session of a container, and how to come to it. */
export interface Found {
  readonly stack: Stack;
  readonly session: ContainerSession;
  readonly host: string;
  readonly port: number;
  readonly userName: string;
  /** Null: its owner's keys are asked for, or it is not there any more. */
  readonly password: Secret | null;
}

/** What is asked for by id, else by service. Throws `stack.no_session` where there is none of the caller's. */
export async function findContainerSession(
  deps: ApiDeps,
  caller: Caller,
  asked: {
    readonly stack: string;
    readonly sessionId: string | undefined;
    readonly service: string | undefined;
  },
): Promise<Found> {
  const { stack, userId } = await enteredStack(deps, caller, asked.stack);
  const { containerSessions } = deps.store;
  // A script's `session_id=$ID` with nothing in it names no session.
  const isById = asked.sessionId !== undefined && asked.sessionId !== '';
  const id = isById ? parseId('sess', asked.sessionId) : null;
  const byId = id === null ? null : await containerSessions.get(id);
  const session = isById
    ? byId
    : await containerSessions.newest(stack.id, asked.service ?? '', userId);
  const mine = session?.session.userId === userId || seesEverything(caller.viewer);
  if (session === null || session.stackId !== stack.id || !mine) {
    throw new PosternError('stack.no_session');
  }
  const isOwner = session.session.userId === userId;
  const password = isOwner ? await containerSessions.password(session.session.id) : null;
  if (password !== null) {
    await note(deps.store, caller, deps.clock(), 'container_session.read', {
      sessionId: session.session.id,
      machineId: session.session.machineId,
    });
  }
  return { stack, session, ...deps.publicSsh(), userName: containerUserName(session), password };
}

/** Throws `thing.not_found` for what is not the caller's, or not of the stack. */
export async function seenAction(
  deps: ApiDeps,
  caller: Caller,
  stack: Stack,
  text: string,
): Promise<StackAction> {
  const id = parseId('act', text);
  const action = id === null ? null : await deps.store.stackActions.get(id);
  const mine = action?.userId === caller.viewer.userId || seesEverything(caller.viewer);
  if (action !== null && action.stackId === stack.id && mine) return action;
  throw new PosternError('thing.not_found', {
    kind: 'action',
    id: id === null ? printable(text, 40) : formatId('act', id),
  });
}
