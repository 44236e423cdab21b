import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import ssh2, { type AuthContext } from 'ssh2';
import { expect, test } from 'vitest';
import { connectClient, type UpstreamHostKey } from '../../src/ssh/client.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { bothLegs, Lab, upstream } from './lab.ts';
import { inject, inside, within } from './raw-peer.ts';

/** A machine that says `bytes` to each caller and then nothing. */
async function saying(bytes: string | Buffer) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (bytes.length > 0) socket.write(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('nobody listens: refused; no such name: unreachable', async () => {
  let port = 0;
  {
    await using machine = await saying('');
    port = machine.port;
  }
  await expect(connectClient(upstream(port))).rejects.toMatchObject({ kind: 'refused' });
  const nowhere = connectClient(upstream(22, { host: 'no-such-host.invalid' }));
  await expect(nowhere).rejects.toMatchObject({ name: 'UpstreamError', kind: 'unreachable' });
});

test.each([
  ['silence', ''],
  ['an ident and then silence', 'SSH-2.0-machine\r\n'],
])('a machine that answers with %s: timeout', async (_, bytes) => {
  await using machine = await saying(bytes);
  const dial = connectClient(upstream(machine.port, { readyTimeoutMs: 150 }));
  await expect(dial).rejects.toMatchObject({ kind: 'timeout' });
});

test.each([
  ['an endless ident', `SSH-2.0-${'x'.repeat(400)}`],
  ['an endless greeting', 'blah\r\n'.repeat(4_000)],
  ['an escape sequence as ident', 'SSH-2.0-\x1b]0;evil\x07\r\n'],
  [
    'garbage after the ident',
    Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(99, 0xff)]),
  ],
])('a machine that answers with %s: protocol', async (_, bytes) => {
  await using machine = await saying(bytes);
  const error = await connectClient(upstream(machine.port)).catch((caught: Error) => caught);
  expect(error).toMatchObject({ kind: 'protocol' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
  expect(String(error)).not.toMatch(/[\x00-\x1f]/);
});

test('a dial can be called off', async () => {
  await using machine = await saying('');
  const controller = new AbortController();
  const dial = connectClient(upstream(machine.port, { signal: controller.signal }));
  controller.abort();
  await expect(dial).rejects.toMatchObject({ kind: 'aborted' });
});

test('the host key is asked about once, before anything secret is sent; no means no', async () => {
  let attempts = 0;
  await using lab = await Lab.start({
    onAuth: (context) => {
      attempts += 1;
      context.accept();
    },
  });
  const asked: UpstreamHostKey[] = [];
  const verify = (answer: () => Promise<boolean>) => ({
    verifyHostKey: (key: UpstreamHostKey) => {
      asked.push(key);
      return answer();
    },
  });
  const no = connectClient(
    upstream(
      lab.port,
      verify(() => Promise.resolve(false)),
    ),
  );
  await expect(no).rejects.toMatchObject({ kind: 'host-key' });
  const broken = connectClient(
    upstream(
      lab.port,
      verify(() => Promise.reject(new Error('store'))),
    ),
  );
  await expect(broken).rejects.toMatchObject({ kind: 'host-key' });
  expect(attempts).toBe(0);
  const client = await connectClient(
    upstream(
      lab.port,
      verify(() => Promise.resolve(true)),
    ),
  );
  expect(asked).toHaveLength(3);
  expect(asked[2]).toMatchObject({ algorithm: 'ssh-ed25519' });
  expect(asked[2]?.fingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
  const closed = once(client, 'close');
  const again = once(client, 'handshake');
  inside(client)._protocol.rekey();
  await within(again, 'a re-key');
  expect(asked).toHaveLength(3);
  client.end();
  await within(closed, 'close');
});

test('a wrong password: auth, after one attempt', async () => {
  const methods: string[] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      methods.push(context.method);
      context.reject(['password', 'publickey', 'keyboard-interactive']);
    },
  });
  await expect(connectClient(upstream(lab.port))).rejects.toMatchObject({ kind: 'auth' });
  expect(methods).toEqual(['password']);
});

test('where only prompts are offered, a single hidden one gets the password', async () => {
  const answers: string[][] = [];
  const onAuth = (context: AuthContext) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
    context.prompt([{ prompt: 'Password: ', echo: false }], (given) => {
      answers.push(given);
      context.accept();
    });
  };
  await using legs = await bothLegs({ onAuth });
  expect(answers).toEqual([['secret']]);
  expect(legs.errors).toEqual([]);
});

test('a prompt that shows what is typed never gets the password', async () => {
  const answers: string[][] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      if (context.method !== 'keyboard-interactive')
        return context.reject(['keyboard-interactive']);
      context.prompt([{ prompt: 'Name: ', echo: true }], (given) => {
        answers.push(given);
        context.reject([]);
      });
    },
  });
  await expect(connectClient(upstream(lab.port))).rejects.toMatchObject({ kind: 'auth' });
  expect(answers).toEqual([['']]);
});

test('a key signs, RSA with SHA-2 alone; a broken key is told before the dial', async () => {
  const { private: rsa } = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
  const { private: ed25519 } = ssh2.utils.generateKeyPairSync('ed25519');
  const hashes: (string | undefined)[] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      if (context.method !== 'publickey') return context.reject(['publickey']);
      if (context.signature) hashes.push(context.hashAlgo);
      context.accept();
    },
  });
  for (const privateKey of [rsa, ed25519]) {
    const client = await connectClient(
      upstream(lab.port, { auth: { type: 'publickey', privateKey } }),
    );
    const closed = once(client, 'close');
    client.end();
    await within(closed, 'close');
  }
  expect(hashes).toEqual([expect.stringMatching(/^sha(256|512)$/), undefined]);
  const broken = connectClient(
    upstream(lab.port, { auth: { type: 'publickey', privateKey: 'x' } }),
  );
  await expect(broken).rejects.toMatchObject({ kind: 'auth' });
});

test('a machine that asks for millions of answers allocates nothing', async () => {
  await using lab = await Lab.start({
    onAuth: (context, connection) => {
      if (context.method !== 'keyboard-interactive')
        return context.reject(['keyboard-interactive']);
      const empty = wireString('');
      inject(connection, message(60, empty, empty, empty, uint32(0x01fffff0)));
    },
  });
  const before = process.memoryUsage().heapUsed;
  await expect(connectClient(upstream(lab.port))).rejects.toMatchObject({
    kind: 'protocol',
    message: 'too many prompts',
  });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
});

test('a machine that floods banners before authentication is left', async () => {
  await using lab = await Lab.start({
    onAuth: (_, connection) => {
      const banner = message(53, wireString('x'.repeat(20_000)), wireString(''));
      for (let times = 0; times < 5; times++) inject(connection, banner);
    },
  });
  await expect(connectClient(upstream(lab.port))).rejects.toMatchObject({ kind: 'protocol' });
});

test('an error after ready ends in close, with nobody else listening', async () => {
  await using legs = await bothLegs({});
  inject(legs.lab.connections[0]?.connection, message(91, uint32(0)));
  await within(legs.closed, 'close');
});

test('keepalive finds out that a machine is gone', async () => {
  await using legs = await bothLegs({}, { keepaliveMs: 30 });
  inside(legs.lab.connections[0]?.connection)._sock.pause();
  await within(legs.closed, 'close');
  expect(String(legs.errors[0])).toMatch(/Keepalive/);
});
