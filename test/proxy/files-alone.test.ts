import { existsSync, writeFileSync } from 'node:fs';
import type { Client } from 'ssh2';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Capability } from '../../src/domain/capability.ts';
import { openSession, type Program } from '../../src/ssh/pty.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { packet, text, uint32, uint64 } from '../transfer/wire.ts';
import { openProxyStage, type ProxyStage, seen } from './stage.ts';

const SFTP = { type: 'subsystem', name: 'sftp' } as const;

/** RFC 4254 §8: a terminal that drops each CR of its input (IGNCR), and does nothing else with it. */
const MODES = Buffer.concat([
  ...[35, 91].map((mode) => Buffer.concat([Buffer.of(mode), uint32(1)])),
  ...[31, 33, 34, 36, 37, 38, 39, 40, 50, 51, 53, 59, 60, 61, 62].map((mode) =>
    Buffer.concat([Buffer.of(mode), uint32(0)]),
  ),
  Buffer.of(0),
]);
const PTY = { term: 'dumb', cols: 80, rows: 24, width: 0, height: 0, modesRaw: MODES };

needs('sshd', 'ssh-keygen').describe('a program that carries files alone', () => {
  let stage: ProxyStage;
  let sshd: TestSshd;
  let files: Scratch;
  let target: string;
  let client: Client;
  let next = 0;
  beforeAll(async () => {
    files = scratch();
    sshd = await startSshd({ more: ['AcceptEnv *'] });
    stage = await openProxyStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    files?.[Symbol.dispose]();
  });
  beforeEach(() => {
    next += 1;
    target = files.join(`target${next}`);
  });

  async function reach(allow: readonly Capability[]): Promise<void> {
    const name = `files${next}`;
    const { id } = await stage.addSshd(name, sshd);
    const { rows } = await stage.store.grants.list({ machineId: id }, { limit: 1 });
    const [grant] = rows;
    if (!grant) throw new Error('no grant');
    await stage.store.grants.create({ ...grant, allow });
    await stage.store.grants.remove(grant.id);
    client = await stage.connect(`alice+${name}`);
  }

  const run = (program: Program, env: readonly (readonly [string, string])[] = []) =>
    openSession(client, { pty: PTY, env, program });

  /** Answers' types by their numbers. */
  function answers(bytes: Buffer): ReadonlyMap<number, number> {
    const found = new Map<number, number>();
    for (let at = 0; at + 9 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
      found.set(bytes.readUInt32BE(at + 5), bytes[at + 4] ?? 0);
    }
    return found;
  }

  test('a terminal cannot take apart what its grant lets through', async () => {
    await reach(['download']);
    const channel = await run(SFTP);
    const said = seen(channel);
    let bytes = Buffer.alloc(0);
    channel.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
    channel.write(packet(1, uint32(3)));
    const hidden = Buffer.concat([
      packet(3, uint32(10), text(target), uint32(0x1a), uint32(0)),
      packet(6, uint32(11), text(uint32(0)), uint64(0), text('written past the grant\n')),
    ]);
    // Without its thirteen CRs the first packet would swallow the head of the second.
    const swallowing = Buffer.concat([Buffer.from('xyz'), Buffer.alloc(13, '\r')]);
    channel.write(packet(8, uint32(1), text(swallowing)));
    channel.write(packet(8, uint32(2), text(hidden)));
    await eventually('both answers', () => answers(bytes).has(2));
    channel.end();
    await said;
    expect([...answers(bytes).keys()].filter((id) => id >= 10)).toEqual([]);
    expect(existsSync(target)).toBe(false);
    client.end();
  });

  test('what is read with a terminal asked for is noted as without', async () => {
    await reach(['sftp', 'exec', 'shell']);
    writeFileSync(target, 'content');
    const channel = await run(SFTP);
    const said = seen(channel);
    const open = packet(3, uint32(11), text(target), uint32(1), uint32(0));
    const read = packet(5, uint32(12), text(uint32(0)), uint64(0), uint32(100));
    const close = packet(4, uint32(13), text(uint32(0)));
    let bytes = Buffer.alloc(0);
    channel.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
    channel.write(Buffer.concat([packet(1, uint32(3)), open]));
    await eventually('it is open', () => answers(bytes).get(11) === 102);
    channel.write(Buffer.concat([read, close]));
    await eventually('it is closed', () => answers(bytes).has(13));
    channel.end();
    await said;
    client.end();
    const { id } = await stage.ended();
    const { rows } = await stage.store.transfers.list(id, { limit: 10 });
    expect(rows).toMatchObject([{ path: target, bytesRead: 7, result: 'ok' }]);
  });

  test.each<[string, readonly Capability[]]>([
    ['download', ['download']],
    ['sftp', ['sftp']],
  ])('scp under %s has no terminal and no environment but a language', async (_, allow) => {
    await reach(allow);
    writeFileSync(target, 'a\rb\n');
    const startUp = files.join('start-up');
    const ran = files.join(`ran${next}`);
    writeFileSync(startUp, `touch ${ran}\n`);
    const channel = await run({ type: 'exec', command: `scp -f ${target}` }, [
      ['BASH_FUNC_scp%%', `() { touch ${ran}; }`],
      ['BASH_ENV', startUp],
      ['LC_ALL', 'C'],
    ]);
    const said = seen(channel);
    channel.write('\0\0\0');
    const { out, code } = await said;
    expect(code).toBe(0);
    // A terminal would have made CRLF of the line's end.
    expect(out.toString()).toMatch(/^C0\d+ 4 target\d+\na\rb\n\0$/);
    expect(existsSync(ran)).toBe(false);
    client.end();
  });

  test('with exec, scp is a command as any other', async () => {
    await reach(['exec', 'sftp']);
    writeFileSync(target, 'content');
    const channel = await run({ type: 'exec', command: `scp -f ${target}` });
    const said = seen(channel);
    channel.write('\0');
    channel.once('data', () => channel.close());
    expect((await said).out.toString()).toMatch(/^C0\d+ 7 target\d+\r\n/);
    client.end();
  });
});
