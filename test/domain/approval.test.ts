import { describe, expect, test } from 'vitest';
import {
  type AccessRequest,
  type AuthorizedRoute,
  approvalFor,
  decide,
  permission,
} from '../../src/domain/access.ts';
import { type Approval, isApprover, statusAt } from '../../src/domain/approval.ts';
import type { Capability } from '../../src/domain/capability.ts';
import type { Grant } from '../../src/domain/grant.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { grant, machine } from '../store/examples.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const LEADS = { groupId: 9 };

const MACHINE: Machine = {
  ...machine({ name: 'web1' }),
  ...{
    id: 1,
    authType: 'none',
    jump: null,
    container: null,
    retention: null,
    indexed: true,
    recordInput: false,
    algorithms: 'modern',
    lastConnectedAt: null,
  },
  ...{ createdAt: NOW, updatedAt: NOW },
};

function granted(id: number, allow: readonly Capability[], more: Partial<Grant> = {}): Grant {
  const made = grant({ to: { userId: 1 }, on: { machineId: 1 }, allow });
  return {
    ...made,
    id,
    createdAt: NOW,
    mfa: false,
    endOnAlert: false,
    shellIntegration: false,
    level: null,
    ...more,
  };
}

function routeOf(grants: readonly Grant[], more: Partial<AccessRequest> = {}): AuthorizedRoute {
  const decision = decide({
    ...{ userId: 1, groups: [], grants, machine: MACHINE, login: null, now: NOW },
    ...{ sourceAddress: '192.0.2.1', inNetwork: () => false, secondFactor: false },
    ...more,
  });
  if (!decision.allowed) throw new Error(decision.code);
  return decision.route;
}

/** As a channel asks for it. */
function needs(capability: Capability) {
  return (route: AuthorizedRoute): void => {
    const limits = permission(route, capability, NOW);
    if (typeof limits === 'string') throw new Error(limits);
  };
}

describe('a grant that demands an approval', () => {
  test('allows nothing without it', () => {
    const route = routeOf([granted(1, ['shell'], { approval: LEADS })]);
    expect(route).toMatchObject({ terms: [], onApproval: [{ grantId: 1, by: LEADS }] });
    expect(permission(route, 'shell', NOW)).toBe('access.capability');
  });

  test('allows what it says with its own approval, and with no other', () => {
    const grants = [
      granted(1, ['shell'], { approval: LEADS }),
      granted(2, ['exec'], { approval: LEADS }),
    ];
    const approval = { approvalId: 5, grantId: 1 };
    const route = routeOf(grants, { approval });
    expect(route).toMatchObject({
      approval,
      terms: [{ grantId: 1 }],
      onApproval: [{ grantId: 2 }],
    });
    expect(permission(route, 'shell', NOW)).not.toBeTypeOf('string');
    expect(permission(route, 'exec', NOW)).toBe('access.capability');
  });

  test('adds to what others allow, and takes nothing of it', () => {
    const grants = [granted(1, ['exec']), granted(2, ['sftp'], { approval: LEADS })];
    expect(routeOf(grants).terms.map(({ grantId }) => grantId)).toEqual([1]);
    const approval = { approvalId: 5, grantId: 2 };
    expect(routeOf(grants, { approval }).terms.map(({ grantId }) => grantId)).toEqual([1, 2]);
  });

  test('is over when its time is, approved or not', () => {
    const grants = [granted(1, ['shell'], { approval: LEADS, until: NOW })];
    expect(() => routeOf(grants, { approval: { approvalId: 5, grantId: 1 } })).toThrow(
      'access.expired',
    );
  });
});

describe('what has to be approved', () => {
  const grants = [
    granted(1, ['exec']),
    granted(2, ['sftp'], { approval: LEADS }),
    granted(3, ['shell', 'sftp'], { approval: { userId: 7 } }),
  ];

  test.each<[Capability, number | null]>([
    ['sftp', 2],
    ['shell', 3],
    ['agent', null],
  ])('for %s is the first grant that allows it: %j', (capability, grantId) => {
    expect(approvalFor(routeOf(grants), needs(capability))?.grantId ?? null).toBe(grantId);
  });

  test('takes into account what a sign-in may not', () => {
    const route = routeOf(grants, { withheld: ['sftp'] });
    expect(approvalFor(route, needs('sftp'))).toBeNull();
  });
});

describe('a request', () => {
  const request: Approval = {
    ...{ id: 1, grantId: 2, userId: 1, userName: 'alice', machineId: 1, machineName: 'web1' },
    ...{ login: 'deploy', kind: 'shell', by: LEADS, byName: 'group leads', status: 'pending' },
    ...{ node: 'n', source: '', askedAt: NOW, expiresAt: new Date(NOW.getTime() + 1000) },
    ...{ closedAt: null, decidedBy: null, reason: '' },
  };

  test.each<[string, boolean, Partial<Approval>, { userId: number; groups: readonly number[] }]>([
    ['a member', true, {}, { userId: 7, groups: [9] }],
    ['somebody else', false, {}, { userId: 7, groups: [8] }],
    ['who asked, though a member', false, {}, { userId: 1, groups: [9] }],
    ['the user who is named', true, { by: { userId: 7 } }, { userId: 7, groups: [] }],
    ['who asked, though named', false, { by: { userId: 1 } }, { userId: 1, groups: [] }],
    ['anybody once the approver is gone', false, { by: null }, { userId: 7, groups: [9] }],
  ])('may be decided on by %s: %j', (_who, may, change, viewer) => {
    expect(isApprover({ ...request, ...change }, viewer)).toBe(may);
  });

  test('that is due is not open any more', () => {
    expect(statusAt(request, NOW)).toBe('pending');
    expect(statusAt(request, request.expiresAt)).toBe('expired');
    expect(statusAt({ ...request, status: 'approved' }, request.expiresAt)).toBe('approved');
  });
});

test('no approval stands in for a second factor that is owed', () => {
  const strict = granted(1, ['shell'], { mfa: true, approval: LEADS });
  const plain = granted(2, ['exec'], { approval: LEADS });
  const owing = routeOf([strict, plain]);
  expect(owing.onApproval.map(({ grantId }) => grantId)).toEqual([2]);
  const proven = routeOf([strict, plain], { secondFactor: true });
  expect(proven.onApproval.map(({ grantId }) => grantId)).toEqual([1, 2]);
});
