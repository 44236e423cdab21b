import { expect, test } from 'vitest';
import type { Terms } from '../../src/domain/access.ts';
import type { Capability } from '../../src/domain/capability.ts';
import { lostBy, programAccess } from '../../src/domain/program-access.ts';
import { scpCommand } from '../../src/domain/scp-command.ts';
import type { Program } from '../../src/domain/terminal.ts';

const NOW = new Date('2026-03-01T10:00:00.000Z');
const SFTP: Program = { type: 'subsystem', name: 'sftp' };
const exec = (command: string): Program => ({ type: 'exec', command });

function terms(allow: readonly Capability[], change: Partial<Terms> = {}): Terms {
  const none = { until: null, maxSession: null, idleTimeout: null, shellIntegration: false };
  return { grantId: 1, allow, forwardTo: [], ...none, ...change };
}

const decide = (program: Program, ...all: readonly Terms[]) =>
  programAccess({ terms: all }, program, NOW);

test.each<[readonly Capability[], Program, string]>([
  [['sftp'], SFTP, 'any'],
  [['upload'], SFTP, 'upload'],
  [['download'], SFTP, 'download'],
  [['upload', 'download'], SFTP, 'any'],
  [['shell', 'exec'], SFTP, 'no sftp'],
  [['sftp'], exec('scp -t /srv'), 'upload'],
  [['upload'], exec('scp -t /srv'), 'upload'],
  [['upload'], exec('scp -f /srv'), 'no download'],
  [['download'], exec('scp -r -f -- /srv/a /srv/b'), 'download'],
  [['download'], exec('scp -t /srv'), 'no upload'],
  [['exec', 'download'], exec('scp -t /srv'), 'any'],
  [['shell'], exec('scp -t /srv'), 'no exec'],
  [['sftp'], exec('scp -f $(id)'), 'no exec'],
  [['sftp', 'upload', 'download'], exec('rsync --server --sender -e.LsfxC . /srv'), 'no exec'],
  [['sftp', 'upload', 'download'], { type: 'shell' }, 'no shell'],
  [['sftp', 'upload', 'download'], { type: 'subsystem', name: 'netconf' }, 'no exec'],
])('with %j, %j is %s', (allow, program, expected) => {
  const decision = decide(program, terms(allow));
  expect(decision.allowed ? decision.ways : `no ${decision.capability}`).toBe(expected);
});

test('both directions from two grants hold as long as the shorter of them', () => {
  const [early, late] = [new Date(NOW.getTime() + 1000), new Date(NOW.getTime() + 9000)];
  const up = terms(['upload'], { until: late, idleTimeout: 60 });
  const down = terms(['download'], { until: early, maxSession: 10 });
  expect(decide(SFTP, up, down)).toMatchObject({
    ways: 'any',
    limits: { until: early, maxSession: 10, idleTimeout: 60 },
  });
  const over = terms(['download'], { until: new Date(NOW.getTime() - 1) });
  expect(decide(SFTP, up, over)).toMatchObject({ ways: 'upload', limits: { until: late } });
});

test('what runs under more than is allowed now has lost it', () => {
  const now = (...allow: readonly Capability[]) => decide(SFTP, terms(allow));
  expect(lostBy('any', now('sftp'))).toBeNull();
  expect(lostBy('any', now('download'))).toBe('sftp');
  expect(lostBy('download', now('sftp'))).toBeNull();
  expect(lostBy('download', now('download'))).toBeNull();
  expect(lostBy('download', now('upload'))).toBe('download');
  expect(lostBy('download', now('shell'))).toBe('sftp');
});

test.each([
  ['scp -t /srv/file', 'upload'],
  ['scp -v -r -p -d -t .', 'upload'],
  ['scp -f ~/a b.c /x@y:z,1+2=3', 'download'],
  ['scp -f -- a', 'download'],
])('%j is scp and nothing else', (command, direction) => {
  expect(scpCommand(exec(command))).toEqual({ direction });
});

test.each([
  'scp -t',
  'scp /srv',
  'scp -tf /srv',
  'scp -t a b',
  'scp -f $(rm -rf x)',
  'scp -f `id`',
  'scp -f a;id',
  'scp -f a|id',
  'scp -f a&id',
  'scp -f a>b',
  'scp -f <b',
  'scp -f a\nid',
  'scp -f a\tb',
  "scp -f 'a b'",
  'scp -f "a"',
  'scp -f a\\ b',
  'scp -f *',
  'scp -f {a,b}',
  'scp -f a?',
  'scp -f [a]',
  'scp -f !1',
  'scp -f #a',
  'scp -f %PATH%',
  'scp -f a^b',
  'scp -f  a',
  'scp -f -- -oProxyCommand=id',
  'scp -f a -S/bin/sh',
  'scp -S /bin/sh -f a',
  'scp -o ProxyCommand=id -f a',
  '/usr/bin/scp -f a',
  'scp -f a\u00e9',
  ' scp -f a',
  'sudo scp -f a',
])('%j is not taken for scp', (command) => {
  expect(scpCommand(exec(command))).toBeNull();
});

test('a command that was not UTF-8 is not taken for scp', () => {
  const program: Program = {
    type: 'exec',
    command: 'scp -f a',
    bytes: Buffer.from('scp -f a\xff'),
  };
  expect(scpCommand(program)).toBeNull();
});
