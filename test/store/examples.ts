import { createHash } from 'node:crypto';
import type { NewGrant } from '../../src/domain/grant.ts';
import type { NewMachine } from '../../src/domain/machine.ts';
import type { Seal } from '../../src/domain/seal.ts';
import type { NewSession } from '../../src/domain/session.ts';
import { COMPOSE_LABELS, type NewStack } from '../../src/domain/stack.ts';
import type { NewUser, NewUserKey } from '../../src/domain/user.ts';

/** Valid things, of which a test names only what it is about. */

export function user(change: Partial<NewUser> & { readonly name: string }): NewUser {
  return { email: null, role: 'member', passwordHash: null, ...change };
}

export function key(comment: string): NewUserKey {
  const digest = createHash('sha256').update(comment).digest('base64');
  return {
    algorithm: 'ssh-ed25519',
    blob: `AAAA${digest}`,
    fingerprint: `SHA256:${digest.replace(/=+$/, '')}`,
    comment,
  };
}

export function machine(change: Partial<NewMachine> & { readonly name: string }): NewMachine {
  return {
    kind: 'ssh',
    host: `${change.name}.example.org`,
    port: 22,
    login: 'deploy',
    credential: { type: 'none' },
    hostKey: null,
    hostKeyPolicy: 'accept-new',
    recording: 'required',
    tags: {},
    description: '',
    ...change,
  };
}

export function grant(change: Pick<NewGrant, 'to' | 'on'> & Partial<NewGrant>): NewGrant {
  return {
    logins: [],
    allow: ['shell'],
    forwardTo: [],
    fromNetworks: [],
    until: null,
    maxSession: null,
    idleTimeout: null,
    approval: null,
    ...change,
  };
}

export function session(
  change: Partial<NewSession> & Pick<NewSession, 'userId' | 'machineId'>,
): NewSession {
  return {
    userName: 'ada',
    userEmail: null,
    machineName: 'web1',
    machineHost: '10.0.0.5',
    login: 'deploy',
    kind: 'shell',
    node: 'node-a',
    startedAt: new Date('2026-03-01T10:00:00.000Z'),
    ipAddress: '192.0.2.7',
    userAgent: 'SSH-2.0-OpenSSH_9.2',
    approval: null,
    ...change,
  };
}

export function stack(change: Partial<NewStack> & { readonly name: string }): NewStack {
  return {
    kind: 'container',
    engine: 'unix:///nowhere/docker.sock',
    project: change.name,
    stackLabel: COMPOSE_LABELS.stack,
    serviceLabel: COMPOSE_LABELS.service,
    login: 'root',
    recording: 'required',
    sessionLimit: 15,
    overLimit: 'evict-oldest',
    ...change,
  };
}

/** The seal of a part, as far as the database looks at it. */
export function seal(part = 1, end = 90): Seal {
  return { part, end, hash: 'ab'.repeat(32), line: `# seal {"part":${part}} c2lnbmF0dXJl` };
}
