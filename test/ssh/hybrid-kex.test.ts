import { execFileSync } from 'node:child_process';
import type { KexAlgorithm } from 'ssh2';
import { describe, expect, test } from 'vitest';
import { clientAlgorithms, serverAlgorithms } from '../../src/ssh/algorithms.ts';
import { HYBRID_KEX, HybridKeys, hybridKexWorks } from '../../src/ssh/hybrid-kex.ts';
import { openSession } from '../../src/ssh/pty.ts';
import { find, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { bothLegs, Lab, type LabOptions } from './lab.ts';
import { collect, digest, exec, MIB, pattern } from './output-lab.ts';
import { within } from './raw-peer.ts';

const TESTED = { ciphers: ['aes128-gcm@openssh.com'], failed: [] };
const CLASSIC: KexAlgorithm = 'curve25519-sha256';

/** Notes what each exchange of a connection agreed on. */
function noting(): LabOptions & { readonly agreed: string[] } {
  const agreed: string[] = [];
  return {
    agreed,
    onAuth: (context) => context.accept(),
    onConnection: ({ connection }) => {
      connection.on('handshake', (negotiated) => agreed.push(negotiated.kex));
    },
    onExec: (channel) => {
      channel.pipe(channel);
    },
  };
}

/** What brings ML-KEM to OpenSSH's client. */
function opensshHasIt(): boolean {
  if (find('ssh') === null) return false;
  return execFileSync(the('ssh'), ['-Q', 'kex'], { encoding: 'utf8' }).includes(HYBRID_KEX);
}

test('the hybrid is offered on both legs exactly where this Node has ML-KEM', () => {
  const there = hybridKexWorks();
  const offered = [serverAlgorithms(TESTED).kex, clientAlgorithms(TESTED).kex];
  expect(offered.map((kex) => [kex].flat().includes(HYBRID_KEX as KexAlgorithm))).toEqual([
    there,
    there,
  ]);
  // What the server names first decides about first guesses, and no client guesses this one.
  expect([serverAlgorithms(TESTED).kex].flat()[0]).toBe('curve25519-sha256@libssh.org');
});

describe.skipIf(!hybridKexWorks())('with ML-KEM (Node 24.7 or newer)', () => {
  test('both legs agree on it, through re-keys in the middle of data', async () => {
    const options = noting();
    const limits = { rekeyBytes: MIB };
    await using legs = await bothLegs({ ...options, limits }, { limits });
    const channel = await openSession(legs.client, exec('cat'));
    const bytes = pattern(6 * MIB, 3);
    channel.end(bytes);
    const echoed = await within(collect(channel), 'the echo', 10_000);
    expect(digest(echoed)).toBe(digest(bytes));
    expect(options.agreed.length).toBeGreaterThan(2);
    expect(new Set(options.agreed)).toEqual(new Set([HYBRID_KEX]));
  });

  test('a peer without it gets the classic exchange, on either leg', async () => {
    const options = noting();
    const classic = { ...clientAlgorithms(TESTED), kex: [CLASSIC] };
    await using _older = await bothLegs(options, { algorithms: classic });
    await using _machine = await bothLegs({ ...options, kex: [CLASSIC] });
    expect(options.agreed).toEqual([CLASSIC, CLASSIC]);
  });

  test('the two sides make the same secret of it; a changed value makes another', () => {
    const [client, server] = [new HybridKeys(false), new HybridKeys(true)];
    const init = client.public();
    expect(init).toHaveLength(1184 + 32);
    const secret = server.secret(init);
    const reply = server.public();
    expect(reply).toHaveLength(1088 + 32);
    expect(secret).toHaveLength(32);
    expect(client.secret(reply)).toEqual(secret);
    reply[5] = (reply[5] ?? 0) ^ 1;
    expect(client.secret(reply)).not.toEqual(secret);
  });

  test('public values that are none are refused', () => {
    const init = new HybridKeys(false).public();
    const refuses = (value: Buffer) => () => new HybridKeys(true).secret(value);
    expect(refuses(init.subarray(1))).toThrow(/length/);
    expect(refuses(Buffer.concat([init, Buffer.of(0)]))).toThrow(/length/);
    // Coefficients beyond the modulus (FIPS 203 section 7.2).
    expect(refuses(Buffer.concat([Buffer.alloc(1184, 0xff), init.subarray(1184)]))).toThrow();
    // A point of low order would make X25519 add nothing.
    expect(refuses(Buffer.concat([init.subarray(0, 1184), Buffer.alloc(32)]))).toThrow();
    expect(() => new HybridKeys(true).public()).toThrow();
  });

  const reason = opensshHasIt() ? '' : ' [needs OpenSSH 9.9 or newer]';
  test.skipIf(reason !== '')(`OpenSSH agrees on it by itself${reason}`, async () => {
    const options = noting();
    await using lab = await Lab.start(options);
    const args = ['-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'BatchMode=yes'];
    const rest = ['-o', 'UserKnownHostsFile=/dev/null', '-o', 'RekeyLimit=1M'];
    const where = ['-p', String(lab.port), 'u@127.0.0.1', 'cat'];
    const bytes = pattern(4 * MIB, 9);
    const { sha256 } = await run(the('ssh'), [...args, ...rest, ...where], { input: bytes });
    expect(sha256).toBe(digest(bytes));
    expect(options.agreed.length).toBeGreaterThan(1);
    expect(new Set(options.agreed)).toEqual(new Set([HYBRID_KEX]));
  });
});
