import { type AccessDecision, type AuthorizedRoute, decide } from '../domain/access.ts';
import type {
  ConnectionFacts,
  ReachableMachine,
  RouteAnswer,
  SignedIn,
} from '../domain/control-plane.ts';
import type { Grant } from '../domain/grant.ts';
import type { Machine } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';
import { inNetwork } from './network.ts';

interface Wanted {
  readonly machine: string | null;
  readonly login: string | null;
}

/** How many names a refusal lists. */
const MOST_LISTED = 20;

type AccessStores = Pick<Stores, 'users' | 'groups' | 'grants' | 'machines' | 'sessions'>;

/** What is known of a user for deciding: null where there is nothing to decide. */
interface Asking {
  readonly grants: readonly Grant[];
  judge(machine: Machine): AccessDecision;
}

/** Loads what an access decision needs and has it made; the decision itself is in the domain. */
export class Access {
  readonly #stores: AccessStores;
  readonly #now: () => Date;

  constructor(stores: AccessStores, now: () => Date = () => new Date()) {
    this.#stores = stores;
    this.#now = now;
  }

  async decide(user: SignedIn, wanted: Wanted, facts: ConnectionFacts): Promise<RouteAnswer> {
    const asking = await this.#asking(user, wanted.login, facts);
    if (asking === null) return denied('access.nothing');
    return wanted.machine === null
      ? this.#onlyOne(user, asking)
      : this.#named(wanted.machine, asking);
  }

  /** As ControlPlane.reachable. */
  async reachable(user: SignedIn, facts: ConnectionFacts): Promise<readonly ReachableMachine[]> {
    const asking = await this.#asking(user, null, facts);
    if (asking === null) return [];
    const allowed = await this.#allowed(asking);
    const used = allowed.length === 0 ? null : await this.#stores.sessions.lastUsed(user.userId);
    return allowed.map(({ machine }) => ({
      name: machine.name,
      address: machine.port === 22 ? machine.host : `${machine.host}:${machine.port}`,
      tags: machine.tags,
      lastUsedAt: used?.get(machine.id) ?? null,
    }));
  }

  async #asking(
    user: SignedIn,
    login: string | null,
    facts: ConnectionFacts,
  ): Promise<Asking | null> {
    const account = await this.#stores.users.get(user.userId);
    if (account === null || account.disabled) return null;
    const groups = await this.#stores.groups.ofUser(user.userId);
    const grants = await this.#stores.grants.forUser(user.userId, groups);
    const judge = (machine: Machine): AccessDecision =>
      decide({
        userId: user.userId,
        groups,
        grants,
        machine,
        login,
        sourceAddress: facts.sourceAddress,
        now: this.#now(),
        inNetwork,
      });
    return { grants, judge };
  }

  async #named(name: string, { judge }: Asking): Promise<RouteAnswer> {
    const machine = await this.#stores.machines.getByName(name);
    if (machine === null) return denied('access.unknown_machine', { machine: name });
    return answer(judge(machine));
  }

  async #allowed({ grants, judge }: Asking): Promise<readonly AuthorizedRoute[]> {
    const machines = grants.length === 0 ? [] : await this.#stores.machines.all();
    return machines.map(judge).flatMap((decision) => (decision.allowed ? [decision.route] : []));
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

function denied(
  code: 'access.nothing' | 'access.unknown_machine' | 'access.no_machine' | 'machine.kind',
  params: Readonly<Record<string, string>> = {},
): RouteAnswer {
  return { outcome: 'denied', code, params };
}

function answer(decision: AccessDecision): RouteAnswer {
  if (!decision.allowed) {
    return { outcome: 'denied', code: decision.code, params: decision.params };
  }
  const { machine } = decision.route;
  if (machine.kind !== 'ssh') {
    return denied('machine.kind', { machine: machine.name, kind: machine.kind });
  }
  return { outcome: 'allowed', route: decision.route };
}
