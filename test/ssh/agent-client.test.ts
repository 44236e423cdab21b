import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { duplexPair } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentClient } from '../../src/ssh/agent-client.ts';
import { clientAlgorithms } from '../../src/ssh/algorithms.ts';
import { connectClient } from '../../src/ssh/client.ts';
import { uint32, wireString } from '../../src/ssh/wire.ts';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { makeKey, startSshd, type TestSshd } from '../support/sshd.ts';

/** An agent that answers each question with the next of these, as they are. */
function liar(...answers: readonly Buffer[]): AgentClient {
  const [ours, theirs] = duplexPair();
  const left = [...answers];
  theirs.on('data', () => {
    const answer = left.shift();
    if (answer === undefined) theirs.end();
    else theirs.write(answer);
  });
  return new AgentClient(ours);
}

const key = wireString('ssh-ed25519');

test.each([
  ['goes away', [], 'has gone'],
  ['says that it failed', [wireString(Buffer.of(5))], 'lists no keys'],
  ['says nothing', [wireString('')], 'cut short'],
  ['promises a gigabyte', [uint32(2 ** 30)], 'says too much'],
  ['says two things', [Buffer.concat([wireString(Buffer.of(5)), Buffer.of(0)])], 'unasked'],
  [
    'counts keys that are not there',
    [wireString(Buffer.concat([Buffer.of(12), uint32(9), key]))],
    'cut short',
  ],
  [
    'has a key of a megabyte',
    [wireString(Buffer.concat([Buffer.of(12), uint32(1), uint32(2 ** 20), Buffer.alloc(100)]))],
    'too long',
  ],
])('an agent that %s gives no keys', async (_what, answers, said) => {
  await expect(liar(...answers).identities()).rejects.toThrow(said);
});

test('an agent with more keys than anyone has gives the first of them', async () => {
  const many = Array.from({ length: 100 }, () => [key, wireString('c')]).flat();
  const list = wireString(Buffer.concat([Buffer.of(12), uint32(100), ...many]));
  expect(await liar(list).identities()).toHaveLength(64);
});

test('an agent that does not sign, or signs too long, signs nothing', async () => {
  const blob = Buffer.from('a key');
  await expect(liar(wireString(Buffer.of(5))).sign(blob, blob)).rejects.toThrow('does not sign');
  const long = wireString(Buffer.concat([Buffer.of(14), wireString(randomBytes(20_000))]));
  await expect(liar(long).sign(blob, blob)).rejects.toThrow('too long');
});

needs('sshd', 'ssh-agent').describe('a machine that is logged in to with an agent', () => {
  let files: Scratch;
  let sshd: TestSshd;
  let agent: TestAgent;
  beforeAll(async () => {
    files = scratch();
    const authority = await makeKey(files.join('ca'));
    sshd = await startSshd({ trustedUserCas: [authority] });
    agent = await startAgent(files.join('agent.sock'));
    await makeKey(files.join('nobody'));
    await agent.add(files.join('nobody'));
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    files?.[Symbol.dispose]();
  });

  async function logIn(sign?: (blob: Buffer, data: Buffer) => Promise<Buffer>): Promise<number> {
    const socket = connect({ path: agent.socket });
    const client = new AgentClient(socket);
    const identities = await client.identities();
    try {
      const auth = {
        type: 'agent' as const,
        identities,
        sign: sign ?? ((blob: Buffer, data: Buffer) => client.sign(blob, data)),
      };
      const machine = await connectClient({
        host: sshd.host,
        port: sshd.port,
        username: userInfo().username,
        auth,
        verifyHostKey: () => Promise.resolve(true),
        algorithms: clientAlgorithms({ ciphers: ['aes128-gcm@openssh.com'], failed: [] }),
        readyTimeoutMs: 10_000,
        keepaliveMs: 0,
      });
      const closed = new Promise<void>((resolve) => machine.once('close', () => resolve()));
      machine.end();
      await closed;
      return identities.length;
    } finally {
      socket.destroy();
    }
  }

  test('takes none of its keys, until one is right: a key that is not the first', async () => {
    await expect(logIn()).rejects.toMatchObject({ kind: 'auth' });
    await agent.add(sshd.keyFile);
    expect(await logIn()).toBe(2);
  });

  test('takes the next key when the agent does not sign with one', async () => {
    await expect(logIn(() => Promise.reject(new Error('no')))).rejects.toMatchObject({
      kind: 'auth',
    });
  });

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['RSA', ['-t', 'rsa', '-b', '2048']],
    ['ECDSA', ['-t', 'ecdsa', '-b', '384']],
  ])('takes a certificate of an %s key', async (name, options) => {
    await must(the('ssh-add'), ['-q', '-D'], { env: { SSH_AUTH_SOCK: agent.socket } });
    const file = files.join(name);
    await makeKey(file, ...options);
    const signed = ['-q', '-s', files.join('ca'), '-I', 'it', '-n', userInfo().username];
    await must(the('ssh-keygen'), [...signed, `${file}.pub`]);
    await agent.add(file);
    expect(await logIn()).toBe(2);
  });
});
