import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { utils } from 'ssh2';
import { expect, test } from 'vitest';
import { generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';
import { message, uint32, WireReader, wireString } from '../../src/ssh/wire.ts';
import { eventually } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { hostKey, Lab } from './lab.ts';
import { Attacker, inside, within } from './raw-peer.ts';

const PROVE = 'hostkeys-prove-00@openssh.com';
const next = loadHostKey(generateHostKey().privatePem);

function request(name: string, ...fields: readonly Buffer[]): Buffer {
  return message(80, wireString(name), Uint8Array.of(1), ...fields);
}

const prove = (...blobs: readonly Buffer[]) => request(PROVE, ...blobs.map(wireString));

/** Without the question that ssh2's own client would ask. */
async function quiet(port: number): Promise<Attacker> {
  const client = new Attacker(port);
  for (const type of [80, 81, 82]) client.muted.add(type);
  await client.event('ready');
  return client;
}

test('after authentication the client hears of the key in use and of the next one', async () => {
  await using lab = await Lab.start({ nextHostKeys: [next] });
  await using client = await Attacker.ready(lab.port);
  await client.hears(80);
  const reader = new WireReader(client.payloads.find(([type]) => type === 80) ?? Buffer.alloc(1));
  expect(reader.text()).toBe('hostkeys-00@openssh.com');
  expect(reader.boolean()).toBe(false);
  expect([reader.string(), reader.string()]).toEqual([hostKey.blob, next.blob]);
  expect(reader.rest()).toHaveLength(0);
});

test('a proof is a signature over the session, and waits for the answers before it', async () => {
  const held: (() => void)[] = [];
  await using lab = await Lab.start({
    nextHostKeys: [next],
    onConnection: ({ connection }) => {
      connection.on('request', (accept) => held.push(() => accept?.()));
    },
  });
  await using client = await quiet(lab.port);
  client.send(request('tcpip-forward', wireString(''), uint32(22)), prove(next.blob));
  client.send(request('nobody@knows.this'));
  await eventually('the forward', () => held.length === 1);
  client.send(message(192, wireString('are you there')));
  await client.hears(193);
  expect(client.count(81) + client.count(82)).toBe(0);
  held[0]?.();
  await client.hears(82);
  const replies = client.payloads.filter(([type]) => type === 81 || type === 82);
  expect(replies.map(([type]) => type)).toEqual([81, 81, 82]);
  expect(replies[0]).toHaveLength(1);
  const signature = new WireReader(
    new WireReader(replies[1] ?? Buffer.alloc(1)).string() ?? Buffer.of(),
    0,
  );
  expect(signature.text()).toBe('ssh-ed25519');
  const session = inside(client.client)._protocol._kex?.sessionID ?? Buffer.of();
  const signed = Buffer.concat([PROVE, session, next.blob].map(wireString));
  const key = utils.parseKey(next.publicLine);
  if (key instanceof Error) throw key;
  expect(key.verify(signed, signature.string() ?? Buffer.of())).toBe(true);
});

test('nothing is signed for keys that are not ours, for none, or for too many', async () => {
  await using lab = await Lab.start({ nextHostKeys: [next] });
  await using client = await quiet(lab.port);
  const foreign = loadHostKey(generateHostKey().privatePem);
  client.send(prove(next.blob, foreign.blob), prove(), request(PROVE, Buffer.of(0, 0, 0, 9)));
  client.send(prove(...Array<Buffer>(17).fill(next.blob)));
  await client.hears(82, 4);
  expect(client.count(81)).toBe(0);
});

needs('ssh').describe('OpenSSH', () => {
  test('learns the next key by itself', async () => {
    await using lab = await Lab.start({
      nextHostKeys: [next],
      onAuth: (context) => context.accept(),
      onExec: (channel) => {
        channel.pipe(channel);
      },
    });
    using files = scratch();
    const known = files.join('known_hosts');
    writeFileSync(known, `[127.0.0.1]:${lab.port} ${hostKey.publicLine}\n`);
    const options = ['-o', 'UpdateHostKeys=yes', '-o', `UserKnownHostsFile=${known}`];
    const args = ['-F', '/dev/null', '-o', 'BatchMode=yes', ...options, '-p', String(lab.port)];
    const ssh = spawn(the('ssh'), [...args, 'u@127.0.0.1', 'cat']);
    try {
      await eventually('a second key', () => readFileSync(known, 'utf8').includes(next.publicLine));
      expect(readFileSync(known, 'utf8')).toContain(hostKey.publicLine);
      ssh.stdin.end();
      await within(once(ssh, 'close'), 'the end of the client');
    } finally {
      ssh.kill('SIGKILL');
    }
  });
});
