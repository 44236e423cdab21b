import type { ServerChannel } from 'ssh2';
import { afterEach, expect, test } from 'vitest';
import { onAgentRequest, onX11Request, type X11Fields } from '../../src/ssh/desk.ts';
import { Replies } from '../../src/ssh/replies.ts';
import { uint32, wireString } from '../../src/ssh/wire.ts';
import { Lab } from './lab.ts';
import { Attacker } from './raw-peer.ts';

const SUCCESS = 99;
const FAILURE = 100;

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.[Symbol.asyncDispose]();
  lab = undefined;
});

const x11 = (cookie = 'ab'.repeat(16)): Buffer =>
  Buffer.concat([
    Uint8Array.of(0),
    wireString('MIT-MAGIC-COOKIE-1'),
    wireString(cookie),
    uint32(0),
  ]);

test('answers go out in the order of their places, each once', () => {
  const sent: boolean[] = [];
  const replies = new Replies((yes) => sent.push(yes));
  const [first, second, third] = [replies.place(), replies.place(), replies.place()];
  second(false);
  third(true);
  expect([sent, replies.waiting]).toEqual([[], 3]);
  first(true);
  first(false);
  second(true);
  expect([sent, replies.waiting]).toEqual([[true, false, true], 0]);
});

test('what is decided late holds the answers behind it, that to the program included', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<{
    readonly info: X11Fields;
    readonly reject: () => void;
  }>();
  const { promise: started, resolve: start } = Promise.withResolvers<ServerChannel>();
  lab = await Lab.start({
    onSession: (session) => {
      onAgentRequest(session, (accept) => accept());
      onX11Request(session, (_accept, reject, info) => resolve({ info, reject }));
      session.on('exec', (accept) => start(accept()));
    },
  });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('x11-req', true, x11());
  attacker.request('auth-agent-req@openssh.com', true);
  attacker.request('env', false, Buffer.concat([wireString('A'), wireString('b')]));
  attacker.request('made-up@example.com', true);
  attacker.request('exec', true, wireString('true'));
  const channel = await started;
  const { info, reject } = await asked;
  expect(info).toEqual({
    single: false,
    protocol: 'MIT-MAGIC-COOKIE-1',
    cookie: 'ab'.repeat(16),
    screen: 0,
  });
  expect(attacker.count(SUCCESS) + attacker.count(FAILURE)).toBe(0);
  reject();
  await attacker.hears(SUCCESS, 2);
  const answers = attacker.payloads
    .map(([type]) => type)
    .filter((type) => type === SUCCESS || type === FAILURE);
  expect(answers).toEqual([FAILURE, SUCCESS, FAILURE, SUCCESS]);
  channel.end();
});

test('a client that piles up requests behind one that waits is cut off', async () => {
  lab = await Lab.start({
    onSession: (session) => {
      onX11Request(session, () => undefined);
      session.on('exec', (accept) => void accept());
    },
  });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('x11-req', true, x11());
  attacker.request('exec', true, wireString('true'));
  for (let one = 0; one < 300; one += 1) attacker.request('made-up@example.com', true);
  await attacker.closed;
  expect(lab.events.some(({ detail }) => detail === 'too many channel requests')).toBe(true);
});

test('an x11-req that is cut short ends the connection', async () => {
  lab = await Lab.start({ onSession: (session) => onX11Request(session, () => undefined) });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('x11-req', true, x11().subarray(0, 30));
  await attacker.closed;
  expect(lab.events.some(({ detail }) => detail === 'bad x11-req')).toBe(true);
});
