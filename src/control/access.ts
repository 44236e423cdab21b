import { type AccessDecision, decide } from '../domain/access.ts';
import type { ConnectionFacts, RouteAnswer, SignedIn } from '../domain/control-plane.ts';
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

/** Loads what an access decision needs and has it made; the decision itself is in the domain. */
export class Access {
  readonly #stores: Pick<Stores, 'users' | 'groups' | 'grants' | 'machines'>;
  readonly #now: () => Date;

  constructor(
    stores: Pick<Stores, 'users' | 'groups' | 'grants' | 'machines'>,
    now: () => Date = () => new Date(),
  ) {
    this.#stores = stores;
    this.#now = now;
  }

  async decide(user: SignedIn, wanted: Wanted, facts: ConnectionFacts): Promise<RouteAnswer> {
    const account = await this.#stores.users.get(user.userId);
    if (account === null || account.disabled) return denied('access.nothing');
    const groups = await this.#stores.groups.ofUser(user.userId);
    const grants = await this.#stores.grants.forUser(user.userId, groups);
    const judge = (machine: Machine): AccessDecision =>
      decide({
        userId: user.userId,
        groups,
        grants,
        machine,
        login: wanted.login,
        sourceAddress: facts.sourceAddress,
        now: this.#now(),
        inNetwork,
      });
    return wanted.machine === null
      ? this.#onlyOne(user, grants, judge)
      : this.#named(wanted.machine, judge);
  }

  async #named(name: string, judge: (machine: Machine) => AccessDecision): Promise<RouteAnswer> {
    const machine = await this.#stores.machines.getByName(name);
    if (machine === null) return denied('access.unknown_machine', { machine: name });
    return answer(judge(machine));
  }

  async #onlyOne(
    user: SignedIn,
    grants: readonly Grant[],
    judge: (machine: Machine) => AccessDecision,
  ): Promise<RouteAnswer> {
    const machines = grants.length === 0 ? [] : await this.#stores.machines.all();
    const decisions = machines.map(judge).filter((decision) => decision.allowed);
    const [first] = decisions;
    if (first === undefined) return denied('access.nothing');
    if (decisions.length === 1) return answer(first);
    const names = decisions.map((decision) => decision.route.machine.name);
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
