import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { connectClient } from '../../src/ssh/client.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { upstream } from './lab.ts';
import { inside } from './raw-peer.ts';

/** A machine from before RFC 8308, which does not say what signatures it takes; what it was asked. */
async function oldMachine() {
  const asked: string[] = [];
  const sockets = new Set<() => void>();
  const server = new ssh2.Server({ hostKeys: [generateHostKey().privatePem] }, (connection) => {
    const protocol = inside(connection)._protocol;
    const done = protocol._onHandshakeComplete;
    protocol._onHandshakeComplete = (negotiated) => {
      if (protocol._kex) protocol._kex.remoteExtInfoEnabled = false;
      done(negotiated);
    };
    sockets.add(() => connection.end());
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      if (context.method === 'publickey') asked.push(context.hashAlgo ?? 'sha1');
      context.reject(['publickey']);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    asked,
    port: typeof address === 'object' && address ? address.port : 0,
    [Symbol.dispose]() {
      for (const end of sockets) end();
      server.close();
    },
  };
}

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});

test.each([
  [true, /^sha1$/],
  [undefined, /^sha(256|512)$/],
])(
  'with sha1Signatures %s an RSA key is to sign for a silent machine with %s',
  async (allowed, hashes) => {
    using machine = await oldMachine();
    const options = upstream(machine.port, {
      auth: { type: 'publickey', privateKey },
      ...(allowed === undefined ? {} : { sha1Signatures: allowed }),
    });
    await expect(connectClient(options)).rejects.toMatchObject({ kind: 'auth' });
    expect(machine.asked.length).toBeGreaterThan(0);
    for (const hash of machine.asked) expect(hash).toMatch(hashes);
  },
);
