import { decide } from '../domain/access.ts';
import type { ConnectionFacts, JumpAnswer, SignedIn } from '../domain/control-plane.ts';
import type { Stores } from '../domain/store.ts';
import type { JumpKeys } from './jump-keys.ts';
import { inNetwork } from './network.ts';

const UNKNOWN: JumpAnswer = { outcome: 'unknown' };

/** Which machine a `direct-tcpip` means, as far as the user's grants concern it (`ssh -J`). */
export class JumpTargets {
  readonly #stores: Pick<Stores, 'users' | 'groups' | 'grants' | 'machines'>;
  readonly #keys: JumpKeys;

  constructor(stores: Pick<Stores, 'users' | 'groups' | 'grants' | 'machines'>, keys: JumpKeys) {
    this.#stores = stores;
    this.#keys = keys;
  }

  /**
   * A name goes before an address, then by name. A grant that concerns the machine is enough, also
   * one that has expired or names another login: what is refused then is refused with its reason.
   */
  async find(
    user: SignedIn,
    wanted: { readonly host: string; readonly port: number },
    facts: ConnectionFacts,
  ): Promise<JumpAnswer> {
    // Who came for a container reaches that alone.
    if (user.containerSession !== undefined) return UNKNOWN;
    const machines = await this.#stores.machines.reachedAs(wanted.host, wanted.port);
    if (machines.length === 0) return UNKNOWN;
    const account = await this.#stores.users.get(user.userId);
    if (account === null || account.disabled) return UNKNOWN;
    const groups = await this.#stores.groups.ofUser(user.userId);
    const grants = await this.#stores.grants.forUser(user.userId, groups);
    const request = {
      userId: user.userId,
      groups,
      grants,
      login: null,
      secondFactor: false,
      now: new Date(),
      inNetwork,
    };
    const machine = machines.find((one) => {
      const sourceAddress = facts.sourceAddress;
      const decision = decide({ ...request, machine: one, sourceAddress });
      return decision.allowed || decision.code !== 'access.unknown_machine';
    });
    if (machine === undefined) return UNKNOWN;
    return { outcome: 'machine', machine: machine.name, ...this.#keys.identity(machine) };
  }
}
