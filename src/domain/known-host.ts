import { type Machine, SSH_PORT } from './machine.ts';

type Reached = Pick<Machine, 'name' | 'host' | 'port'>;

function at(host: string, port: number): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}

/**
 * The names under which ssh looks up the key of a machine that it is to reach (sshd(8),
 * SSH_KNOWN_HOSTS FILE FORMAT): `web1`, `[web1]:2201`, `[10.0.0.5]:2201`.
 */
export function knownHostNames({ name, host, port }: Reached): readonly string[] {
  // A container has no address: it is reached by its name alone.
  if (port === 0) return [name];
  return [...new Set([name, at(name, port), at(host, port)])];
}

/**
 * The names that a host certificate of the machine is to have. ssh compares what was typed, in lower
 * case and without the port (sshconnect.c, check_host_cert); others may compare it as it was typed.
 */
export function principalsOf({ name, host }: Reached): readonly string[] {
  return [...new Set([name, host].flatMap((one) => [one.toLowerCase(), one]))];
}

/** The line of known_hosts that trusts all certificates of an authority, for whatever host. */
export function authorityLine(publicLine: string): string {
  return `@cert-authority * ${publicLine} postern`;
}
