import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRevocationList } from '../../src/ssh/revocation-list.ts';
import { certify } from '../support/certify.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { makeKey } from '../support/sshd.ts';

needs('ssh-keygen').describe('a key revocation list of ssh-keygen', () => {
  let files: Scratch;
  let ca: string;
  let key: string;
  beforeAll(async () => {
    files = scratch();
    ca = files.join('ca');
    key = files.join('key');
    await makeKey(ca);
    await makeKey(key);
  });
  afterAll(() => files?.[Symbol.dispose]());

  /** What a list made of this is read as. */
  async function read(lines: readonly string[], more: readonly string[] = ['-s', `${ca}.pub`]) {
    const [list, from] = [files.join('list.krl'), files.join('from')];
    writeFileSync(from, `${lines.join('\n')}\n`);
    await must(the('ssh-keygen'), ['-q', '-k', '-f', list, ...more, from]);
    return readRevocationList(readFileSync(list));
  }

  async function fingerprintOf(file: string): Promise<string> {
    const { stdout } = await must(the('ssh-keygen'), ['-l', '-f', `${file}.pub`]);
    return stdout.toString().split(' ')[1] ?? '';
  }

  test('gives serials as they are: alone, as ranges however large, and in whatever form', async () => {
    const authority = await fingerprintOf(ca);
    const serials = async (...lines: string[]) => {
      const found = await read(lines.map((line) => `serial: ${line}`));
      if ('problem' in found) throw new Error(found.problem);
      expect(found.every((one) => one.kind === 'serial' && one.authority === authority)).toBe(true);
      return found.map(({ value }) => value);
    };
    expect(await serials('5')).toEqual(['5']);
    expect(await serials('5', '7', '1000000000000')).toEqual(['5', '7', '1000000000000']);
    expect(await serials('10-9000000')).toEqual(['10-9000000']);
    expect(await serials('1-18446744073709551615')).toEqual(['1-18446744073709551615']);
    // Every third of many: a bitmap.
    const third = Array.from({ length: 200 }, (_, at) => String(1000 + at * 3));
    expect(await serials(...third)).toEqual(third);
    expect(await serials('100', '102-104', '106', '5000-6000')).toEqual([
      ...['100', '102-104', '106', '5000-6000'],
    ]);
  });

  test('gives key ids, of one authority and of any', async () => {
    const authority = await fingerprintOf(ca);
    expect(await read(['id: bob', 'id: old laptop'])).toEqual([
      { kind: 'key_id', value: 'bob', authority },
      { kind: 'key_id', value: 'old laptop', authority },
    ]);
    expect(await read(['id: bob', 'serial: 4'], ['-s', 'none'])).toEqual(
      expect.arrayContaining([
        { kind: 'key_id', value: 'bob', authority: null },
        { kind: 'serial', value: '4', authority: null },
      ]),
    );
  });

  test('gives keys and hashes of keys as fingerprints, and a certificate as its serial', async () => {
    const value = await fingerprintOf(key);
    const expected = [{ kind: 'fingerprint', value, authority: null }];
    const line = readFileSync(`${key}.pub`, 'utf8').trim();
    expect(await read([`key: ${line}`])).toEqual(expected);
    expect(await read([`sha256: ${line}`])).toEqual(expected);
    expect(await read([`hash: ${value}`])).toEqual(expected);
    const certificate = await certify(ca, key, { principals: 'a', serial: 77 });
    expect(await read([certificate])).toMatchObject([{ kind: 'serial', value: '77' }]);
    expect(await read([])).toEqual([]);
  });

  test('is refused by name where it has what is not read', async () => {
    const line = readFileSync(`${key}.pub`, 'utf8').trim();
    expect(await read([`sha1: ${line}`])).toEqual({
      problem: 'has SHA-1 hashes of keys; make them with hash: or sha256:',
    });
    const header = Buffer.alloc(8 + 4 + 24 + 8);
    header.write('SSHKRL\n\0', 'latin1');
    header.writeUInt32BE(1, 8);
    const section = (type: number) =>
      readRevocationList(Buffer.concat([header, Buffer.from([type, 0, 0, 0, 0])]));
    expect(readRevocationList(header)).toEqual([]);
    expect(section(4)).toEqual({ problem: expect.stringContaining('is signed') });
    expect(section(255)).toEqual({ problem: 'has an extension' });
    expect(section(9)).toEqual({ problem: 'has a section of type 9, which is not known' });
    expect(readRevocationList(header.subarray(0, 20))).toEqual({ problem: 'is cut short' });
    expect(readRevocationList(Buffer.from('ssh-ed25519 AAAA'))).toEqual({
      problem: 'is no key revocation list',
    });
    header.writeUInt32BE(2, 8);
    expect(readRevocationList(header)).toEqual({ problem: 'is of format 2, which is not known' });
  });
});
