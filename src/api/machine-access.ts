import { letsEnter } from '../domain/access-level.ts';
import { PosternError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import { formatId } from '../domain/ids.ts';
import type { Machine } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';
import { isGranted, seesEverything, type Viewer } from '../domain/visibility.ts';

/** The grants that are to this user, directly or through a group. */
export async function grantsOf(stores: Stores, userId: number): Promise<readonly Grant[]> {
  return stores.grants.forUser(userId, await stores.groups.ofUser(userId));
}

/** Which machines a viewer may see: all of them, or those that a grant in force names. */
export async function machineSight(
  stores: Stores,
  viewer: Viewer,
  now: Date,
): Promise<(machine: Machine) => boolean> {
  if (seesEverything(viewer) || viewer.userId === null) return () => true;
  const grants = await grantsOf(stores, viewer.userId);
  return (machine) => isGranted(machine, grants, now);
}

/** Which machines every grant in force that the viewer has on them makes seen, and none lets them enter. */
export async function machinesShut(
  stores: Stores,
  { userId }: Viewer,
  now: Date,
): Promise<(machine: Machine) => boolean> {
  const grants = userId === null ? [] : await grantsOf(stores, userId);
  const entering = grants.filter(letsEnter);
  return (machine) => isGranted(machine, grants, now) && !isGranted(machine, entering, now);
}

export function noMachine(id: number): PosternError {
  return new PosternError('thing.not_found', { kind: 'machine', id: formatId('mch', id) });
}

/** Throws `thing.not_found`, also for a machine that the viewer may not see. */
export async function seenMachine(
  stores: Stores,
  viewer: Viewer,
  now: Date,
  id: number,
): Promise<Machine> {
  const machine = await stores.machines.get(id);
  const maySee = await machineSight(stores, viewer, now);
  if (machine === null || !maySee(machine)) throw noMachine(id);
  return machine;
}
