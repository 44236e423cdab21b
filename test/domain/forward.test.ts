import { describe, expect, test } from 'vitest';
import type { Terms } from '../../src/domain/access.ts';
import { parseAddress } from '../../src/domain/address.ts';
import type { Capability } from '../../src/domain/capability.ts';
import {
  forwardPermission,
  isForwardTo,
  listenPermission,
  namedPlace,
  placeText,
} from '../../src/domain/forward.ts';

const NOW = new Date('2026-01-01T00:00:00Z');

function tcp(host: string, port = 80) {
  return { type: 'tcp', host, port } as const;
}

function unix(path: string) {
  return { type: 'unix', path } as const;
}

function terms(allow: readonly Capability[], forwardTo: readonly string[], more = {}): Terms {
  const limits = { until: null, maxSession: null, idleTimeout: null, shellIntegration: false };
  return { grantId: 1, allow, forwardTo, ...limits, ...more };
}

describe('what an entry of forward_to names', () => {
  test.each([
    ['10.0.0.5:80', '10.0.0.5'],
    ['10.0.0.5:80', '::ffff:10.0.0.5'],
    ['10.0.0.5:80', '::ffff:a00:5'],
    ['[::ffff:10.0.0.0]/120:80', '10.0.0.5'],
    ['10.0.0.5:*', '10.0.0.5'],
    ['10.0.0.0/24:80', '10.0.0.255'],
    ['0.0.0.0/0:80', '8.8.8.8'],
    ['*:80', '8.8.8.8'],
    ['*:*', '2001:db8::1'],
    ['[2001:db8::]/32:80', '2001:DB8::1'],
    ['[2001:db8::1]:80', '2001:db8:0:0:0:0:0:1'],
    ['db.internal:80', 'DB.Internal'],
    ['db.internal:80', 'db.internal.'],
    ['*.internal:80', 'a.b.internal'],
    ['localhost:80', 'localhost'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['127.0.0.0/8:80', '127.9.9.9'],
    ['[::1]:80', '::1'],
    ['169.254.169.254:80', '169.254.169.254'],
    ['169.254.0.0/16:80', '169.254.169.254'],
    ['[fd00:ec2::254]:80', 'fd00:ec2::254'],
    ['[fe80::]/10:80', 'fe80::1'],
  ])('%s covers %s', (entry, host) => {
    expect(isForwardTo(entry)).toBe(true);
    expect(namedPlace([entry], tcp(host))).toEqual(tcp(host));
  });

  test.each([
    ['10.0.0.5:81', '10.0.0.5'],
    ['10.0.0.5:80', '10.0.0.6'],
    ['10.0.0.0/24:80', '10.0.1.0'],
    ['10.0.0.0/8:80', 'db.internal'],
    ['*:80', 'db.internal'],
    ['*:80', 'localhost'],
    ['0.0.0.0/0:80', '2001:db8::1'],
    ['*.internal:80', 'internal'],
    ['*.internal:80', 'evilinternal'],
    ['db.internal:80', 'db.internal.evil.example'],
    ['db.internal:80', 'db.internal..'],
    ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.169.254', '100.100.100.200'].flatMap(
      (host) => [
        ['*:80', host],
        ['0.0.0.0/0:80', host],
      ],
    ),
    ['168.0.0.0/6:80', '168.63.129.16'],
    ['126.0.0.0/7:80', '127.0.0.1'],
    ...['::1', '::', 'fe80::1', 'fd00:ec2::254', '::127.0.0.1', '64:ff9b::7f00:1'].flatMap(
      (host) => [
        ['*:80', host],
        ['[::]/0:80', host],
      ],
    ),
    ['*:80', '::ffff:127.0.0.1'],
    ['*:80', '::ffff:169.254.169.254'],
    // What a resolver of the machine would take for an address, and what is no name at all.
    ...['127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.01', '010.0.0.5', '0x7f.1'].map(
      (host) => ['*:80', host],
    ),
    ['127.1:80', '127.1'],
    ['*:80', 'fe80::1%eth0'],
    ['*:80', ''],
    ['*:80', '*'],
    ['*.internal:80', 'a b.internal'],
    ['*.internal:80', 'a\0.internal'],
    ['*.internal:80', '\u0430.internal'],
  ])('%s does not cover %j', (entry, host) => {
    expect(namedPlace([entry], tcp(host))).toBeNull();
  });

  test('localhost is the loopback address that is named, and dialled as such', () => {
    expect(namedPlace(['127.0.0.1:80'], tcp('LocalHost'))).toEqual(tcp('127.0.0.1'));
    expect(namedPlace(['[::1]:80'], tcp('localhost'))).toEqual(tcp('::1'));
    expect(namedPlace(['127.0.0.1:81'], tcp('localhost'))).toBeNull();
  });

  test('a socket is named by its exact path', () => {
    expect(namedPlace(['unix:/run/a.sock'], unix('/run/a.sock'))).toEqual(unix('/run/a.sock'));
    for (const path of ['/run/b.sock', '/run/../run/a.sock', '/run//a.sock', 'run/a.sock', '']) {
      expect(namedPlace(['unix:/run/a.sock', '*:*'], unix(path))).toBeNull();
    }
  });

  test.each([0, 65_536, 4_294_967_295])('port %i is no destination', (port) => {
    expect(namedPlace(['*:*', '10.0.0.5:*'], tcp('10.0.0.5', port))).toBeNull();
  });

  test.each([
    'anywhere',
    '10.0.0.5',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '10.0.0.0/33:80',
    '::1:80',
    '[10.0.0.5]:80',
    '[::1:80',
    '127.1:80',
    'a b:80',
    'unix:relative',
    `unix:/${'x'.repeat(107)}`,
    ':80',
    '**:80',
    'a.*.b:80',
  ])('%j is no entry', (text) => {
    expect(isForwardTo(text)).toBe(false);
  });
});

test.each([
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '::1.2.3',
  '12345::',
  'g::',
])('%s is no address', (text) => {
  expect(parseAddress(text)).toBeNull();
});

describe('what the grants of a route allow', () => {
  test('nothing without the capability, and nothing that is not named', () => {
    const without = { terms: [terms(['shell'], ['10.0.0.5:80'])] };
    expect(forwardPermission(without, tcp('10.0.0.5'), NOW)).toMatchObject({
      code: 'access.capability',
    });
    const empty = { terms: [terms(['forward-local'], [])] };
    expect(forwardPermission(empty, tcp('10.0.0.5'), NOW)).toMatchObject({
      code: 'access.destination',
    });
  });

  test('no grant lends its destinations or its time to another', () => {
    const past = new Date(NOW.getTime() - 1);
    const route = {
      terms: [
        terms(['shell'], ['10.0.0.5:80']),
        terms(['forward-local'], ['10.0.0.6:80'], { maxSession: 60 }),
        terms(['forward-local'], ['10.0.0.7:80'], { maxSession: 600 }),
        terms(['forward-local'], ['10.0.0.8:80'], { until: past }),
      ],
    };
    expect(forwardPermission(route, tcp('10.0.0.5'), NOW)).toMatchObject({ allowed: false });
    expect(forwardPermission(route, tcp('10.0.0.8'), NOW)).toMatchObject({ allowed: false });
    expect(forwardPermission(route, tcp('10.0.0.6'), NOW)).toMatchObject({
      allowed: true,
      limits: { maxSession: 60 },
    });
  });

  test('a listener on loopback needs the capability alone, any other has to be named', () => {
    const route = (forwardTo: readonly string[]) => ({
      terms: [terms(['forward-remote'], forwardTo)],
    });
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      expect(listenPermission(route([]), tcp(host, 0), NOW)).toMatchObject({ allowed: true });
      expect(listenPermission({ terms: [] }, tcp(host), NOW)).toMatchObject({ allowed: false });
    }
    for (const host of ['', '*', '0.0.0.0', '10.0.0.5', 'web1', '::']) {
      expect(listenPermission(route([]), tcp(host), NOW)).toMatchObject({ allowed: false });
    }
    const named = route(['0.0.0.0:80', '10.0.0.5:*', 'unix:/run/a.sock']);
    expect(listenPermission(named, tcp(''), NOW)).toMatchObject({ allowed: true, to: tcp('') });
    expect(listenPermission(named, tcp('', 0), NOW)).toMatchObject({ allowed: false });
    expect(listenPermission(named, tcp('10.0.0.5', 0), NOW)).toMatchObject({ allowed: true });
    expect(listenPermission(named, unix('/run/a.sock'), NOW)).toMatchObject({ allowed: true });
    expect(listenPermission(named, unix('/run/b.sock'), NOW)).toMatchObject({ allowed: false });
  });
});

test('places are written as in forward_to', () => {
  expect([tcp('10.0.0.5'), tcp('::1'), unix('/a')].map(placeText)).toEqual([
    '10.0.0.5:80',
    '[::1]:80',
    'unix:/a',
  ]);
});
