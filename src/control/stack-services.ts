import { bestOf, type Container, type ContainerEngines } from '../domain/container-engine.ts';
import { isContainerName } from '../domain/container-place.ts';
import type { KnownServices, Service, ServiceList, Stack } from '../domain/stack.ts';

/** What engines have told of a stack's containers; null: nothing yet. */
export interface ToldServices {
  every(stack: Stack): KnownServices | null;
}

/**
 * The services of stacks, as their engines tell of them; where one has not told anything, as it answers. A label
 * says what its author likes: what is no name of a service is none, for the name of a machine is made of it.
 */
export class StackServices implements ServiceList {
  readonly #engines: ContainerEngines;
  readonly #told: ToldServices | undefined;

  /** `told` left out: engines are asked each time. */
  constructor(engines: ContainerEngines, told?: ToldServices) {
    this.#engines = engines;
    this.#told = told;
  }

  async of(stack: Stack): Promise<KnownServices> {
    const told = this.#told?.every(stack) ?? null;
    if (told !== null) return told;
    return { services: servicesOf(stack, await this.#containers(stack, {})), away: null };
  }

  /** The container of a service to land in, as the engine says now; null: none runs. */
  async best(stack: Stack, service: string): Promise<Container | null> {
    if (!isContainerName(service)) return null;
    return bestOf(await this.#containers(stack, { [stack.serviceLabel]: service }));
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
