import type { Container, ContainerEngines } from '../domain/container-engine.ts';
import { isContainerName } from '../domain/container-place.ts';
import type { Service, ServiceList, Stack } from '../domain/stack.ts';

/** Better ones first: a container without a health check is as good as its engine can say. */
const HEALTHS: readonly Container['health'][] = ['healthy', 'none', 'starting', 'unhealthy'];

/**
 * The services of stacks, as their engines have them at the moment. A label says what its author likes: what is
 * no name of a service is none, for the name of a machine is made of it.
 */
export class StackServices implements ServiceList {
  readonly #engines: ContainerEngines;

  constructor(engines: ContainerEngines) {
    this.#engines = engines;
  }

  async of(stack: Stack): Promise<readonly Service[]> {
    return servicesOf(stack, await this.#containers(stack, {}));
  }

  /** The healthiest running container of a service, of several the newest; null: none runs. */
  async newest(stack: Stack, service: string): Promise<Container | null> {
    if (!isContainerName(service)) return null;
    const all = await this.#containers(stack, { [stack.serviceLabel]: service });
    const running = all.filter(({ state }) => state === 'running');
    running.sort(
      (a, b) =>
        HEALTHS.indexOf(a.health) - HEALTHS.indexOf(b.health) ||
        b.createdAt.getTime() - a.createdAt.getTime(),
    );
    return running[0] ?? null;
  }

  async #containers(
    stack: Stack,
    labels: Readonly<Record<string, string>>,
  ): Promise<readonly Container[]> {
    if (stack.engine === null) return [];
    const wanted = { [stack.stackLabel]: stack.project, ...labels };
    return await this.#engines.at(stack.engine).list({ all: true, labels: wanted });
  }
}

/** The containers of a stack by their service, which their labels name; by name. */
export function servicesOf(stack: Stack, containers: readonly Container[]): readonly Service[] {
  const byName = Map.groupBy(containers, ({ labels }) => labels[stack.serviceLabel] ?? '');
  return [...byName]
    .filter(([name]) => isContainerName(name))
    .map(([name, mine]) => ({ name, containers: mine }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
