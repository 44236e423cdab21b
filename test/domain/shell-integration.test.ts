import { describe, expect, test } from 'vitest';
import { decide, shellToMark } from '../../src/domain/access.ts';
import type { Grant, NewGrant } from '../../src/domain/grant.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { routeTo } from '../targets/route.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const MACHINE: Machine = { ...routeTo({}).machine, shellIntegration: 'zsh' };
const SOON = new Date(NOW.getTime() + 1000);

function grant(id: number, more: Partial<NewGrant> = {}): Grant {
  const limits = { fromNetworks: [], until: null, maxSession: null, idleTimeout: null };
  const none = {
    mfa: false,
    endOnAlert: false,
    shellIntegration: false,
    approval: null,
    level: null,
  };
  const ends = { to: { userId: 1 }, on: { machineId: MACHINE.id } };
  const rest = { logins: [], allow: ['shell'] as const, forwardTo: [] };
  return { id, createdAt: NOW, ...ends, ...rest, ...limits, ...none, ...more };
}

/** What is put into a shell under these grants, decided now, at `at`. */
function marked(grants: readonly Grant[], machine = MACHINE, at = NOW) {
  const decision = decide({
    userId: 1,
    groups: [],
    grants,
    machine,
    login: null,
    sourceAddress: '192.0.2.1',
    secondFactor: false,
    now: NOW,
    inNetwork: () => false,
  });
  if (!decision.allowed) throw new Error(decision.code);
  return shellToMark(decision.route, at);
}

describe('marks are put into a shell', () => {
  const says = { shellIntegration: true };

  test('where the machine says which it is, and one grant that they may be', () => {
    expect(marked([grant(1, says)])).toBe('zsh');
    expect(marked([grant(1), grant(2, says)])).toBe('zsh');
    expect(marked([grant(1)])).toBeNull();
    expect(marked([grant(1, says)], { ...MACHINE, shellIntegration: null })).toBeNull();
    const { shellIntegration: _, ...unsaid } = MACHINE;
    expect(marked([grant(1, says)], unsaid)).toBeNull();
  });

  test.each<[string, Partial<NewGrant>]>([
    ['of something else', { allow: ['exec', 'sftp'] }],
    ['of somebody else', { to: { userId: 2 } }],
    ['on another machine', { on: { machineId: MACHINE.id + 1 } }],
    ['for another login', { logins: ['other'] }],
    ['that has ended', { until: NOW }],
    ['that waits for an approval', { approval: { userId: 3 } }],
    ['that wants a second factor', { mfa: true }],
  ])('not by a grant %s', (_, more) => {
    expect(marked([grant(1), grant(2, { ...says, ...more })])).toBeNull();
  });

  test('not once the grant that says so has ended', () => {
    const grants = [grant(1), grant(2, { ...says, until: SOON })];
    expect(marked(grants)).toBe('zsh');
    expect(marked(grants, MACHINE, SOON)).toBeNull();
  });
});
