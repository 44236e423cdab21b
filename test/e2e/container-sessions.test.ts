import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { running, startTestEngine, type TestEngine } from '../support/test-engine.ts';

const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
};

interface Plain {
  readonly id: number;
  readonly status: string;
  readonly session_id?: number;
  readonly error?: string;
  readonly finished_at?: string | null;
  readonly container_name?: string;
  readonly connection_info: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password?: string;
  };
}

needs('ssh', 'dockerd', 'docker', 'busybox').describe('container sessions', () => {
  let docker: TestDocker;
  let engine: TestEngine;
  let bastion: Bastion;
  let ada: SshClient;
  /** Has no key. */
  let ben: SshClient;
  const tokens = new Map<string, string>();

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
    for (const user of ['ada', 'ben']) {
      const made = await bastion.cli(
        ...['token', 'add', user, '--user', user, '--scope', 'redeploy', '--json'],
      );
      tokens.set(user, (JSON.parse(String(made.stdout)) as { token: string }).token);
    }
  });

  afterAll(async () => {
    ada?.[Symbol.dispose]();
    ben?.[Symbol.dispose]();
    await bastion?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  async function ask(user: string, path: string, method = 'GET', body?: unknown): Promise<Plain> {
    const token = tokens.get(user) ?? '';
    const answer = await bastion.api(`stacks/${path}`, {
      ...{ token, method },
      ...(body === undefined ? {} : { body }),
    });
    return JSON.parse(answer.text) as Plain;
  }

  function finished(user: string, stack: string, id: number): Promise<Plain> {
    return eventually('the action finishes', async () => {
      const action = await ask(user, `${stack}/actions/${id}`);
      return action.finished_at === null ? null : action;
    });
  }

  /** A session of a service that is ready. */
  async function ready(user: string, stack = 'shop', service = 'web'): Promise<Plain> {
    const made = await ask(user, `${stack}/sessions`, 'POST', { service_name: service });
    const action = await finished(user, stack, made.id);
    expect(action).toMatchObject({ status: 'completed' });
    return await ask(user, `${stack}/sessions/fetch?session_id=${action.session_id}`);
  }

  function stopped(user: string, id: number, stack = 'shop'): Promise<Plain> {
    return eventually('the session has stopped', async () => {
      const session = await ask(user, `${stack}/sessions/fetch?session_id=${id}`);
      return session.status === 'stopped' ? session : null;
    });
  }

  test('land in their container with the owner’s key, once, and are recorded', async () => {
    const session = await ready('ada');
    expect(session).toMatchObject({ status: 'active', container_name: 'shop-web-1' });
    const { username, password } = session.connection_info;
    expect(password).toBeUndefined();
    // Somebody else's key is nobody's here.
    expect(await ben.ssh(username, 'true')).toMatchObject({ status: 255 });
    const done = await ada.ssh(username, 'hostname; id -un; exit 7');
    expect(done).toMatchObject({ status: 7 });
    expect(String(done.stdout)).toContain('root');
    await stopped('ada', session.id);
    const seen = await bastion.session(`sess_${session.id}`);
    expect(seen).toMatchObject({ kind: 'exec', machine: { name: 'shop.web' } });
    expect(seen.recordings).toHaveLength(1);
    expect(await ada.ssh(username, 'true')).toMatchObject({ status: 255 });
  });

  test('let one who has no key in with the password that they have, once', async () => {
    const { id, connection_info } = await ready('ben');
    const { username, password = '' } = connection_info;
    expect(password).not.toBe('');
    const wrong = await ben.withPassword(username, `${password}x`, 'true');
    expect(wrong).toMatchObject({ status: 255 });
    expect(await ben.withPassword(username, password, 'exit 5')).toMatchObject({ status: 5 });
    await stopped('ben', id);
    expect(await ben.withPassword(username, password, 'true')).toMatchObject({ status: 255 });
    expect(bastion.log).not.toContain(password);
  });

  test('open a shell under a terminal', async () => {
    const { id, connection_info } = await ready('ada');
    await using screen = ada.terminal(connection_info.username);
    await screen.shows('#');
    screen.type('echo in $((40 + 2))\r');
    await screen.shows('in 42');
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    await stopped('ada', id);
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
    await docker.cli('kill', 'many-web-1', 'many-web-2', 'many-web-3');
    await eventually('it is listed no more', async () => !(await listed()));
  });

  test('find their containers by the labels of the stack, and tell who is evicted why', async () => {
    const labels = { 'my.stack': 'back', 'my.service': 'api' };
    await docker.run('plain-name', { image: 'busybox', labels });
    await eventually('the service is a machine', async () => {
      return (await ada.ssh('ada+back.api', 'true')).status === 0;
    });
    const first = await ready('ada', 'back', 'api');
    expect(first).toMatchObject({ container_name: 'plain-name' });
    await using screen = ada.terminal(first.connection_info.username);
    await screen.shows('#');
    const second = await ready('ada', 'back', 'api');
    expect(await screen.exited()).not.toBe(0);
    expect(screen.raw).toContain('a newer session: service api of stack back has at most 1');
    await stopped('ada', first.id, 'back');
    expect(await ada.ssh(second.connection_info.username, 'exit 3')).toMatchObject({ status: 3 });
  });

  test('that were pending when the bastion died have failed after its restart', async () => {
    engine.containers = running('slow', 'web');
    engine.holdAfter(1);
    const made = await ask('ada', 'slow/sessions', 'POST', { service_name: 'web' });
    expect(made).toMatchObject({ status: 'pending' });
    await bastion.kill();
    await bastion.start();
    engine.goOn();
    expect(await finished('ada', 'slow', made.id)).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^Invalid session - Session creation failed/),
    });
    const session = await ask('ada', 'slow/sessions/fetch?service_name=web');
    expect(session.status).toBe('failed');
  });
});
