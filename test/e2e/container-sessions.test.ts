import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { ContainerSessionClient } from '../support/container-sessions.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { running, startTestEngine, type TestEngine } from '../support/test-engine.ts';

const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
};

needs('ssh', 'dockerd', 'docker', 'busybox').describe('container sessions', () => {
  let docker: TestDocker;
  let engine: TestEngine;
  let bastion: Bastion;
  let ada: SshClient;
  /** Has no key. */
  let ben: SshClient;
  let api: ContainerSessionClient;

  beforeAll(async () => {
    docker = await startDocker();
    engine = await startTestEngine();
    bastion = await startBastion();
    ada = await newClient(() => bastion.ssh);
    ben = await newClient(() => bastion.ssh);
    await docker.run('shop-web-1', { image: 'busybox', labels: LABELS });
    await bastion.apply(`
users:
  - { name: ada, role: member, keys: [${JSON.stringify(ada.publicKey)}] }
  - { name: ben, role: member }
stacks:
  - { name: shop, engine: ${JSON.stringify(docker.address)} }
  - { name: slow, engine: ${JSON.stringify(engine.address)} }
  - { name: many, engine: ${JSON.stringify(docker.address)} }
  - name: back
    engine: ${JSON.stringify(docker.address)}
    labels: { stack: my.stack, service: my.service }
    session_limit: 1
grants:
  - { to: { user: ada }, on: { stack: many }, allow: [shell, exec] }
  - { to: { user: ada }, on: { stack: back }, allow: [shell, exec] }
  - { to: { user: ada }, on: { stack: shop }, allow: [shell, exec] }
  - { to: { user: ada }, on: { stack: slow }, allow: [shell] }
  - { to: { user: ben }, on: { stack: shop }, allow: [shell, exec] }
`);
    api = new ContainerSessionClient(bastion);
    for (const user of ['ada', 'ben']) await api.giveToken(user);
  });

  afterAll(async () => {
    ada?.[Symbol.dispose]();
    ben?.[Symbol.dispose]();
    await bastion?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test('land in their container with the owner’s key, once, and are recorded', async () => {
    const session = await api.ready('ada');
    expect(session).toMatchObject({ status: 'active', container_name: 'shop-web-1' });
    const { username, password } = session.connection_info;
    expect(password).toBeUndefined();
    // Somebody else's key is nobody's here.
    expect(await ben.ssh(username, 'true')).toMatchObject({ status: 255 });
    const done = await ada.ssh(username, 'hostname; id -un; exit 7');
    expect(done).toMatchObject({ status: 7 });
    expect(String(done.stdout)).toContain('root');
    await api.stopped('ada', session.id);
    const seen = await bastion.session(`sess_${session.id}`);
    expect(seen).toMatchObject({ kind: 'exec', machine: { name: 'shop.web' } });
    expect(seen.recordings).toHaveLength(1);
    expect(await ada.ssh(username, 'true')).toMatchObject({ status: 255 });
  });

  test('let one who has no key in with the password that they have, once', async () => {
    const { id, connection_info } = await api.ready('ben');
    const { username, password = '' } = connection_info;
    expect(password).not.toBe('');
    const wrong = await ben.withPassword(username, `${password}x`, 'true');
    expect(wrong).toMatchObject({ status: 255 });
    expect(await ben.withPassword(username, password, 'exit 5')).toMatchObject({ status: 5 });
    await api.stopped('ben', id);
    expect(await ben.withPassword(username, password, 'true')).toMatchObject({ status: 255 });
    expect(bastion.log).not.toContain(password);
  });

  test('open a shell under a terminal', async () => {
    const { id, connection_info } = await api.ready('ada');
    await using screen = ada.terminal(connection_info.username);
    await screen.shows('#');
    screen.type('echo in $((40 + 2))\r');
    await screen.shows('in 42');
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    await api.stopped('ada', id);
  });

  test('are not needed: a service is reached by its name, and a container by its index', async () => {
    const labels = { ...LABELS, 'com.docker.compose.project': 'many' };
    const check = (command: string): string[] => [
      ...['--health-cmd', command, '--health-interval', '1s', '--health-retries', '1'],
    ];
    for (const [index, command] of ['false', 'true', 'false'].entries()) {
      const more = ['--env', `WHICH=is-${index + 1}`, ...check(command)];
      await docker.run(`many-web-${index + 1}`, { image: 'busybox', labels, more });
    }
    await eventually('their health is known', async () => {
      const shown = await bastion.cli('stack', 'show', 'many', '--json');
      return String(shown.stdout).match(/"health": "(un)?healthy"/g)?.length === 3;
    });
    const which = async (name: string): Promise<string> => {
      const done = await ada.ssh(`ada+many.${name}`, 'echo $WHICH');
      return String(done.stdout).trim();
    };
    await eventually('each is reached by its index', async () => {
      const all = [await which('web.1'), await which('web.2'), await which('web.3')];
      return all.join(' ') === 'is-1 is-2 is-3';
    });
    expect(await which('web')).toBe('is-2');
    expect(await ben.ssh('ben+many.web.2', 'true')).toMatchObject({ status: 255 });
    const shown = await bastion.cli('stack', 'show', 'many');
    expect(String(shown.stdout)).toMatch(/many\.web\.2 +many-web-2 +running +healthy/);
    expect(String((await bastion.cli('stack', 'ls')).stdout)).toMatch(/^many +container/m);
    const listed = async (): Promise<boolean> =>
      String((await ada.ssh('ada', 'true')).stderr).includes('many.web');
    expect(await listed()).toBe(true);
    await using screen = ada.terminal('ada');
    await screen.shows(/many\.web +3 containers/);
    await docker.cli('kill', 'many-web-2');
    await screen.shows(/many\.web +2 containers/);
    await docker.cli('kill', 'many-web-1', 'many-web-3');
    await screen.until('the menu without it', () => !/^ +many\.web/m.test(screen.text));
    screen.type('q');
    await eventually('it is listed no more', async () => !(await listed()));
  });

  test('find their containers by the labels of the stack, and tell who is evicted why', async () => {
    const labels = { 'my.stack': 'back', 'my.service': 'api' };
    await docker.run('plain-name', { image: 'busybox', labels });
    await eventually('the service is a machine', async () => {
      return (await ada.ssh('ada+back.api', 'true')).status === 0;
    });
    const first = await api.ready('ada', 'back', 'api');
    expect(first).toMatchObject({ container_name: 'plain-name' });
    await using screen = ada.terminal(first.connection_info.username);
    await screen.shows('#');
    const second = await api.ready('ada', 'back', 'api');
    expect(await screen.exited()).not.toBe(0);
    expect(screen.raw).toContain('a newer session: service api of stack back has at most 1');
    await api.stopped('ada', first.id, 'back');
    expect(await ada.ssh(second.connection_info.username, 'exit 3')).toMatchObject({ status: 3 });
  });

  test('that were pending when the bastion died have failed after its restart', async () => {
    engine.containers = running('slow', 'web');
    engine.holdAfter(1);
    const made = await api.create('ada', 'slow');
    expect(made).toMatchObject({ status: 'pending' });
    await bastion.kill();
    await bastion.start();
    engine.goOn();
    expect(await api.finished('ada', 'slow', made.id)).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^Invalid session - Session creation failed/),
    });
    const session = await api.ask('ada', 'slow/sessions/fetch?service_name=web');
    expect(session.status).toBe('failed');
  });
});
