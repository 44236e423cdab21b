import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hop } from '../../src/domain/control-plane.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { machineAlgorithms } from '../../src/ssh/algorithms.ts';
import { SshTargets } from '../../src/targets/ssh-target.ts';
import { listeningLog } from '../recorder/lab.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { routeTo } from './route.ts';

const ALGORITHMS = machineAlgorithms({ ciphers: ['aes128-gcm@openssh.com'], failed: [] });

needs('sshd').describe('a machine behind a machine', () => {
  let gate: TestSshd;
  let closed: TestSshd;
  let web: TestSshd;
  beforeAll(async () => {
    gate = await startSshd({ more: ['LogLevel DEBUG1'] });
    closed = await startSshd({ more: ['AllowTcpForwarding no'] });
    web = await startSshd({ more: ['LogLevel DEBUG1'] });
  });
  afterAll(async () => {
    for (const sshd of [gate, closed, web]) await sshd?.[Symbol.asyncDispose]();
  });

  const hop = (id: number, name: string, sshd: TestSshd, change: Partial<Hop['machine']> = {}) => ({
    machine: {
      ...{ id, name, host: sshd.host, port: sshd.port, hostKey: null },
      algorithms: 'modern' as const,
      ...change,
    },
    login: sshd.login,
    credential: { type: 'publickey' as const, privateKey: readFileSync(sshd.keyFile, 'utf8') },
  });

  let asked: (readonly [id: number, line: string])[] = [];
  const dial = (
    hops: readonly Hop[],
    options: { distrusted?: number; signal?: AbortSignal; port?: number } = {},
  ): Promise<Upstream> => {
    asked = [];
    const targets = new SshTargets({
      control: {
        checkHostKey: (_session, id, key) => {
          asked.push([id, key.line]);
          const outcome = id === options.distrusted ? 'unknown' : 'trusted';
          return Promise.resolve({ outcome });
        },
      },
      algorithms: ALGORITHMS,
      log: listeningLog(),
    });
    const route = routeTo({ port: options.port ?? web.port, login: web.login });
    const { credential } = hop(1, 'web1', web);
    const signal = options.signal ?? new AbortController().signal;
    return targets.connect(route, { sessionId: 1, credential, hops }, signal);
  };

  /** How many connections have ended on it, which its log says. */
  const ended = (sshd: TestSshd): number =>
    sshd.log().split(/Received disconnect|Connection closed by/).length - 1;

  test('is reached through it, with the key of each looked at, and all goes when it goes', async () => {
    const upstream = await dial([hop(2, 'gate', gate)]);
    expect(asked).toEqual([
      [2, gate.hostKeyLine],
      [1, web.hostKeyLine],
    ]);
    expect(gate.log()).toContain(`direct-tcpip`);
    const channel = await upstream.open({
      program: { type: 'exec', command: 'head -c 3000000 /dev/zero | tr "\\0" x; exit 4' },
      pty: null,
      env: [],
    });
    let bytes = 0;
    channel.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    channel.stderr.resume();
    expect(await within('the exit', channel.exited)).toEqual({ type: 'code', code: 4 });
    expect(bytes).toBe(3_000_000);
    const before = ended(gate);
    upstream.close();
    expect(await within('the end', upstream.closed)).toBe('closed');
    await eventually('the gate was left', () => ended(gate) > before);
  });

  test('may be behind several', async () => {
    const hops = [hop(2, 'gate', gate), hop(3, 'again', gate), hop(4, 'more', gate)];
    const upstream = await dial(hops);
    expect(asked.map(([id]) => id)).toEqual([2, 3, 4, 1]);
    upstream.close();
    expect(await within('the end', upstream.closed)).toBe('closed');
  });

  test.each<[string, () => Promise<Upstream>, string]>([
    [
      'the one in front does not forward',
      () => dial([hop(2, 'closed', closed)]),
      'cannot reach web1: through closed: ',
    ],
    [
      'nobody listens behind it',
      () => dial([hop(2, 'gate', gate)], { port: 1 }),
      'cannot reach web1: through gate: ',
    ],
    [
      'the one in front is not there',
      () => dial([hop(2, 'gate', gate, { port: 1 })]),
      'cannot reach gate: ',
    ],
    [
      'the key of the one in front is not known',
      () => dial([hop(2, 'gate', gate)], { distrusted: 2 }),
      'gate has no pinned host key',
    ],
    [
      'the one in front does not let us in',
      () => dial([{ ...hop(2, 'gate', gate), credential: { type: 'password', password: 'x' } }]),
      'gate did not accept the stored credentials',
    ],
    [
      'the key of the one behind is not known',
      () => dial([hop(2, 'gate', gate)], { distrusted: 1 }),
      'web1 has no pinned host key',
    ],
  ])('is refused by name when %s', async (_what, refused, message) => {
    await expect(refused()).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });

  test('is lost when the one in front is', async () => {
    const front = await startSshd();
    const upstream = await dial([hop(2, 'front', front)]);
    await front[Symbol.asyncDispose]();
    expect(await within('the loss', upstream.closed)).toBe('lost');
  });

  test('is not dialled any more when it was called off', async () => {
    const off = new AbortController();
    off.abort();
    await expect(dial([hop(2, 'gate', gate)], { signal: off.signal })).rejects.toThrow();
    expect(asked).toEqual([]);
  });
});
