import type { ContainerChoice } from '../domain/container-place.ts';
import type { ContainerSessionStore, ContainerStanding } from '../domain/container-session.ts';
import type { SignedIn } from '../domain/control-plane.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Machine } from '../domain/machine.ts';

/** What those of them rest on that came to containers, by container session; without what is over. */
export async function containersOf(
  containerSessions: Pick<ContainerSessionStore, 'standing'>,
  held: readonly { readonly user: SignedIn }[],
): Promise<ReadonlyMap<number, ContainerStanding>> {
  const ids = held.flatMap(({ user }) => user.containerSession ?? []);
  return ids.length === 0 ? new Map() : await containerSessions.standing(ids);
}

/** The machine, for who came to a container as that one, or why they may not be there any more. */
export function placeOf(
  { containerSession }: SignedIn,
  machine: Machine,
  containers: ReadonlyMap<number, ContainerStanding>,
): Machine | ErrorCode {
  if (containerSession === undefined) return machine;
  const container = containers.get(containerSession);
  if (container === undefined) return 'container.over';
  return container.isTokenGood ? narrowed(machine, toIts(container)) : 'container.token';
}

/** The container of a container session; null: none was chosen yet. */
export function toIts({
  containerId,
  containerName,
}: Pick<ContainerStanding, 'containerId' | 'containerName'>): ContainerChoice | null {
  return containerId === null ? null : { name: containerId, shown: containerName };
}

/** A service's machine as one container of it. */
export function narrowed(machine: Machine, choice: ContainerChoice | null): Machine {
  const { container } = machine;
  if (container === null || choice === null) return machine;
  return { ...machine, container: { ...container, choice } };
}
