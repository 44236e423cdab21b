import { type AuthorizedRoute, decide } from '../../src/domain/access.ts';
import type { ContainerPlace } from '../../src/domain/container-place.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { PodPlace } from '../../src/domain/pod-place.ts';

const AT = new Date('2026-03-01T10:00:00Z');

/** A decision for a machine on this host, a container or a pod. */
export function routeTo(at: {
  port?: number;
  container?: ContainerPlace;
  pod?: PodPlace;
  login?: string;
  hostKey?: string | null;
}): AuthorizedRoute {
  const machine: Machine = {
    id: 1,
    name: 'web1',
    kind: kindOf(at),
    container: at.container ?? null,
    pod: at.pod ?? null,
    host: '127.0.0.1',
    port: at.port ?? 0,
    login: at.login ?? 'root',
    authType: 'none',
    hostKey: at.hostKey ?? null,
    hostKeyPolicy: 'accept-new',
    algorithms: 'modern',
    jump: null,
    recording: 'off',
    retention: null,
    indexed: true,
    recordInput: false,
    tags: {},
    description: '',
    lastConnectedAt: null,
    createdAt: AT,
    updatedAt: AT,
  };
  const decision = decide({
    userId: 1,
    groups: [],
    grants: [
      {
        id: 1,
        createdAt: AT,
        to: { userId: 1 },
        on: { machineId: 1 },
        logins: [],
        allow: ['exec'],
        forwardTo: [],
        fromNetworks: [],
        until: null,
        maxSession: null,
        idleTimeout: null,
        approval: null,
        mfa: false,
        endOnAlert: false,
        shellIntegration: false,
        level: null,
      },
    ],
    machine,
    login: null,
    sourceAddress: '127.0.0.1',
    secondFactor: false,
    now: AT,
    inNetwork: () => false,
  });
  if (!decision.allowed) throw new Error(decision.code);
  return decision.route;
}

function kindOf(at: { container?: ContainerPlace; pod?: PodPlace }): Machine['kind'] {
  if (at.pod !== undefined) return 'kubernetes';
  return at.container === undefined ? 'ssh' : 'docker';
}
