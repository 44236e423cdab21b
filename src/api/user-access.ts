import type { Capability } from '../domain/capability.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { holdsScope, type Role } from '../domain/role.ts';
import type { Stores } from '../domain/store.ts';
import type { User } from '../domain/user.ts';
import { isGranted, seesEverything, type Viewer } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
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

/** Any of these lets files over. */
const FILES: readonly Capability[] = ['exec', 'sftp', 'upload', 'download'];

/** The machines that a user's grants in force name: `full` where files may go over too. */
export async function machineAccess(deps: ApiDeps, userId: number) {
  const now = deps.clock();
  const grants = await grantsOf(deps.store, userId);
  const machines = grants.length === 0 ? [] : await deps.store.machines.all();
  return machines.flatMap((machine) => {
    const mine = grants.filter((grant) => isGranted(machine, [grant], now));
    if (mine.length === 0) return [];
    const full = mine.some(({ allow }) => FILES.some((one) => allow.includes(one)));
    return [
      {
        machine_id: formatId('mch', machine.id),
        name: machine.name,
        access_level: full ? ('full' as const) : ('connect_only' as const),
      },
    ];
  });
}
