import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { Bastion } from '../support/bastion.ts';
import type { TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import type { SshClient } from '../support/ssh-client.ts';
import { exchange, freePort, Tunnel, throughSocks } from '../support/tunnels.ts';

/** An engine and a bastion to begin, on a computer that has much else to do. */
const BEGIN_MS = 120_000;
const MB = 1024 * 1024;

/** In each container: what says everything back, what hashes it, what never ends by itself. */
const [ECHO, DIGEST, CLOCK, LEFT, NOBODY] = [8001, 8002, 8003, 8004, 8009] as const;
/** Says that it has ended its way; what then comes it leaves unread, and closes. */
const LEAVER = `exec </dev/null >/dev/null 2>&1
perl -e 'use Socket;
my $server;
socket($server, PF_INET, SOCK_STREAM, 0) && setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1)
  && bind($server, sockaddr_in(${LEFT}, INADDR_LOOPBACK)) && listen($server, 5) or exit 1;
fork and exit;
while (accept(my $one, $server)) { syswrite $one, "bye"; shutdown $one, 1; sysread $one, my $word, 1 }'
`;
const SERVERS = `exec </dev/null >/dev/null 2>&1
busybox nc -ll -p ${ECHO} -e cat &
busybox nc -ll -p ${DIGEST} -e sha256sum &
busybox nc -ll -p ${CLOCK} -e sh -c 'while echo tick; do sleep 1; done' &
for port in ${[ECHO, DIGEST, CLOCK].map((port) => port.toString(16).toUpperCase()).join(' ')}; do
  until cat /proc/net/tcp /proc/net/tcp6 | grep -q ":$port 0*:0000 0A"; do sleep 0.1; done
done
`;

/** With busybox's tools alone, and with what every Debian has. */
const KINDS = { small: 'busybox', large: 'debian' } as const;

function setup(engine: string): string {
  const names = [...Object.keys(KINDS), 'shut', 'closed'];
  const machines = names.map(
    (name) => `
  - name: ${name}
    kind: docker
    engine: ${engine}
    container: ${{ shut: 'bare', closed: 'small' }[name] ?? name}
    login: root`,
  );
  const grants = names.map(
    (name) => `
  - to: { user: alice }
    on: { machine: ${name} }
    allow: [exec, forward-remote${name === 'closed' ? '' : ', forward-local'}]
    forward_to: ["127.0.0.1:*"]`,
  );
  return `
machines:${machines.join('')}
grants:${grants.join('')}
`;
}

/** Part of what is tested with an engine that has a container `bare`; `all`: once they have begun. */
export function forwardsIntoContainers(
  all: () => { readonly docker: TestDocker; readonly bastion: Bastion; readonly alice: SshClient },
): void {
  needs('perl').describe('that no network leads to', () => {
    beforeAll(async () => {
      const { docker, bastion } = all();
      for (const [name, image] of Object.entries(KINDS)) {
        await docker.run(name, { image, network: 'none' });
        await docker.cli('exec', name, 'sh', '-c', SERVERS);
      }
      await docker.cli('exec', 'large', 'sh', '-c', LEAVER);
      await bastion.apply(setup(docker.address));
    }, BEGIN_MS);

    const tunnel = (user: string, more: readonly string[]): Promise<Tunnel> =>
      new Tunnel(all().alice, user, more).says(/Entering interactive session|pledge: /);
    const direct = (user: string, port: number, input: string | Buffer = '') =>
      all().alice.ssh(user, null, {
        more: ['-W', `127.0.0.1:${port}`, '-o', 'LogLevel=INFO'],
        input,
      });

    for (const name of Object.keys(KINDS)) {
      test(`${name}: -L carries both ways, and the record has it`, async () => {
        const port = await freePort();
        const bytes = randomBytes(8 * MB);
        {
          await using _ = await tunnel(`alice+${name}`, ['-L', `${port}:localhost:${ECHO}`]);
          expect((await exchange(port, bytes)).equals(bytes)).toBe(true);
        }
        const ended = await eventually('its session', async () => {
          const stopped = await all().bastion.sessions('status=stopped&limit=100');
          const here = stopped.filter(({ machine }) => machine.name === name);
          const whole = await Promise.all(here.map(({ id }) => all().bastion.session(id)));
          return whole.find(({ bytes_out }) => bytes_out === bytes.length);
        });
        expect(ended).toMatchObject({
          ...{ kind: 'forward', bytes_in: 8 * MB, bytes_out: 8 * MB, recordings: [] },
          channels: [{ kind: 'forward', command: `localhost:${ECHO}`, bytes_in: 8 * MB }],
        });
        const audit = dataOf(await all().bastion.api('audit?type=channel.opened&limit=50'));
        const { events } = audit as { events: readonly { detail: unknown }[] };
        expect(events.map(({ detail }) => detail)).toContainEqual(
          expect.objectContaining({ capability: 'forward-local', place: `localhost:${ECHO}` }),
        );
      });

      test(`${name}: -W half-closes, and says why nothing is there`, async () => {
        const sha256 = createHash('sha256').update('abc').digest('hex');
        const done = await direct(`alice+${name}`, DIGEST, 'abc');
        expect([done.stdout.toString(), done.status]).toEqual([`${sha256}  -\n`, 0]);
        const none = await direct(`alice+${name}`, NOBODY);
        expect(none.status).not.toBe(0);
        expect(none.stderr).toContain(
          `connect failed: ${name} could not open 127.0.0.1:${NOBODY}: Connection refused`,
        );
      });

      test(`${name}: a client that is gone leaves no program behind`, async () => {
        const running = async (): Promise<boolean> =>
          (await all().docker.processes(name)).some((line) => line.includes(`127.0.0.1 ${CLOCK}`));
        const port = await freePort();
        {
          await using _ = await tunnel(`alice+${name}`, ['-L', `${port}:127.0.0.1:${CLOCK}`]);
          const socket = connect(port, '127.0.0.1');
          socket.on('error', () => undefined);
          await within('a tick', new Promise((resolve) => socket.once('data', resolve)));
          expect(await running()).toBe(true);
          socket.destroy();
        }
        await eventually('it is gone', async () => !(await running()));
      });
    }

    test('a server that has closed both ways leaves no program behind', async () => {
      const { docker } = all();
      const running = async (): Promise<boolean> =>
        (await docker.processes('large')).some((line) => line.includes(`127.0.0.1 ${LEFT}`));
      const port = await freePort();
      await using _ = await tunnel('alice+large', ['-L', `${port}:127.0.0.1:${LEFT}`]);
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      expect(await within('its last word', text(socket))).toBe('bye');
      expect(await running()).toBe(true);
      socket.write('unread');
      await eventually('it is gone', async () => !(await running()));
      socket.end();
      await within('it is closed', closed);
    });

    test('-D carries many at once, and refuses what is not named', async () => {
      const port = await freePort();
      await using _ = await tunnel('alice+small', ['-D', String(port)]);
      const sockets = await Promise.all(
        Array.from({ length: 20 }, async (_one, number) => {
          const socket = await throughSocks(port, '127.0.0.1', ECHO);
          if (socket === null) throw new Error('refused');
          const answer = new Promise((resolve) =>
            socket.on('data', (chunk: Buffer) => resolve(chunk.toString())),
          );
          socket.write(`number ${number}`);
          expect(await within('an answer', answer)).toBe(`number ${number}`);
          return socket;
        }),
      );
      for (const socket of sockets) socket.end();
      expect(await throughSocks(port, '169.254.169.254', 80)).toBeNull();
      expect(await throughSocks(port, 'example.com', ECHO)).toBeNull();
    });

    test('needs the capability, and something in the image that connects', async () => {
      const closed = await direct('alice+closed', ECHO);
      expect(closed.stderr).toContain('administratively prohibited: no grant allows you forward');
      const bare = await direct('alice+shut', ECHO);
      expect(bare.stderr).toContain('shut could not open 127.0.0.1:8001: its image has no shell');
    });

    test('-R is refused', async () => {
      const remote = ['-R', '8080:127.0.0.1:1', '-o', 'ExitOnForwardFailure=yes'];
      const done = await all().alice.ssh('alice+small', 'true', { more: remote });
      expect(done.status).toBe(255);
      expect(done.stderr).toContain('remote port forwarding failed');
    });
  });
}
