import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, type SessionView, startBastion } from '../support/bastion.ts';
import { containersSetup } from '../support/containers-setup.ts';
import { crash } from '../support/crash.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { type EngineDoor, startEngineDoor } from '../support/engine-door.ts';
import { eventually, within } from '../support/eventually.ts';
import { APP } from '../support/image-root.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { filesInContainers } from './container-files.ts';
import { forwardsIntoContainers } from './container-forwards.ts';

/** An engine and a bastion to begin, on a computer that has much else to do. */
const BEGIN_MS = 120_000;

needs(
  'ssh',
  'scp',
  'sftp',
  'rsync',
  'dockerd',
  'docker',
  'runc',
  'busybox',
  'sftp-server',
  'dpkg-query',
).describe('a container through the bastion', () => {
  const labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };
  let docker: TestDocker;
  let far: EngineDoor;
  let bastion: Bastion;
  let alice: SshClient;
  beforeAll(async () => {
    const engine = async (): Promise<void> => {
      docker = await startDocker();
      far = await startEngineDoor(docker.socket);
      await docker.run('shop-web-1', { image: 'busybox', labels });
      await docker.run('tools', { image: 'debian' });
      await docker.run('bare', { image: 'distroless' });
    };
    const door = async (): Promise<void> => {
      bastion = await startBastion();
      alice = await newClient(() => bastion.ssh);
    };
    await Promise.all([engine(), door()]);
    await bastion.apply(containersSetup(docker.address, far.address, alice));
  }, BEGIN_MS);
  afterAll(async () => {
    alice?.[Symbol.dispose]();
    await bastion?.[Symbol.asyncDispose]();
    await far?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  /** The newest on a machine, whole, once it has ended. */
  const ended = (machine: string): Promise<SessionView> =>
    eventually('its session has ended', async () => {
      const all = await bastion.sessions('status=all&limit=100');
      const newest = all.find((one) => one.machine.name === machine);
      return newest?.ended_at ? bastion.session(newest.id) : null;
    });

  test('runs a command, and the session is as any other', async () => {
    const done = await alice.ssh('alice+shop', 'id -un; cat; echo err >&2; exit 42', {
      input: 'in',
    });
    expect([done.stdout.toString(), done.status]).toEqual(['root\nin', 42]);
    expect(done.stderr).toBe('err\n');
    const session = await ended('shop');
    expect(session).toMatchObject({
      ...{ kind: 'exec', status: 'stopped', login: 'root', exit_status: 42 },
      machine: { name: 'shop', host: 'shop/web' },
      channels: [{ kind: 'exec', exit_status: 42 }],
    });
    const record = async () =>
      (await bastion.api(`sessions/${session.id}/transcript`)).text.includes('root');
    await eventually('its transcript', record);
  });

  test('has a shell under a terminal, which follows its size', async () => {
    await using screen = alice.terminal('alice+shop', null, { cols: 100, rows: 30 });
    await screen.shows('#');
    screen.type('until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo first\\ size\r');
    await screen.shows('first size');
    screen.resize(70, 20);
    screen.type('until [ "$(stty size)" = "20 70" ]; do sleep 0.1; done; echo second\\ size\r');
    await screen.shows('second size');
    screen.type('exit 43\r');
    expect(await screen.exited()).toBe(43);
    const session = await ended('shop');
    expect(session).toMatchObject({ kind: 'shell', exit_status: 43, recordings: [{ channel: 1 }] });
  });

  test('has its shell mark its commands, where machine and grant say so', async () => {
    await using screen = alice.terminal('alice+marked', null, { cols: 100, rows: 30 });
    await screen.until('a marked prompt', () => screen.raw.includes('\x1b]133;B'));
    const word = 'postern: shell integration (bash) is put in by the policy of marked\r\n';
    expect(screen.raw.slice(0, screen.raw.indexOf('BASH_VERSION'))).toContain(word);
    screen.type('sh -c "exit 3"\r');
    await screen.until('its end', () => screen.raw.includes('\x1b]133;D;3\x07'));
    screen.type('exit 0\r');
    expect(await screen.exited()).toBe(0);
    const { id } = await ended('marked');
    const found = async (): Promise<unknown> => {
      const { body } = await bastion.api(`sessions/${id}/commands?limit=100`);
      const { commands } = (body as { data: { commands: { command: string }[] } }).data;
      return commands.find(({ command }) => command === 'sh -c "exit 3"') ?? null;
    };
    const command = await eventually('its command', found);
    expect(command).toMatchObject({ source: 'osc133', exit_status: 3 });
  });

  test('is entered as no other login than a grant names', async () => {
    const done = await alice.ssh(`alice+${APP.name}@shop`, 'id');
    expect([done.stdout.toString(), done.status]).toEqual(['', 255]);
    expect(done.stderr).toContain(`no grant allows you the login ${APP.name} on shop`);
    const files = await alice.ssh('alice+closed', 'id');
    expect([files.stdout.toString(), files.status]).toEqual(['', 255]);
  });

  filesInContainers(() => ({ bastion, alice }));

  test('is told that an image without a shell takes no files', async () => {
    const none = await alice.sftp('alice+bare', ['pwd']);
    expect(none.stderr).toContain('its image has no shell');
  });

  test('gives files and takes none where a grant says so, without a server', async () => {
    await alice.ssh('alice+shop', 'echo given > /srv/given; rm -f /srv/taken');
    const got = await alice.sftp('alice+giving', [`get /srv/given ${alice.path('given')}`]);
    expect([got.stderr, got.status]).toEqual(['', 0]);
    expect(readFileSync(alice.path('given'), 'utf8')).toBe('given\n');
    const put = await alice.sftp('alice+giving', [`put ${alice.path('given')} /srv/taken`]);
    expect(put.status).not.toBe(0);
    expect(put.stderr).toContain('denied');
    const there = await alice.ssh('alice+shop', 'ls /srv/taken');
    expect(there.status).not.toBe(0);
  });

  test('loses the program of a client that is killed', async () => {
    const child = alice.spawn('alice+shop', 'echo begun; exec sleep 99424242');
    await within('its output', new Promise((wake) => child.stdout?.once('data', wake)));
    child.kill('SIGKILL');
    await eventually('it is gone', async () => {
      const all = await docker.processes('shop-web-1');
      return !all.some((line) => line.includes('99424242'));
    });
  });

  test('ends the session of a client that is killed while its program begins', async () => {
    const sessions = async (): Promise<readonly SessionView[]> =>
      (await bastion.sessions('status=all&limit=100')).filter(
        ({ machine }) => machine.name === 'shop',
      );
    const before = new Set((await sessions()).map(({ id }) => id));
    const begun = async () => (await sessions()).filter(({ id }) => !before.has(id));
    for (let client = 1; client <= 4; client += 1) {
      const child = alice.spawn('alice+shop', 'echo unread; exec sleep 1000');
      await eventually('its session', async () => (await begun()).length === client);
      child.kill('SIGKILL');
    }
    for (const { id } of await begun()) {
      await eventually('it has ended, and its recording', async () => {
        const { ended_at, recordings = [] } = await bastion.session(id);
        return ended_at !== null && recordings.every(({ state }) => state !== 'recording');
      });
    }
  });

  /** Whether a program runs in `tools` whose arguments name this. */
  const runs = async (word: string): Promise<boolean> =>
    (await docker.processes('tools')).some((line) => /^sleep/.test(line) && line.includes(word));

  /** A session of alice's that has begun. */
  async function begun(machine: string, word: string) {
    const before = new Set((await bastion.sessions('status=all&limit=100')).map(({ id }) => id));
    const child = alice.spawn(`alice+${machine}`, `exec sleep ${word}`);
    await eventually('it runs', () => runs(word));
    const now = await bastion.sessions('status=all&limit=100');
    const session = now.find(({ id, machine: on }) => !before.has(id) && on.name === machine);
    if (session === undefined) throw new Error('it has no session');
    return { child, id: session.id };
  }

  test('loses the program of a user who left while its engine was away', async () => {
    const { child, id } = await begun('far', '9971001');
    await far.shut();
    child.kill('SIGKILL');
    await eventually('the session has ended', async () => (await bastion.session(id)).ended_at);
    expect(await runs('9971001')).toBe(true);
    await far.open();
    await eventually('it is gone', async () => !(await runs('9971001')));
  });

  test('loses the programs of a bastion that was killed, once that is back', async () => {
    const { id } = await begun('tools', '9972001');
    await crash(bastion);
    expect(await runs('9972001')).toBe(true);
    await bastion.start();
    await eventually('it is gone', async () => !(await runs('9972001')));
    const session = await bastion.session(id);
    expect(session).toMatchObject({ end_reason: 'node_died' });
    expect(session.recordings).toMatchObject([{ channel: 1, state: 'recovered' }]);
  });

  test('that stops ends its sessions, with the reason', async () => {
    await docker.run('brief', { image: 'busybox' });
    const child = alice.spawn('alice+brief', 'echo begun; sleep 1000');
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const gone = new Promise((resolve) => child.once('close', resolve));
    await within('its output', new Promise((wake) => child.stdout?.once('data', wake)));
    await docker.cli('kill', 'brief');
    expect(await within('ssh ends', gone)).toBe(255);
    expect(err).toBe('postern: brief was stopped\n');
    expect(await ended('brief')).toMatchObject({ end_reason: 'machine_lost' });
    const again = await alice.ssh('alice+brief', 'id');
    expect(again.status).toBe(255);
    expect(again.stderr).toContain('cannot reach brief: exited is the container brief');
  });

  forwardsIntoContainers(() => ({ docker, bastion, alice }));
});
