import { formatId } from '../domain/ids.ts';
import type { Stores } from '../domain/store.ts';

/** A thing that another names: its id, and its name where it still exists. */
interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * Looks up names for one answer, each id once. A page has at most 100 rows, so the look-ups are
 * bounded.
 */
export class NamesOf {
  readonly #stores: Pick<Stores, 'users' | 'groups' | 'machines' | 'stacks'>;
  readonly #known = new Map<string, Promise<string>>();

  constructor(stores: Pick<Stores, 'users' | 'groups' | 'machines' | 'stacks'>) {
    this.#stores = stores;
  }

  user(id: number): Promise<Named> {
    return this.#named(formatId('usr', id), () => this.#stores.users.get(id));
  }

  group(id: number): Promise<Named> {
    return this.#named(formatId('grp', id), () => this.#stores.groups.get(id));
  }

  machine(id: number): Promise<Named> {
    return this.#named(formatId('mch', id), () => this.#stores.machines.get(id));
  }

  stack(id: number): Promise<Named> {
    return this.#named(formatId('stk', id), () => this.#stores.stacks.get(id));
  }

  async #named(id: string, get: () => Promise<{ readonly name: string } | null>): Promise<Named> {
    const known = this.#known.get(id) ?? get().then((thing) => thing?.name ?? '');
    this.#known.set(id, known);
    return { id, name: await known };
  }
}
