import { letsEnter } from './access-level.ts';
import type { Approver } from './approval.ts';
import type { Capability } from './capability.ts';
import type { ErrorCode, ErrorParams } from './errors.ts';
import type { Grant } from './grant.ts';
import type { Machine } from './machine.ts';
import type { MarkedShell } from './shell-integration.ts';

declare const authorized: unique symbol;

/**
 * Proof that an access decision was made for exactly this machine and login (invariant 1). Only
 * `decide` makes one; nothing is dialled without one.
 */
export interface AuthorizedRoute {
  readonly [authorized]: true;
  readonly userId: number;
  readonly machine: Machine;
  readonly login: string;
  /** The grants that it rests on, each with what it allows and for how long. */
  readonly terms: readonly Terms[];
  /** What would count as well, once somebody has approved; nothing of it is allowed. */
  readonly onApproval: readonly TermsOnApproval[];
  /** The approval that one of the terms rests on; null: none does. */
  readonly approval: GivenApproval | null;
}

/** An approved request, and the grant that it was about. */
export interface GivenApproval {
  readonly approvalId: number;
  readonly grantId: number;
}

/** What one grant would give a route with the approval that it demands. */
export interface TermsOnApproval extends Terms {
  readonly by: Approver;
}

/** What one grant gives a route. */
export interface Terms extends Limits {
  readonly grantId: number;
  readonly allow: readonly Capability[];
  /** Where forwards may lead; see domain/forward.ts. */
  readonly forwardTo: readonly string[];
  /** Whether its shells may be made to mark their commands. */
  readonly shellIntegration: boolean;
}

export interface Limits {
  /** Null: never ends. */
  readonly until: Date | null;
  /** Seconds; null: no limit. */
  readonly maxSession: number | null;
  /** Seconds without a byte either way; null: no limit. */
  readonly idleTimeout: number | null;
}

export interface AccessRequest {
  readonly userId: number;
  readonly groups: readonly number[];
  readonly grants: readonly Grant[];
  readonly machine: Machine;
  /** Null: the machine's default login. */
  readonly login: string | null;
  readonly sourceAddress: string;
  /** The user must prove a second factor, whatever the grants say; left out: as they say. */
  readonly mfa?: boolean;
  /** The user has proved a second factor on this connection, and still has it. */
  readonly secondFactor: boolean;
  readonly now: Date;
  /** What this sign-in may not, whatever its grants allow; left out: nothing. */
  readonly withheld?: readonly Capability[];
  /** Left out: none was given. */
  readonly approval?: GivenApproval | null;
  /** Whether an address lies in a CIDR network. */
  readonly inNetwork: (address: string, network: string) => boolean;
}

export type AccessDecision =
  | { readonly allowed: true; readonly route: AuthorizedRoute }
  | { readonly allowed: false; readonly code: ErrorCode; readonly params: ErrorParams };

function concerns(grant: Grant, request: AccessRequest): boolean {
  const to = grant.to;
  const mine = 'userId' in to ? to.userId === request.userId : request.groups.includes(to.groupId);
  if (!mine) return false;
  const on = grant.on;
  if ('machineId' in on) return on.machineId === request.machine.id;
  if ('stackId' in on) return on.stackId === request.machine.stackId;
  return request.machine.tags[on.tag.key] === on.tag.value;
}

/** The largest of several limits, where null is no limit. */
function widest(limits: readonly (number | null)[]): number | null {
  return limits.includes(null) ? null : Math.max(...limits.map((limit) => limit ?? 0));
}

/**
 * The limits under which a route allows a capability at `now`, or why it does not: the widest of the
 * grants that name this capability, and of no others, so that no grant stretches another.
 */
export function permission(
  route: Pick<AuthorizedRoute, 'terms'>,
  capability: Capability,
  now: Date,
): Limits | 'access.capability' | 'access.expired' {
  const ever = route.terms.filter((terms) => terms.allow.includes(capability));
  if (ever.length === 0) return 'access.capability';
  const naming = ever.filter(({ until }) => until === null || until > now);
  if (naming.length === 0) return 'access.expired';
  const until = widest(naming.map((terms) => terms.until?.getTime() ?? null));
  return {
    until: until === null ? null : new Date(until),
    maxSession: widest(naming.map((terms) => terms.maxSession)),
    idleTimeout: widest(naming.map((terms) => terms.idleTimeout)),
  };
}

/**
 * What is typed into a shell of this route at `now`: the script of the shell that the machine is said
 * to have, where a grant that allows a shell then says that it may be put in. Null: nothing is.
 */
export function shellToMark(
  { machine, terms }: Pick<AuthorizedRoute, 'machine' | 'terms'>,
  now: Date,
): MarkedShell | null {
  const may = terms.some(
    ({ allow, until, shellIntegration }) =>
      shellIntegration && allow.includes('shell') && (until === null || until > now),
  );
  return may ? (machine.shellIntegration ?? null) : null;
}

/** The tightest of several limits, one by one. */
export function narrowest(all: readonly Limits[]): Limits {
  const least = (values: readonly (number | null)[]): number | null => {
    const set = values.filter((value) => value !== null);
    return set.length === 0 ? null : Math.min(...set);
  };
  const until = least(all.map((one) => one.until?.getTime() ?? null));
  return {
    until: until === null ? null : new Date(until),
    maxSession: least(all.map((one) => one.maxSession)),
    idleTimeout: least(all.map((one) => one.idleTimeout)),
  };
}

/** The limits of a session as a whole: the widest of all its terms, so that no channel has more. */
export function widestLimits({ terms }: AuthorizedRoute): Limits {
  const until = widest(terms.map((one) => one.until?.getTime() ?? null));
  return {
    until: until === null ? null : new Date(until),
    maxSession: widest(terms.map((one) => one.maxSession)),
    idleTimeout: widest(terms.map((one) => one.idleTimeout)),
  };
}

/**
 * Deny by default: some grant must concern this user and machine, let them enter it, be in force, come from an allowed
 * network, and name the login. What several such grants allow adds up; one that demands an approval
 * counts with its approval alone. Pure: says the same for the same request.
 */
export function decide(request: AccessRequest): AccessDecision {
  const { machine, now } = request;
  const login = request.login ?? machine.login;
  const deny = (code: ErrorCode, params: ErrorParams = {}): AccessDecision => ({
    allowed: false,
    code,
    params: { machine: machine.name, ...params },
  });

  const mine = request.grants.filter((grant) => concerns(grant, request));
  if (mine.length === 0) return deny('access.unknown_machine');
  const entering = mine.filter(letsEnter);
  if (entering.length === 0) return deny('access.read_only');
  const current = entering.filter((grant) => grant.until === null || grant.until > now);
  if (current.length === 0) return deny('access.expired');
  const near = current.filter(
    (grant) =>
      grant.fromNetworks.length === 0 ||
      grant.fromNetworks.some((network) => request.inNetwork(request.sourceAddress, network)),
  );
  if (near.length === 0) return deny('access.network');
  // A pod's programs run as one user, whatever they are called.
  if (machine.kind === 'kubernetes' && login !== machine.login) {
    return deny('access.login', { login });
  }
  const fitting = near.filter((grant) =>
    grant.logins.length === 0 ? login === machine.login : grant.logins.includes(login),
  );
  if (fitting.length === 0) return deny('access.login', { login });
  const demanded = (grant: Grant): boolean => grant.mfa || request.mfa === true;
  const proven = fitting.filter((grant) => request.secondFactor || !demanded(grant));
  if (proven.length === 0) return deny('access.mfa');

  const approval = request.approval ?? null;
  const given = (grant: Grant): boolean =>
    grant.approval === null || grant.id === approval?.grantId;
  const route: Omit<AuthorizedRoute, typeof authorized> = {
    userId: request.userId,
    machine,
    login,
    terms: proven.filter(given).map((grant) => termsOf(grant, request)),
    onApproval: proven.flatMap((grant) =>
      grant.approval === null || given(grant)
        ? []
        : [{ ...termsOf(grant, request), by: grant.approval }],
    ),
    approval,
  };
  return { allowed: true, route: route as AuthorizedRoute };
}

function termsOf(grant: Grant, { withheld }: AccessRequest): Terms {
  return {
    grantId: grant.id,
    allow: grant.allow.filter((each) => withheld?.includes(each) !== true),
    forwardTo: grant.forwardTo,
    shellIntegration: grant.shellIntegration,
    until: grant.until,
    maxSession: grant.maxSession,
    idleTimeout: grant.idleTimeout,
  };
}

/** A route as it was decided again, to the one container that was asked for where it was one. */
export function toSameContainer(
  { machine: { container: asked } }: AuthorizedRoute,
  again: AuthorizedRoute,
): AuthorizedRoute {
  const { machine } = again;
  if (asked === null || machine.container === null) return again;
  const container = { ...machine.container, choice: asked.choice };
  return { ...again, machine: { ...machine, container } };
}

/**
 * What would have to be approved for `permit` not to throw: the oldest such grant; null: no approval
 * would help. `permit` is asked of each as if it were given.
 */
export function approvalFor(
  route: AuthorizedRoute,
  permit: (route: AuthorizedRoute) => unknown,
): TermsOnApproval | null {
  const helps = (terms: TermsOnApproval): boolean => {
    try {
      permit({ ...route, terms: [...route.terms, terms] });
      return true;
    } catch {
      return false;
    }
  };
  return route.onApproval.find(helps) ?? null;
}
