import { hostname } from 'node:os';
import type { Config } from '../config/load.ts';

/** What users are told to use; filled in as the listeners come up. */
export interface Addresses {
  ssh: { host: string; port: number };
  url: string;
}

export function noAddresses(): Addresses {
  return { ssh: { host: '', port: 0 }, url: '' };
}

/** As it is set, else where the gateway listens. */
export function publicSsh(config: Config, ssh: Addresses['ssh']): Addresses['ssh'] {
  return {
    host: config.publicSsh?.host ?? reachable(ssh.host),
    port: config.publicSsh?.port ?? ssh.port,
  };
}

/** A host that others can use: a listener on every address is reached by this machine's name. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? hostname() : host;
}
