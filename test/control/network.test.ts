import { expect, test } from 'vitest';
import { inNetwork, isNetwork, plainAddress } from '../../src/control/network.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['fe80::1%eth0', 'fe80::1'],
  ['2001:db8::1', '2001:db8::1'],
])('%s is the address %s', (text, address) => {
  expect(plainAddress(text)).toBe(address);
});

test.each(['10.0.0.0/8', '192.0.2.7', '0.0.0.0/0', '::/0', '2001:db8::/32', '::1/128', '::1'])(
  '%s is a network',
  (text) => {
    expect(isNetwork(text)).toBe(true);
  },
);

test.each([
  '',
  '/',
  '/8',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0.0/8 ',
  '10.0.0/8',
  '10.0.0.0/0x8',
  '010.0.0.0/8',
  '::/129',
  'fe80::1%eth0/64',
  'localhost',
  '*',
])('%j is none, and nobody is in it', (text) => {
  expect(isNetwork(text)).toBe(false);
  expect(inNetwork('10.0.0.1', text)).toBe(false);
  expect(inNetwork('fe80::1', text)).toBe(false);
});

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.0.0.0', '10.0.0.0/8', false],
  ['10.0.0.1', '10.0.0.0/32', false],
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '0.0.0.0/0', true],
  ['::ffff:10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '::/0', false],
  ['2001:db8::5', '2001:db8::/32', true],
  ['2001:db9::5', '2001:db8::/32', false],
  ['2001:db8::5', '0.0.0.0/0', false],
  ['fe80::1%eth0', 'fe80::/10', true],
  ['::1', '::1', true],
  ['10.1.2.3', '::ffff:10.0.0.0/104', true],
  ['::ffff:10.1.2.3', '::ffff:a00:0/104', true],
  ['11.1.2.3', '::ffff:10.0.0.0/104', false],
  ['10.1.2.3', '::ffff:10.1.2.3', true],
  ['2001:db8::5', '::ffff:0.0.0.0/96', false],
  ['', '0.0.0.0/0', false],
  ['somewhere', '0.0.0.0/0', false],
])('%s in %s: %s', (address, network, expected) => {
  expect(inNetwork(address, network)).toBe(expected);
});
