import { levelOf } from '../domain/access-level.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { holdsScope, type Role } from '../domain/role.ts';
import type { Stores } from '../domain/store.ts';
import type { User } from '../domain/user.ts';
import { isGranted, seesEverything, type Viewer } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import { grantsOf } from './machine-access.ts';

export function noUser(id: number): PosternError {
  return new PosternError('thing.not_found', { kind: 'user', id: formatId('usr', id) });
}

/** Throws `thing.not_found`, also for another user than the viewer where they see only themselves. */
export async function seenUser(
  stores: Pick<Stores, 'users'>,
  viewer: Viewer,
  id: number,
): Promise<User> {
  const user = await stores.users.get(id);
  if (user === null || !(seesEverything(viewer) || viewer.userId === id)) throw noUser(id);
  return user;
}

/**
 * Throws `request.forbidden` when a caller without the scope `admin` touches an admin or makes one:
 * `users:write` must not be a way to `admin`.
 */
export function mayTouch(caller: Caller, roles: readonly (Role | undefined)[]): void {
  if (roles.includes('admin') && !holdsScope(caller.viewer.scopes, 'admin')) {
    throw new PosternError('request.forbidden', { scope: 'admin' });
  }
}

/** The machines that a user's grants in force name, and the highest level of what these give. */
export async function machineAccess(stores: Stores, userId: number, now: Date) {
  const grants = await grantsOf(stores, userId);
  const machines = grants.length === 0 ? [] : await stores.machines.all();
  // Of levels there may be as many as machines: each is looked at for its own alone.
  const byMachine = Map.groupBy(grants, ({ on }) => ('machineId' in on ? on.machineId : null));
  const ofMany = byMachine.get(null) ?? [];
  return machines.flatMap((machine) => {
    const near = [...(byMachine.get(machine.id) ?? []), ...ofMany];
    const access_level = levelOf(near.filter((grant) => isGranted(machine, [grant], now)));
    if (access_level === null) return [];
    return [{ machine_id: formatId('mch', machine.id), name: machine.name, access_level }];
  });
}
