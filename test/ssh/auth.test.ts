import type { AuthContext } from 'ssh2';
import { expect, test } from 'vitest';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { Lab } from './lab.ts';
import { Attacker, inside, within } from './raw-peer.ts';

const FAILURE = 51;
const INFO_REQUEST = 60;

function ask(user: string, method: string, ...rest: readonly Buffer[]): Buffer {
  return message(50, wireString(user), wireString('ssh-connection'), wireString(method), ...rest);
}

const password = (user: string, text: string) =>
  ask(user, 'password', Buffer.of(0), wireString(text));
const interactive = (user: string) =>
  ask(user, 'keyboard-interactive', wireString(''), wireString(''));

/** An attacker that has its keys and has asked nothing yet. */
async function quiet(port: number): Promise<Attacker> {
  const attacker = new Attacker(port, { authHandler: () => undefined as never });
  attacker.muted.add(FAILURE).add(INFO_REQUEST);
  await attacker.hears(6);
  return attacker;
}

test.each([51, 52, 53, 60])(
  'message %i of a client ends its connection, not the process',
  async (type) => {
    const pending: AuthContext[] = [];
    await using lab = await Lab.start({ onAuth: (context) => pending.push(context) });
    await using attacker = await quiet(lab.port);
    attacker.send(password('u', 'x'), message(type, wireString('x'), Buffer.of(0)));
    await within(attacker.closed, 'the end');
    await lab.tells(/killed a client answered/);
    // The decision that comes too late is the one that used to throw.
    expect(pending).toHaveLength(1);
    expect(() => pending[0]?.reject(['password'])).not.toThrow();
    expect(() => pending[0]?.accept()).not.toThrow();
  },
);

test('an INFO_RESPONSE that claims millions of answers allocates nothing', async () => {
  const contexts: AuthContext[] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      contexts.push(context);
      if (context.method === 'keyboard-interactive') context.prompt('code', () => undefined);
    },
  });
  await using attacker = await quiet(lab.port);
  attacker.send(interactive('u'));
  await attacker.hears(INFO_REQUEST);
  const before = process.memoryUsage().heapUsed;
  attacker.send(message(61, uint32(0x01fffff0)));
  await within(attacker.closed, 'the end');
  await lab.tells(/killed too many responses/);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
});

test('answers must be as many as the prompts, and come after them', async () => {
  const answers: string[][] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject();
      context.prompt(['one', 'two'], (given) => {
        answers.push(given);
        context.reject(['keyboard-interactive']);
      });
    },
  });
  await using honest = await quiet(lab.port);
  honest.send(interactive('u'));
  await honest.hears(INFO_REQUEST);
  honest.send(message(61, uint32(2), wireString('a'), wireString('b')));
  await honest.hears(FAILURE);
  expect(answers).toEqual([['a', 'b']]);
  honest.send(message(61, uint32(2), wireString('a'), wireString('b')));
  await within(honest.closed, 'the end');
  await lab.tells(/responses without prompts/);
});

test('attempts are bounded, a first none is free', async () => {
  await using lab = await Lab.start({ limits: { maxAuthTries: 3 } });
  await using attacker = await quiet(lab.port);
  attacker.send(ask('u', 'none'));
  for (let attempt = 0; attempt < 10; attempt++) attacker.send(password('u', `guess ${attempt}`));
  await within(attacker.closed, 'the end');
  await lab.tells(/killed too many authentication failures/);
  expect(attacker.count(FAILURE)).toBe(4);
});

test('questions whether a key would do are bounded too', async () => {
  await using lab = await Lab.start({
    limits: { maxAuthTries: 2 },
    onAuth: (context) => context.accept(),
  });
  await using attacker = await quiet(lab.port);
  const key = Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.alloc(32))]);
  const query = ask('u', 'publickey', Buffer.of(0), wireString('ssh-ed25519'), wireString(key));
  for (let times = 0; times < 9; times++) {
    attacker.send(query);
    if (times < 8) await attacker.hears(60, times + 1);
  }
  await within(attacker.closed, 'the end');
  await lab.tells(/too many requests/);
});

test('requests sent ahead are decided one at a time, in their order', async () => {
  const seen: string[] = [];
  let open = 0;
  await using lab = await Lab.start({
    onAuth: (context) => {
      if (context.method !== 'password') return context.reject(['password']);
      open += 1;
      expect(open).toBe(1);
      seen.push(context.password);
      setImmediate(() => {
        open -= 1;
        context.reject(['password']);
      });
    },
  });
  await using attacker = await quiet(lab.port);
  attacker.send(...['a', 'b', 'c', 'd'].map((text) => password('u', text)));
  await attacker.hears(FAILURE, 4);
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});

test('too many requests sent ahead end the connection', async () => {
  await using lab = await Lab.start({ onAuth: () => undefined });
  await using attacker = await quiet(lab.port);
  for (let times = 0; times < 12; times++) attacker.send(password('u', 'x'));
  await within(attacker.closed, 'the end');
  await lab.tells(/too many requests at once/);
});

test.each([
  ['a new password', ask('u', 'password', Buffer.of(1), wireString('old'), wireString('new'))],
  ['an unknown method', ask('u', 'gssapi-with-mic', uint32(0))],
])('%s is refused without a word to the application', async (_, request) => {
  const methods: string[] = [];
  await using lab = await Lab.start({
    onAuth: (context) => {
      methods.push(context.method);
      context.reject(['password']);
    },
  });
  await using attacker = await quiet(lab.port);
  attacker.send(request);
  await attacker.hears(FAILURE);
  attacker.send(password('u', 'plain'));
  await attacker.hears(FAILURE, 2);
  expect(methods).toEqual(['password']);
});

test.each([
  [
    'a global request',
    message(80, wireString('tcpip-forward'), Buffer.of(1), wireString(''), uint32(0)),
  ],
  ['a channel open', message(90, wireString('session'), uint32(0), uint32(1024), uint32(1024))],
  ['channel data', message(94, uint32(0), wireString('x'))],
])('%s before authentication ends the connection', async (_, payload) => {
  await using lab = await Lab.start();
  await using attacker = await quiet(lab.port);
  attacker.send(payload);
  await within(attacker.closed, 'the end');
  await lab.tells(/killed not authenticated/);
});

test('a re-key before authentication ends the connection', async () => {
  await using lab = await Lab.start();
  await using attacker = await quiet(lab.port);
  inside(attacker.client)._protocol.rekey();
  await within(attacker.closed, 'the end');
  await lab.tells(/killed re-key before authentication/);
});

test('a client that left is not said to be ready', async () => {
  let context: AuthContext | undefined;
  let ready = false;
  await using lab = await Lab.start({
    onAuth: (asked, connection) => {
      context = asked;
      connection.on('ready', () => {
        ready = true;
      });
    },
  });
  await using attacker = await quiet(lab.port);
  attacker.send(password('u', 'secret'));
  await lab.until(() => lab.connections.length === 1, 'a connection');
  inside(attacker.client)._sock.destroy();
  await within(lab.connections[0]?.closed ?? Promise.reject(new Error('none')), 'the end');
  context?.accept();
  expect(ready).toBe(false);
});

test('the list of signature algorithms is whole, without SHA-1, with pings', async () => {
  await using lab = await Lab.start();
  await using attacker = await quiet(lab.port);
  const text = (await attacker.hears(7)).toString('latin1');
  expect(text).toContain('ecdsa-sha2-nistp521,');
  expect(text).toContain('rsa-sha2-512,rsa-sha2-256');
  expect(text).not.toMatch(/ssh-rsa|ssh-dss/);
  expect(text).toContain('ping@openssh.com');
  attacker.send(message(192, wireString('tick')));
  expect(await attacker.hears(193)).toEqual(message(193, wireString('tick')));
});
