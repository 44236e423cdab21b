import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namedPlace } from '../../src/domain/forward.ts';

type Octets = readonly [number, number, number, number];

const quad = (octets: readonly number[]): string => octets.join('.');
/** Octets from the left of an IPv6 address, as text. */
const six = (octets: readonly number[]): string =>
  Array.from({ length: 8 }, (_, group) =>
    (((octets[2 * group] ?? 0) << 8) | (octets[2 * group + 1] ?? 0)).toString(16),
  ).join(':');
const covers = (entry: string, host: string): boolean =>
  namedPlace([entry], { type: 'tcp', host, port: 80 }) !== null;

const octet = fc.integer({ min: 0, max: 255 });
const anywhere: fc.Arbitrary<Octets> = fc.tuple(octet, octet, octet, octet);
const special: fc.Arbitrary<Octets> = fc.oneof(
  fc.tuple(fc.constantFrom(0, 127), octet, octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.constantFrom<Octets>([100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]),
);
const address = fc.oneof(anywhere, special);
const rest = fc.array(octet, { minLength: 16, maxLength: 16 });

type Carry = (v4: Octets, rest: readonly number[]) => string;

/** Those through which every address of IPv4 is reached that is not special itself. */
const OPEN: Readonly<Record<string, Carry>> = {
  'IPv4-mapped': (v4) => `::ffff:${quad(v4)}`,
  'IPv4-translated': (v4) => `::ffff:0:${quad(v4)}`,
  '6to4': (v4, more) => six([0x20, 0x02, ...v4, ...more.slice(6)]),
  'the server of Teredo': (v4) =>
    six([0x20, 1, 0, 0, ...v4, 0x80, 0, 0xaf, 0xff, 247, 247, 247, 247]),
  'the client of Teredo': ([a, b, c, d], more) =>
    six([0x20, 1, 0, 0, 8, 8, 8, 8, ...more.slice(8, 12), ...[a, b, c, d].map((one) => 255 - one)]),
};

const NAT64: Readonly<Record<string, Carry>> = {
  NAT64: (v4) => `64:ff9b::${quad(v4)}`,
  "NAT64 of one's own, after 48 bits": ([a, b, c, d], more) =>
    six([0, 0x64, 0xff, 0x9b, 0, 1, a, b, 0, c, d, ...more.slice(11)]),
  "NAT64 of one's own, after 56 bits": ([a, b, c, d], more) =>
    six([0, 0x64, 0xff, 0x9b, 0, 1, more[6] ?? 0, a, 0, b, c, d, ...more.slice(12)]),
  "NAT64 of one's own, after 64 bits": (v4, more) =>
    six([0, 0x64, 0xff, 0x9b, 0, 1, more[6] ?? 0, more[7] ?? 0, 0, ...v4, ...more.slice(13)]),
  "NAT64 of one's own, after 96 bits": (v4, more) =>
    six([0, 0x64, 0xff, 0x9b, 0, 1, ...more.slice(6, 12), ...v4]),
};

describe('what carries an address of IPv4 is as special as that', () => {
  test.each(Object.entries(OPEN))('%s', (_, carry) => {
    fc.assert(
      fc.property(address, rest, (v4, more) => {
        expect(covers('*:80', carry(v4, more))).toBe(covers('*:80', quad(v4)));
      }),
    );
  });

  test.each(Object.entries({ ...OPEN, ...NAT64 }))('%s, under any wide entry', (_, carry) => {
    fc.assert(
      fc.property(special, rest, (v4, more) => {
        const host = carry(v4, more);
        for (const entry of ['*:80', '[::]/0:80', '[::ffff:0:0]/96:80', '[::ffff:0:0:0]/96:80']) {
          expect(covers(entry, host)).toBe(false);
        }
        expect(covers(`[${host}]/16:80`, host)).toBe(false);
        expect(covers(`[${host}]:80`, host)).toBe(true);
      }),
    );
  });
});

test.each([
  ['[64:ff9b::]/96:80', '64:ff9b::8.8.8.8', true],
  ['[64:ff9b::]/96:80', '64:ff9b::127.0.0.1', false],
  ['[64:ff9b::127.0.0.0]/104:80', '64:ff9b::127.0.0.1', true],
  ['[64:ff9b:1::]/96:80', '64:ff9b:1::8.8.8.8', true],
  ['[64:ff9b:1::]/96:80', '64:ff9b:1::169.254.169.254', false],
  ['[64:ff9b:1::]/48:80', '64:ff9b:1::8.8.8.8', true],
  ['[64:ff9b:1::]/48:80', '64:ff9b:1:808:8:800::', true],
  ['[64:ff9b:1::]/48:80', '64:ff9b:1:a9fe:a9:fe00::', false],
  ['[64:ff9b:1::]/48:80', '64:ff9b:1:7f:0:100::', false],
  ['[2002:7f00::]/24:80', '2002:7f00:1::1', true],
  ['[2002::]/16:80', '2002:7f00:1::1', false],
  ['[2002::]/16:80', '2002:808:808::1', true],
])('%s covers %s: %s', (entry, host, answer) => {
  expect(covers(entry, host)).toBe(answer);
});
