import type { Container } from '../domain/container-engine.ts';
import { sentence } from '../domain/errors.ts';
import { type Machine, SSH_PORT } from '../domain/machine.ts';
import { numbered, type RunningServices } from '../domain/stack.ts';

/** Machines that are services of stacks, as their engines tell of them now. */
export class ServiceMachines {
  readonly #running: Pick<RunningServices, 'of'>;

  /** Left out: no engine is followed. */
  constructor(running: Pick<RunningServices, 'of'> = { of: () => null }) {
    this.#running = running;
  }

  /** One of a service's containers by its number, or why there is none. */
  containerOf({ stackId, service }: Machine, index: number): Container | string {
    const known = this.#running.of(stackId ?? 0);
    if (known === null) return 'its engine has not been heard of yet';
    const containers = known.services.find(({ name }) => name === service)?.containers ?? [];
    const one = numbered(containers).get(index);
    if (one !== undefined) return one;
    if (known.away !== null) return sentence('engine.unreachable', { reason: known.away.reason });
    return `it has no container ${index}, and ${containers.length} that run`;
  }

  /** False for a service without a running container, as far as its engine answers. */
  mayRun({ stackId, service }: Machine): boolean {
    const known = typeof stackId === 'number' ? this.#running.of(stackId) : null;
    if (known === null || known.away !== null) return true;
    return known.services.some(({ name }) => name === service);
  }

  /** For people; a container has no port, and of a service there is how many run. */
  addressOf({ kind, host, port, stackId, service }: Machine): string {
    const known = typeof stackId === 'number' ? this.#running.of(stackId) : null;
    if (known === null) return kind !== 'ssh' || port === SSH_PORT ? host : `${host}:${port}`;
    if (known.away !== null) return 'engine unreachable';
    const found = known.services.find(({ name }) => name === service);
    const count = found?.containers.length ?? 0;
    return count === 1 ? '1 container' : `${count} containers`;
  }
}
