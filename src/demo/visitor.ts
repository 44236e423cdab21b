import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Setup } from '../domain/setup.ts';
import type { NewUserKey } from '../domain/user.ts';
import { keepKey } from './keys.ts';
import type { DemoMachine } from './machine.ts';

/** The user of the demo, the name of its machine, and the alias in its ssh configuration. */
const NAME = 'demo';

/** What the demo's user signs in with; kept from start to start. */
export interface Visitor {
  readonly user: string;
  readonly publicLine: string;
  readonly password: string;
  /** For `ssh -F FILE demo`: needs neither a key nor a known host of the reader's own. */
  readonly sshConfig: string;
}

function keptPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    const password = randomBytes(9).toString('base64url');
    writeFileSync(path, `${password}\n`, { mode: 0o600 });
    return password;
  }
}

/** ssh_config quotes with double quotes and has no escape for one inside. */
function quoted(path: string): string {
  if (path.includes('"'))
    throw new Error('the demo cannot live in a directory with a " in its name');
  return `"${path}"`;
}

/**
 * Makes what the demo's user needs to try the bastion at once: a key, a password, and an ssh
 * configuration with the bastion's own host key in it. `directory` is absolute.
 */
export function welcomeVisitor(
  directory: string,
  bastion: { readonly host: string; readonly port: number; readonly hostKeyLine: string },
): Visitor {
  const key = keepKey(directory, 'id_ed25519');
  const password = keptPassword(join(directory, 'password'));
  const knownHosts = join(directory, 'known_hosts');
  const sshConfig = join(directory, 'ssh_config');
  const alias = 'postern-demo';
  writeFileSync(knownHosts, `${alias} ${bastion.hostKeyLine}\n`, { mode: 0o600 });
  const lines = [
    `Host ${NAME}`,
    `  HostName ${bastion.host}`,
    `  Port ${bastion.port}`,
    `  User ${NAME}`,
    `  IdentityFile ${quoted(join(directory, 'id_ed25519'))}`,
    '  IdentitiesOnly yes',
    `  HostKeyAlias ${alias}`,
    `  UserKnownHostsFile ${quoted(knownHosts)}`,
    '  StrictHostKeyChecking yes',
    '',
  ];
  writeFileSync(sshConfig, lines.join('\n'), { mode: 0o600 });
  return { user: NAME, publicLine: key.publicLine, password, sshConfig };
}

/** The people, machine and grant of the demo, as `postern apply` would be told of them. */
export function demoSetup(
  visitor: Visitor,
  key: NewUserKey,
  machine: DemoMachine,
  credential: Setup['machines'][number]['credential'],
): Setup {
  return {
    users: [
      { name: visitor.user, email: null, role: 'admin', keys: [key], password: visitor.password },
    ],
    groups: [],
    machines: [
      {
        name: NAME,
        kind: 'ssh',
        host: machine.host,
        port: machine.port,
        login: machine.login,
        credential,
        hostKey: machine.hostKeyLine,
        hostKeyPolicy: 'strict',
        recording: 'required',
        tags: {},
        description: 'the machine that Postern itself runs on',
      },
    ],
    grants: [
      {
        to: { user: visitor.user },
        on: { machine: NAME },
        logins: [],
        allow: ['shell', 'exec', 'sftp'],
        forwardTo: [],
        fromNetworks: [],
        until: null,
        maxSession: null,
        idleTimeout: null,
        approval: null,
      },
    ],
  };
}
