import type { WantedContainerSession } from '../domain/container-session.ts';
import { mayDownloadKey } from '../domain/stack.ts';
import type { Stores } from '../domain/store.ts';
import { inNetwork } from './network.ts';
import { refusal } from './stack-actions.ts';

/**
 * Whether somebody may have sessions of a stack's containers, from where they ask. Throws `stack.permission`
 * and `stack.kind`.
 */
export async function permitStack(
  { users, groups, grants }: Pick<Stores, 'users' | 'groups' | 'grants'>,
  {
    userId,
    stack,
    sourceAddress,
  }: { readonly userId: number } & Pick<WantedContainerSession, 'stack' | 'sourceAddress'>,
): Promise<void> {
  const named = { stack: stack.name };
  const account = await users.get(userId);
  const theirs = await grants.forUser(userId, await groups.ofUser(userId));
  const now = new Date();
  if (account === null || account.disabled || !mayDownloadKey(stack.id, theirs, now)) {
    throw refusal('stack.permission', 'stack.no_grant', named);
  }
  const near = theirs.filter(
    ({ fromNetworks }) =>
      fromNetworks.length === 0 ||
      fromNetworks.some((network) => inNetwork(sourceAddress, network)),
  );
  if (!mayDownloadKey(stack.id, near, now)) {
    throw refusal('stack.permission', 'stack.far', { ...named, address: sourceAddress });
  }
  if (stack.kind !== 'container') throw refusal('stack.kind', 'stack.is_server', named);
}
