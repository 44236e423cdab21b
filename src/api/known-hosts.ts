import { authorityLine, knownHostNames } from '../domain/known-host.ts';
import type { Machine } from '../domain/machine.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { ApiDeps } from './deps.ts';
import { machineSight } from './machine-access.ts';

/** One machine's line of known_hosts, for clients that come with `ssh -J`. */
export interface KnownHost {
  readonly machine: Machine;
  /** As in known_hosts: `web1`, `[10.0.0.5]:2201`. */
  readonly hosts: readonly string[];
  /** `ssh-ed25519 AAAA…` */
  readonly key: string;
}

/** The keys that Postern presents for the machines that the viewer may see; 1000 at most, by name. */
export async function knownHosts(
  deps: Pick<ApiDeps, 'store' | 'clock' | 'jumpHostKey'>,
  viewer: Viewer,
): Promise<readonly KnownHost[]> {
  const maySee = await machineSight(deps.store, viewer, deps.clock());
  return (await deps.store.machines.all()).filter(maySee).map((machine) => {
    return { machine, hosts: knownHostNames(machine), key: deps.jumpHostKey(machine.id) };
  });
}

export function knownHostsLine({ hosts, key }: KnownHost): string {
  return `${hosts.join(',')} ${key}`;
}

/** The whole as a known_hosts file. */
export function knownHostsText(all: readonly KnownHost[]): string {
  return all.map((one) => `${knownHostsLine(one)}\n`).join('');
}

/** The known_hosts file that does for all machines, also those that are yet to come. */
export function knownAuthorityText({ hostAuthority }: Pick<ApiDeps, 'hostAuthority'>): string {
  return `${authorityLine(hostAuthority.publicLine)}\n`;
}
