import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorizedRoute } from '../../src/domain/access.ts';
import type { HostKeyAnswer, UpstreamCredential } from '../../src/domain/control-plane.ts';
import type { Upstream, UpstreamChannel, UpstreamRequest } from '../../src/domain/upstream.ts';
import { machineAlgorithms } from '../../src/ssh/algorithms.ts';
import { finishChannel } from '../../src/ssh/channel.ts';
import { SshTargets } from '../../src/targets/ssh-target.ts';
import { listeningLog } from '../recorder/lab.ts';
import { Lab } from '../ssh/lab.ts';
import { inside } from '../ssh/raw-peer.ts';
import { within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey, startSshd, type TestSshd } from '../support/sshd.ts';
import { routeTo } from './route.ts';

const ALGORITHMS = machineAlgorithms({
  ciphers: ['aes128-gcm@openssh.com', 'aes256-ctr'],
  failed: [],
});
const asked: { line: string; fingerprint: string }[] = [];

interface Dial {
  readonly credential?: UpstreamCredential;
  readonly hostKey?: HostKeyAnswer | Error;
  readonly signal?: AbortSignal;
}

async function dial(route: AuthorizedRoute, options: Dial = {}): Promise<Upstream> {
  const answer = options.hostKey ?? { outcome: 'trusted' };
  asked.length = 0;
  const targets = new SshTargets({
    control: {
      checkHostKey: (_session, _machine, key) => {
        asked.push(key);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    algorithms: ALGORITHMS,
    log: listeningLog(),
    closeMs: 200,
  });
  const credential = options.credential ?? { type: 'password', password: 'secret' };
  const signal = options.signal ?? new AbortController().signal;
  return targets.connect(route, { sessionId: 1, credential, hops: [] }, signal);
}

const command = (text: string): UpstreamRequest => ({
  program: { type: 'exec', command: text },
  pty: null,
  env: [],
});

async function read(channel: UpstreamChannel): Promise<{ out: string; err: string }> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  channel.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  await within('the exit', channel.exited);
  return { out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

needs('ssh', 'sshd').describe('an OpenSSH machine', () => {
  let sshd: TestSshd;
  let credential: UpstreamCredential;
  beforeAll(async () => {
    sshd = await startSshd();
    credential = { type: 'publickey', privateKey: readFileSync(sshd.keyFile, 'utf8') };
  });
  afterAll(async () => {
    await sshd?.[Symbol.asyncDispose]();
  });

  test('is asked for a program, and says how it ended', async () => {
    const upstream = await dial(routeTo(sshd), { credential });
    expect(asked[0]?.line).toBe(sshd.hostKeyLine);
    const first = await upstream.open(command('echo out; echo err >&2; exit 7'));
    expect(await read(first)).toEqual({ out: 'out\n', err: 'err\n' });
    expect(await first.exited).toEqual({ type: 'code', code: 7 });
    const second = await upstream.open(command('kill -USR1 $$'));
    await read(second);
    expect(await second.exited).toMatchObject({ type: 'signal', signal: 'USR1' });
    upstream.close();
    expect(await upstream.closed).toBe('closed');
  });

  test('whose program reads: the end of stdin is not the end of the channel', async () => {
    const upstream = await dial(routeTo(sshd), { credential });
    const channel = await upstream.open(command('cat; echo end'));
    const done = read(channel);
    channel.stdin.end('text\n');
    expect((await done).out).toBe('text\nend\n');
    upstream.close();
  });

  test('refuses a subsystem that it has not, and goes on', async () => {
    const upstream = await dial(routeTo(sshd), { credential });
    const none: UpstreamRequest = { ...command(''), program: { type: 'subsystem', name: 'none' } };
    await expect(upstream.open(none)).rejects.toMatchObject({ code: 'machine.refused' });
    expect((await read(await upstream.open(command('echo on')))).out).toBe('on\n');
    upstream.close();
  });

  test('that takes another key than ours says so in one sentence', async () => {
    using files = scratch();
    await makeKey(files.join('other'));
    const privateKey = readFileSync(files.join('other'), 'utf8');
    const refused = dial(routeTo(sshd), { credential: { type: 'publickey', privateKey } });
    await expect(refused).rejects.toMatchObject({
      code: 'machine.auth',
      message: 'web1 did not accept the stored credentials for root',
    });
    await expect(
      dial(routeTo(sshd), { credential: { type: 'publickey', privateKey: 'no key' } }),
    ).rejects.toMatchObject({ code: 'machine.auth' });
    await expect(dial(routeTo(sshd), { credential: { type: 'none' } })).rejects.toMatchObject({
      code: 'machine.auth',
    });
  });
});

test('a machine with keys of several types shows the one that is pinned', async () => {
  const pairs = [
    ssh2.utils.generateKeyPairSync('ed25519'),
    ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }),
    ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }),
  ];
  const server = new ssh2.Server({ hostKeys: pairs.map((pair) => pair.private) }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => context.accept());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as { port: number };
  const lines = pairs.map((pair) => pair.public.split(' ').slice(0, 2).join(' '));
  for (const hostKey of lines) {
    const upstream = await dial(routeTo({ port, hostKey }));
    expect(asked.map(({ line }) => line)).toEqual([hostKey]);
    upstream.close();
    await upstream.closed;
  }
  // One that it has not: it is asked about one that it has, which is a changed key.
  const upstream = await dial(routeTo({ port, hostKey: 'ecdsa-sha2-nistp521 AAAA' }));
  expect(lines).toContain(asked[0]?.line);
  upstream.close();
  server.close();
});

describe('a machine', () => {
  let lab: Lab;
  let silent: Server;
  let silentPort = 0;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    lab = await Lab.start({
      onExec: (channel, text) => {
        if (text === 'end') void finishChannel(channel, { status: 0 });
        else channel.write('up');
      },
    });
    silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    silentPort = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    silent?.close();
  });

  test('with a changed host key is not logged in to, and both keys are told', async () => {
    const expected = `ssh-ed25519 ${Buffer.from('the pinned one').toString('base64')}`;
    const refused = dial(routeTo(lab), { hostKey: { outcome: 'changed', expected } });
    await expect(refused).rejects.toMatchObject({
      code: 'machine.host_key',
      params: { machine: 'web1', found: lab.fingerprint },
    });
    await expect(dial(routeTo(lab), { hostKey: { outcome: 'unknown' } })).rejects.toMatchObject({
      code: 'machine.host_key_unknown',
    });
  });

  test('is not logged in to when nobody can say whose key it is', async () => {
    const refused = dial(routeTo(lab), { hostKey: new Error('the store is away') });
    await expect(refused).rejects.toMatchObject({ code: 'machine.unreachable' });
    expect(asked).toHaveLength(1);
  });

  test('with another password says so', async () => {
    const credential = { type: 'password', password: 'wrong' } as const;
    await expect(dial(routeTo(lab), { credential })).rejects.toMatchObject({
      code: 'machine.auth',
    });
  });

  test('that nobody listens for is unreachable, with the reason', async () => {
    const refused = dial(routeTo({ port: 1 }));
    await expect(refused).rejects.toMatchObject({ code: 'machine.unreachable' });
    await expect(refused).rejects.toThrow(/^cannot reach web1: it refused the connection$/);
  });

  test('that says nothing is let go of at once when the dial is called off', async () => {
    const controller = new AbortController();
    const dialled = dial(routeTo({ port: silentPort }), { signal: controller.signal });
    const outcome = expect(dialled).rejects.toMatchObject({ code: 'machine.unreachable' });
    controller.abort();
    await within('the end of the dial', outcome);
    await expect(
      dial(routeTo({ port: silentPort }), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'machine.unreachable' });
  });

  test('that goes away is lost: for what runs, for what is asked then, for the session', async () => {
    const upstream = await dial(routeTo(lab));
    const channel = await upstream.open(command('run'));
    const done = read(channel);
    inside(lab.connections.at(-1)?.connection)._sock.destroy();
    await done;
    expect(await channel.exited).toBeNull();
    expect(await upstream.closed).toBe('lost');
    await expect(upstream.open(command('run'))).rejects.toMatchObject({ code: 'machine.lost' });
  });

  test('that goes away while it is asked is lost', async () => {
    const upstream = await dial(routeTo(lab));
    const opening = upstream.open(command('run'));
    inside(lab.connections.at(-1)?.connection)._sock.destroy();
    await expect(within('an answer', opening)).rejects.toMatchObject({ code: 'machine.lost' });
  });

  test('invariant 3: that never answers a CLOSE is waited for no longer than its deadline', async () => {
    const upstream = await dial(routeTo(lab));
    const channel = await upstream.open(command('run'));
    // The machine's parser sees nothing any more.
    inside(lab.connections.at(-1)?.connection)._sock.pause();
    channel.close();
    channel.close();
    expect(await within('the end', channel.exited, 3000)).toBeNull();
    inside(lab.connections.at(-1)?.connection)._sock.resume();
    upstream.close();
    expect(await within('the end of the connection', upstream.closed)).toBe('closed');
  });

  test('that ends a program at once has told how before anybody asks', async () => {
    const upstream = await dial(routeTo(lab));
    const channel = await upstream.open(command('end'));
    await read(channel);
    expect(await channel.exited).toEqual({ type: 'code', code: 0 });
    upstream.close();
  });
});
