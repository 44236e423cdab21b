import type { ControlPlane } from '../domain/control-plane.ts';
import type { Stores } from '../domain/store.ts';
import type { Outbox } from './outbox.ts';

/** Notes in which containers sessions have programs, for as long as they may have. */
export class ContainerVisits {
  readonly #stores: Pick<Stores, 'enteredContainers'>;
  readonly #outbox: Outbox;

  constructor(stores: Pick<Stores, 'enteredContainers'>, outbox: Outbox) {
    this.#stores = stores;
    this.#outbox = outbox;
  }

  readonly enter: ControlPlane['enterContainer'] = (sessionId, entered) =>
    this.#stores.enteredContainers.add(sessionId, entered);

  readonly leave: ControlPlane['leaveContainer'] = (sessionId, clean) => {
    const { enteredContainers } = this.#stores;
    return this.#outbox.write('container left', () =>
      clean ? enteredContainers.remove(sessionId) : enteredContainers.outlived(sessionId),
    );
  };
}
