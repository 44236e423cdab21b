import {
  type AccessDecision,
  type AuthorizedRoute,
  decide,
  type GivenApproval,
} from '../domain/access.ts';
import type { CertificateProof } from '../domain/certificate.ts';
import type { ContainerStanding } from '../domain/container-session.ts';
import type {
  ConnectionFacts,
  ReachableMachine,
  RouteAnswer,
  SignedIn,
  Wanted,
} from '../domain/control-plane.ts';
import { type ErrorCode, PosternError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Machine } from '../domain/machine.ts';
import type { RunningServices } from '../domain/stack.ts';
import type { Account, Standing } from '../domain/standing.ts';
import type { Stores } from '../domain/store.ts';
import { isLive } from '../domain/visibility.ts';
import { namedMachine } from './named-machine.ts';
import { inNetwork } from './network.ts';
import { holdsFactor } from './second-factor.ts';
import { ServiceMachines } from './service-machines.ts';
import { containersOf, narrowed, placeOf, toIts } from './session-container.ts';
import { canonical } from './setup-work.ts';
import { stillProves } from './sign-in.ts';

/** What a living session, or one that waits for an approval, rests on. */
export interface HeldAccess {
  readonly user: SignedIn;
  readonly machine: Pick<Machine, 'id' | 'name'>;
  readonly login: string;
  /** Null: none was given. */
  readonly approval: GivenApproval | null;
  readonly facts: ConnectionFacts;
}

/** What is said of a machine to who never could enter it. */
const TAKEN_BACK: readonly ErrorCode[] = ['access.unknown_machine', 'access.read_only'];

/** How many names a refusal lists. */
const MOST_LISTED = 20;

type AccessStores = Pick<Stores, 'standing' | 'machines' | 'sessions' | 'containerSessions'>;

/** What is known of a user for deciding: null where there is nothing to decide. */
interface Asking {
  readonly grants: readonly Grant[];
  judge(machine: Machine): AccessDecision;
}

/** What decisions that are made again are made from. */
interface Ground {
  readonly standing: Standing;
  readonly containers: ReadonlyMap<number, ContainerStanding>;
  readonly accounts: ReadonlyMap<number, Account>;
  readonly machines: ReadonlyMap<number, Machine>;
}

/** Loads what an access decision needs and has it made; the decision itself is in the domain. */
export class Access {
  readonly #stores: AccessStores;
  readonly #running: ServiceMachines;
  readonly #now: () => Date;

  constructor(stores: AccessStores, running?: RunningServices, now: () => Date = () => new Date()) {
    this.#stores = stores;
    this.#running = new ServiceMachines(running);
    this.#now = now;
  }

  async decide(user: SignedIn, wanted: Wanted, facts: ConnectionFacts): Promise<RouteAnswer> {
    const asking = await this.#asking(user, wanted.login, facts);
    if (asking === null) return denied('access.nothing');
    if (user.containerSession !== undefined) {
      return this.#container(user.containerSession, wanted.machine, asking);
    }
    return wanted.machine === null
      ? this.#onlyOne(user, asking)
      : this.#named(wanted.machine, asking);
  }

  /** As ControlPlane.reachable. */
  async reachable(user: SignedIn, facts: ConnectionFacts): Promise<readonly ReachableMachine[]> {
    const asking = await this.#asking(user, null, facts);
    if (asking === null) return [];
    const allowed = await this.#allowedTo(user, asking);
    const used = allowed.length === 0 ? null : await this.#stores.sessions.lastUsed(user.userId);
    return allowed.map(({ machine }) => ({
      name: machine.name,
      address: this.#running.addressOf(machine),
      tags: machine.tags,
      lastUsedAt: used?.get(machine.id) ?? null,
    }));
  }

  async #asking(
    user: SignedIn,
    login: string | null,
    facts: ConnectionFacts,
  ): Promise<Asking | null> {
    const standing = await this.#stores.standing.of([user.userId], [], certificatesOf([user]));
    const { grants } = standing;
    const [account] = standing.accounts;
    if (account === undefined || account.disabled) return null;
    if (!stillProves(user, account, standing)) return null;
    return {
      grants,
      judge: (machine) =>
        this.#judge(user, account, grants, machine, { login, approval: null, facts }),
    };
  }

  /** As `standing`, of living sessions: what would need an approval that none has is taken back. */
  async again(held: readonly HeldAccess[]): Promise<readonly RouteAnswer[]> {
    const answers = await this.standing(held);
    return answers.map((one) => {
      if (one.outcome === 'denied' || one.route.terms.length > 0) return one;
      return denied('access.revoked', { machine: one.route.machine.name });
    });
  }

  /** Decisions made again, in their order; one query for all of them. */
  async standing(held: readonly HeldAccess[]): Promise<readonly RouteAnswer[]> {
    const ground = await this.#groundOf(held);
    return held.map((one) => this.#standing(one, ground));
  }

  /**
   * The account of who begins a session, once all that the route rests on is found to be as it was when the
   * route was decided. Throws PosternError with what else its user is to be told.
   */
  async admit(user: SignedIn, route: AuthorizedRoute, facts: ConnectionFacts): Promise<Account> {
    const held = { user, ...route, facts };
    const ground = await this.#groundOf([held]);
    const again = this.#standing(held, ground);
    if (again.outcome === 'denied') throw new PosternError(again.code, again.params);
    const now = again.route.terms.map(canonical);
    const account = ground.accounts.get(user.userId);
    const isWhole = route.terms.every((one) => now.includes(canonical(one)));
    if (account === undefined || route.terms.length === 0 || !isWhole) {
      throw new PosternError('access.revoked', { machine: route.machine.name });
    }
    return account;
  }

  async #groundOf(held: readonly HeldAccess[]): Promise<Ground> {
    const [standing, containers] = await Promise.all([
      this.#stores.standing.of(
        [...new Set(held.map(({ user }) => user.userId))],
        [...new Set(held.map(({ machine }) => machine.id))],
        certificatesOf(held.map(({ user }) => user)),
      ),
      containersOf(this.#stores.containerSessions, held),
    ]);
    const accounts = new Map(standing.accounts.map((one) => [one.userId, one]));
    const machines = new Map(standing.machines.map((one) => [one.id, one]));
    return { standing, containers, accounts, machines };
  }

  #standing(held: HeldAccess, { standing, containers, accounts, machines }: Ground): RouteAnswer {
    const { user } = held;
    const account = accounts.get(user.userId);
    if (account === undefined || account.disabled) return denied('access.account');
    if (!stillProves(user, account, standing)) return denied('access.proof');
    const machine = machines.get(held.machine.id);
    if (machine === undefined) return denied('access.removed', { machine: held.machine.name });
    const place = placeOf(user, machine, containers);
    if (typeof place === 'string') return denied(place);
    const decision = this.#judge(user, account, standing.grants, place, held);
    // Who was let in knows that the machine is there, and is told what happened.
    return !decision.allowed && TAKEN_BACK.includes(decision.code)
      ? denied('access.revoked', { machine: machine.name })
      : answer(decision);
  }

  #judge(
    user: SignedIn,
    account: Account,
    grants: readonly Grant[],
    machine: Machine,
    {
      login,
      approval,
      facts: { sourceAddress },
    }: Pick<HeldAccess, 'approval' | 'facts'> & {
      readonly login: string | null;
    },
  ): AccessDecision {
    const { userId, groups } = account;
    return decide({
      ...{ userId, groups, grants, machine, login, approval, sourceAddress, inNetwork },
      mfa: account.totp === 'required',
      secondFactor: holdsFactor(user, account),
      now: this.#now(),
      withheld: user.certificate?.withheld ?? [],
    });
  }

  async #named(name: string, { judge }: Asking): Promise<RouteAnswer> {
    const unknown = 'access.unknown_machine';
    const named = await namedMachine(this.#stores.machines, name);
    if (named === null) return denied(unknown, { machine: name });
    const { machine, index } = named;
    const whole = answer(judge(machine));
    if (index === null) return whole;
    if (whole.outcome === 'denied') {
      // Nobody learns from the sentence that the service is there.
      return whole.code === unknown ? denied(unknown, { machine: name }) : whole;
    }
    const one = this.#running.containerOf(machine, index);
    return typeof one === 'string'
      ? denied('machine.unreachable', { machine: name, reason: one })
      : answer(judge(narrowed(machine, { name: one.id, shown: name })));
  }

  /** The container of a session that was made for it, as its service's machine. */
  async #container(id: number, wanted: string | null, { judge }: Asking): Promise<RouteAnswer> {
    const one = await this.#stores.containerSessions.get(id);
    const machineId = one?.session.machineId ?? null;
    if (one === null || machineId === null || !isLive(one.session)) return denied('container.over');
    const machine = await this.#stores.machines.get(machineId);
    if (machine === null) return denied('container.over');
    if (!one.isTokenGood) return denied('container.token');
    if (wanted !== null && wanted !== machine.name) {
      return denied('access.unknown_machine', { machine: wanted });
    }
    return answer(judge(narrowed(machine, toIts(one))));
  }

  async #allowedTo(user: SignedIn, asking: Asking): Promise<readonly AuthorizedRoute[]> {
    if (user.containerSession === undefined) return this.#allowed(asking);
    const route = await this.#container(user.containerSession, null, asking);
    return route.outcome === 'allowed' ? [route.route] : [];
  }

  async #allowed({ grants, judge }: Asking): Promise<readonly AuthorizedRoute[]> {
    const machines = grants.length === 0 ? [] : await this.#stores.machines.all();
    return machines
      .filter((machine) => this.#running.mayRun(machine))
      .map(judge)
      .flatMap((decision) => (decision.allowed ? [decision.route] : []));
  }

  async #onlyOne(user: SignedIn, asking: Asking): Promise<RouteAnswer> {
    const routes = await this.#allowed(asking);
    const [first] = routes;
    if (first === undefined) return denied('access.nothing');
    if (routes.length === 1) return answer({ allowed: true, route: first });
    const names = routes.map((route) => route.machine.name);
    const more = names.length > MOST_LISTED ? `, and ${names.length - MOST_LISTED} more` : '';
    return denied('access.no_machine', {
      user: user.userName,
      machines: names.slice(0, MOST_LISTED).join(', ') + more,
    });
  }
}

/** What these users signed in with, as far as they are certificates. */
function certificatesOf(users: readonly SignedIn[]): readonly CertificateProof[] {
  return users.flatMap(({ proof }) => (proof?.type === 'certificate' ? [proof.certificate] : []));
}

function denied(code: ErrorCode, params: Readonly<Record<string, string>> = {}): RouteAnswer {
  return { outcome: 'denied', code, params };
}

function answer(decision: AccessDecision): RouteAnswer {
  if (!decision.allowed) {
    return { outcome: 'denied', code: decision.code, params: decision.params };
  }
  return { outcome: 'allowed', route: decision.route };
}
