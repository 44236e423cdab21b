import { describe, expect, test } from 'vitest';
import {
  type AccessRequest,
  type AuthorizedRoute,
  decide,
  type Limits,
  permission,
} from '../../src/domain/access.ts';
import { CAPABILITIES, type Capability } from '../../src/domain/capability.ts';
import type { Grant } from '../../src/domain/grant.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { randomNumbers } from '../recorder/lab.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const LATER = new Date('2026-03-01T10:00:01Z');

const MACHINE: Machine = {
  id: 1,
  name: 'web1',
  kind: 'ssh',
  container: null,
  host: '10.0.0.5',
  port: 22,
  login: 'deploy',
  authType: 'none',
  hostKey: null,
  hostKeyPolicy: 'accept-new',
  algorithms: 'modern',
  jump: null,
  recording: 'required',
  retention: null,
  indexed: true,
  recordInput: false,
  tags: { env: 'prod' },
  description: '',
  lastConnectedAt: null,
  createdAt: NOW,
  updatedAt: NOW,
};

let lastId = 0;

function grant(more: Partial<Grant> = {}): Grant {
  lastId += 1;
  return {
    id: lastId,
    createdAt: NOW,
    to: { userId: 1 },
    on: { machineId: 1 },
    logins: [],
    allow: ['shell'],
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
    ...more,
  };
}

function asked(grants: readonly Grant[], more: Partial<AccessRequest> = {}): AccessRequest {
  return {
    userId: 1,
    groups: [7],
    grants,
    machine: MACHINE,
    login: null,
    sourceAddress: '192.0.2.1',
    secondFactor: false,
    now: NOW,
    inNetwork: (address, network) => address.startsWith(network),
    ...more,
  };
}

/** The code of the refusal, or the login that is allowed. */
function verdict(grants: readonly Grant[], more: Partial<AccessRequest> = {}): string {
  const decision = decide(asked(grants, more));
  return decision.allowed ? decision.route.login : decision.code;
}

function routeOf(grants: readonly Grant[], more: Partial<AccessRequest> = {}): AuthorizedRoute {
  const decision = decide(asked(grants, more));
  if (!decision.allowed) throw new Error(decision.code);
  return decision.route;
}

describe('the access decision', () => {
  test.each<[string, string, readonly Partial<Grant>[], Partial<AccessRequest>?]>([
    ['no grant', 'access.unknown_machine', []],
    ['one to somebody else', 'access.unknown_machine', [{ to: { userId: 2 } }]],
    ['one to a group of others', 'access.unknown_machine', [{ to: { groupId: 1 } }]],
    ['one to a group whose number is the user', 'access.unknown_machine', [{ to: { groupId: 1 } }]],
    ['one to the group of the user', 'deploy', [{ to: { groupId: 7 } }]],
    ['one on another machine', 'access.unknown_machine', [{ on: { machineId: 2 } }]],
    ['one on the tag', 'deploy', [{ on: { tag: { key: 'env', value: 'prod' } } }]],
    ['another value', 'access.unknown_machine', [{ on: { tag: { key: 'env', value: 'dev' } } }]],
    ['another tag', 'access.unknown_machine', [{ on: { tag: { key: 'site', value: 'prod' } } }]],
    [
      'a tag that every object has',
      'access.unknown_machine',
      [{ on: { tag: { key: 'constructor', value: 'function Object() { [native code] }' } } }],
    ],
    ['one to see it alone', 'access.read_only', [{ level: 'read_only', allow: [] }]],
    ['one to see it alone, whatever it allows', 'access.read_only', [{ level: 'read_only' }]],
    ['one to see it alone, and one to enter', 'deploy', [{ level: 'read_only' }, {}]],
    [
      'one to see it, and an expired one',
      'access.expired',
      [{ level: 'read_only' }, { until: NOW }],
    ],
    ['one that ends later', 'deploy', [{ until: LATER }]],
    ['one that ends now', 'access.expired', [{ until: NOW }]],
    ['one for this network', 'deploy', [{ fromNetworks: ['10.', '192.0.2.'] }]],
    ['one for others', 'access.network', [{ fromNetworks: ['10.'] }]],
    ['the default login, named', 'deploy', [{}], { login: 'deploy' }],
    ['another login', 'access.login', [{}], { login: 'root' }],
    ['a login that the grant names', 'root', [{ logins: ['root'] }], { login: 'root' }],
    ['the default login where others are named', 'access.login', [{ logins: ['root'] }]],
    ['both', 'root', [{}, { logins: ['root'] }], { login: 'root' }],
    [
      'an expired one that named it',
      'access.login',
      [{}, { logins: ['root'], until: NOW }],
      { login: 'root' },
    ],
    [
      'a far one that named it',
      'access.login',
      [{}, { logins: ['root'], fromNetworks: ['10.'] }],
      { login: 'root' },
    ],
    ['one that demands a second factor', 'access.mfa', [{ mfa: true }]],
    ['one that demands it, with it', 'deploy', [{ mfa: true }], { secondFactor: true }],
    ['one that demands it and one that does not', 'deploy', [{ mfa: true }, {}]],
    ['a user who must have one', 'access.mfa', [{}], { mfa: true }],
    ['a user who must have one, with it', 'deploy', [{}], { mfa: true, secondFactor: true }],
    ['a login that differs in case', 'access.login', [{ logins: ['root'] }], { login: 'Root' }],
  ])('%s: %s', (_what, expected, grants, more = {}) => {
    expect(verdict(grants.map(grant), more)).toBe(expected);
  });

  test('a refusal names the machine, and the login where that is why', () => {
    expect(decide(asked([grant()], { login: 'root' }))).toEqual({
      allowed: false,
      code: 'access.login',
      params: { machine: 'web1', login: 'root' },
    });
  });

  test('the route is for exactly this user, machine and login, with the terms of each grant', () => {
    const far = grant({ fromNetworks: ['10.'], allow: ['exec'] });
    const near = grant({ maxSession: 60, allow: ['shell', 'sftp'] });
    const route = routeOf([far, near]);
    expect([route.userId, route.machine, route.login]).toEqual([1, MACHINE, 'deploy']);
    expect(route.terms).toEqual([
      {
        grantId: near.id,
        allow: ['shell', 'sftp'],
        forwardTo: [],
        shellIntegration: false,
        until: null,
        maxSession: 60,
        idleTimeout: null,
      },
    ]);
  });
});

describe('what a route permits', () => {
  const free: Limits = { until: null, maxSession: null, idleTimeout: null };

  test('is what some grant names, and nothing else', () => {
    const route = routeOf([grant({ allow: ['shell'] }), grant({ allow: ['sftp'] })]);
    const named = CAPABILITIES.filter((one) => typeof permission(route, one, NOW) !== 'string');
    expect(named).toEqual(['shell', 'sftp']);
    expect(permission(route, 'exec', NOW)).toBe('access.capability');
    expect(permission(routeOf([grant({ allow: [] })]), 'shell', NOW)).toBe('access.capability');
  });

  test('has the widest limits of those that name it; no grant stretches another', () => {
    const tight = grant({ allow: ['shell'], until: LATER, maxSession: 60, idleTimeout: 10 });
    const loose = grant({ allow: ['sftp'] });
    const longer = grant({
      allow: ['shell'],
      forwardTo: [],
      until: new Date(LATER.getTime() + 1),
      idleTimeout: 5,
    });
    const route = routeOf([tight, loose, longer]);
    expect(permission(route, 'sftp', NOW)).toEqual(free);
    expect(permission(route, 'shell', NOW)).toEqual({
      until: longer.until,
      maxSession: null,
      idleTimeout: 10,
    });
    expect(permission(routeOf([tight, loose]), 'shell', NOW)).toEqual({
      until: LATER,
      maxSession: 60,
      idleTimeout: 10,
    });
  });

  test('ends with the grant, also on a session that lives', () => {
    const route = routeOf([grant({ until: LATER }), grant({ allow: ['exec'] })]);
    expect(permission(route, 'shell', NOW)).toEqual({ ...free, until: LATER });
    expect(permission(route, 'shell', LATER)).toBe('access.expired');
    expect(permission(route, 'exec', LATER)).toEqual(free);
  });
});

describe('whatever the grants are', () => {
  const random = randomNumbers(20_260_301);
  const oneOf = <T>(values: readonly [T, ...T[]]): T => values[random(values.length)] ?? values[0];

  function anyGrant(): Grant {
    return grant({
      to: oneOf([{ userId: 1 }, { userId: 2 }, { groupId: 7 }, { groupId: 8 }]),
      on: oneOf([
        { machineId: 1 },
        { machineId: 2 },
        { tag: { key: 'env', value: 'prod' } },
        { tag: { key: 'env', value: 'dev' } },
      ]),
      logins: oneOf([[], ['root'], ['deploy', 'root'], ['deploy']]),
      allow: CAPABILITIES.filter(() => random(3) === 0),
      fromNetworks: oneOf([[], ['192.0.2.'], ['10.']]),
      until: oneOf([null, NOW, LATER]),
      maxSession: oneOf([null, 10, 20]),
      idleTimeout: oneOf([null, 5, 9]),
    });
  }

  /** Everything that these grants allow, as comparable numbers; what is not allowed is missing. */
  function allowed(grants: readonly Grant[], login: string): Map<Capability, number[]> {
    const decision = decide(asked(grants, { login }));
    const all = new Map<Capability, number[]>();
    if (!decision.allowed) return all;
    for (const one of CAPABILITIES) {
      const limits = permission(decision.route, one, NOW);
      if (typeof limits === 'string') continue;
      const { until, maxSession, idleTimeout } = limits;
      const sizes = [until?.getTime() ?? null, maxSession, idleTimeout];
      all.set(
        one,
        sizes.map((size) => size ?? Number.POSITIVE_INFINITY),
      );
    }
    return all;
  }

  test('to take one away never allows more, nor for longer', () => {
    for (let round = 0; round < 2000; round += 1) {
      const grants = Array.from({ length: 1 + random(5) }, anyGrant);
      const login = oneOf(['root', 'deploy', 'nobody']);
      const before = allowed(grants, login);
      const taken = random(grants.length);
      const after = allowed(
        grants.filter((_, index) => index !== taken),
        login,
      );
      for (const [capability, sizes] of after) {
        const was = before.get(capability);
        expect(was).toBeDefined();
        for (const [index, size] of sizes.entries()) {
          expect(size).toBeLessThanOrEqual(was?.[index] ?? -1);
        }
      }
    }
  });

  test('nothing is allowed that no single grant allows alone', () => {
    for (let round = 0; round < 1000; round += 1) {
      const grants = Array.from({ length: 1 + random(5) }, anyGrant);
      const login = oneOf(['root', 'deploy', 'nobody']);
      for (const capability of allowed(grants, login).keys()) {
        expect(grants.some((one) => allowed([one], login).has(capability))).toBe(true);
      }
    }
  });
});
