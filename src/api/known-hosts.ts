import { type Machine, SSH_PORT } from '../domain/machine.ts';
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

/** How ssh looks a host up that is not on port 22 (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
function at(host: string, port: number): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}

/** The keys that Postern presents for the machines that the viewer may see; 1000 at most, by name. */
export async function knownHosts(
  deps: Pick<ApiDeps, 'store' | 'clock' | 'jumpHostKey'>,
  viewer: Viewer,
): Promise<readonly KnownHost[]> {
  const maySee = await machineSight(deps.store, viewer, deps.clock());
  return (await deps.store.machines.all()).filter(maySee).map((machine) => {
    const { id, name, host, port } = machine;
    const hosts = new Set([name, at(name, port), at(host, port)]);
    return { machine, hosts: [...hosts], key: deps.jumpHostKey(id) };
  });
}

export function knownHostsLine({ hosts, key }: KnownHost): string {
  return `${hosts.join(',')} ${key}`;
}

/** The whole as a known_hosts file. */
export function knownHostsText(all: readonly KnownHost[]): string {
  return all.map((one) => `${knownHostsLine(one)}\n`).join('');
}
