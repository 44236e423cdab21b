import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  ContainerEngine,
  ContainerNews,
  ExecRequest,
} from '../../src/domain/container-engine.ts';
import { Engines } from '../../src/engine/engine.ts';
import { startDocker, startPodman, type TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';

const WINDOW = { cols: 80, rows: 24, width: 0, height: 0 };

/** What a Docker Engine does, and Podman where it answers as one. */
function behaves(start: () => Promise<TestDocker>, of: { readonly health: boolean }): void {
  let docker: TestDocker;
  let engine: ContainerEngine;
  beforeAll(async () => {
    docker = await start();
    engine = new Engines({ certificates: null }).at(docker.address);
    await docker.run('web', {
      image: 'busybox',
      labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' },
    });
  }, 120_000);
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
  });

  const command = (...words: string[]): ExecRequest => ({
    container: 'web',
    command: words,
    user: '',
    env: [],
    terminal: null,
  });

  async function run(request: ExecRequest, input = '') {
    const exec = await engine.exec(request);
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    exec.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    exec.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    exec.stdin.end(input);
    const status = await within('the exit', exec.exited);
    return { out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString(), status };
  }

  test('lists what runs, by name, with its labels', async () => {
    const [web] = await engine.list({ labels: { 'com.docker.compose.service': 'web' } });
    expect(web).toMatchObject({
      name: 'web',
      image: expect.stringMatching(/\bbusybox\b/),
      state: 'running',
      health: 'none',
      labels: { 'com.docker.compose.project': 'shop' },
    });
    expect(await engine.list({ labels: { 'com.docker.compose.service': 'none' } })).toEqual([]);
  });

  test('lists what does not run when it is asked for all', async () => {
    await docker.run('ended', { image: 'busybox' });
    await docker.cli('kill', 'ended');
    await eventually('it is known as ended', async () => {
      const all = await engine.list({ all: true });
      return all.find(({ name }) => name === 'ended')?.state === 'exited';
    });
    expect((await engine.list()).map(({ name }) => name)).not.toContain('ended');
  });

  test('finds a container by name, id and the beginning of its id', async () => {
    const found = await engine.find('web');
    expect(found).toMatchObject({ name: 'web', state: 'running' });
    expect(found?.startedAt).toBeInstanceOf(Date);
    expect((await engine.find(found?.id ?? ''))?.name).toBe('web');
    expect((await engine.find(found?.id.slice(0, 12) ?? ''))?.name).toBe('web');
    expect(await engine.find('nothing')).toBeNull();
  });

  test('finds nothing under the id of a container that is gone, whoever has taken it for a name', async () => {
    const id = 'e'.repeat(64);
    await docker.run(id, { image: 'busybox' });
    expect(await engine.find(id)).toBeNull();
    await docker.cli('kill', id);
  });

  test('knows which files a container has', async () => {
    expect(await engine.has('web', '/bin/sh')).toBe(true);
    expect(await engine.has('web', '/bin/bash')).toBe(false);
  });

  test('runs a program, with input that ends, both outputs and a status', async () => {
    const done = await run(command('sh', '-c', 'echo out; echo err >&2; cat; exit 7'), 'in');
    expect(done).toEqual({ out: 'out\nin', err: 'err\n', status: 7 });
  });

  test('runs it as another, with variables, in a directory', async () => {
    const done = await run({
      ...command('sh', '-c', 'id -u; echo "$WORD"; pwd'),
      ...{ user: 'app', env: [['WORD', 'a=b c']], directory: '/srv' },
    });
    expect(done.out).toBe('1000\na=b c\n/srv\n');
  });

  test('runs it on a terminal of the size that it is given, and is given later', async () => {
    const exec = await engine.exec({
      ...command('sh', '-c', 'read a; stty size; read b; stty size'),
      terminal: { ...WINDOW, cols: 111, rows: 33 },
    });
    let seen = '';
    exec.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    exec.stderr.resume();
    exec.stdin.write('1\n');
    await eventually('its first size', () => seen.includes('33 111'));
    await exec.resize({ ...WINDOW, cols: 50, rows: 20 });
    exec.stdin.write('2\n');
    await eventually('its second size', () => seen.includes('20 50'));
    expect(await within('the exit', exec.exited)).toBe(0);
  });

  test('waits for the exit of a program that has closed its outputs', async () => {
    const done = await run(command('sh', '-c', 'exec >/dev/null 2>&1; sleep 1; exit 4'));
    expect(done.status).toBe(4);
  });

  test('says why a program cannot begin', async () => {
    const failure = { code: 'engine.not_started' };
    await expect(engine.exec(command('/no/such'))).rejects.toMatchObject(failure);
    await expect(engine.exec(command('/no/such'))).rejects.toThrow(/no such file/);
    const stranger = { ...command('sh'), user: 'stranger' };
    await expect(engine.exec(stranger)).rejects.toThrow(/unable to find user stranger/);
    await expect(
      engine.exec({ ...command('sh'), terminal: WINDOW, user: 'stranger' }),
    ).rejects.toThrow(/unable to find user stranger/);
  });

  test('says that there is no such container, or that it does not run', async () => {
    const failure = (code: string) => ({ code });
    const nowhere = { ...command('sh'), container: 'nothing' };
    await expect(engine.exec(nowhere)).rejects.toMatchObject(failure('engine.no_container'));
    await docker.run('stopped', { image: 'busybox' });
    await docker.cli('kill', 'stopped');
    const there = { ...command('sh'), container: 'stopped' };
    await expect(engine.exec(there)).rejects.toMatchObject(failure('engine.not_running'));
  });

  test('ends the streams of a program whose container ends', async () => {
    await docker.run('brief', { image: 'busybox' });
    const exec = await engine.exec({ ...command('sleep', '1000'), container: 'brief' });
    exec.stdout.resume();
    exec.stderr.resume();
    await docker.cli('kill', 'brief');
    expect(await within('the exit', exec.exited)).toBe(137);
  });

  test('carries 20 MB each way, while the other output is not read', async () => {
    const size = 20 * 1024 * 1024;
    const text = 'yes e | head -c 3000000 >&2 & cat; wait';
    const exec = await engine.exec(command('sh', '-c', text));
    let bytes = 0;
    exec.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const sent = Buffer.alloc(64 * 1024, 7);
    let written = 0;
    const write = (): void => {
      while (written < size) {
        written += sent.length;
        if (!exec.stdin.write(sent)) return void exec.stdin.once('drain', write);
      }
      exec.stdin.end();
    };
    write();
    await within(
      'stderr waits to be read',
      new Promise((resolve) => exec.stderr.once('readable', resolve)),
    );
    exec.stderr.resume();
    expect(await within('the exit', exec.exited)).toBe(0);
    expect(bytes).toBe(size);
  });

  test('tells of what starts, gets well and stops, and of all again after a loss', async () => {
    await docker.start();
    await docker.run('web', { image: 'busybox' });
    const news: ContainerNews[] = [];
    const following = engine.follow((one) => news.push(one));
    const told = (what: string, fits: (one: ContainerNews) => boolean) =>
      eventually(what, () => news.find(fits));
    try {
      const all = await told('all', (one) => one.type === 'all');
      expect(all.type === 'all' && all.containers.map(({ name }) => name)).toContain('web');
      const id = await docker.run('born', {
        image: 'busybox',
        more: ['--health-cmd', 'true', '--health-interval', '1s'],
      });
      await told('its start', (one) => one.type === 'changed' && one.container.id === id);
      if (of.health) {
        await told(
          'its health',
          (one) =>
            one.type === 'changed' && one.container.id === id && one.container.health === 'healthy',
        );
      }
      await docker.cli('kill', 'born');
      await told(
        'its end',
        (one) =>
          one.type === 'changed' && one.container.id === id && one.container.state === 'exited',
      );
      await docker.cli('rm', 'born');
      await told('its removal', (one) => one.type === 'gone' && one.id === id);
      await docker.stop();
      await told('the loss', (one) => one.type === 'away');
      news.length = 0;
      await docker.start();
      await docker.run('web', { image: 'busybox' });
      await told('all again', (one) => one.type === 'all');
    } finally {
      following.close();
    }
  });

  test('that is not there is named', async () => {
    const absent = new Engines({ certificates: null }).at('unix:///no/such/docker.sock');
    await expect(absent.list()).rejects.toMatchObject({
      code: 'engine.unreachable',
      message: 'cannot reach the container engine: its socket is not there',
      cause: { message: expect.stringContaining('unix:///no/such/docker.sock: ') },
    });
  });
}

needs('dockerd', 'docker', 'runc', 'busybox').describe('a Docker Engine', () => {
  behaves(startDocker, { health: true });
});
needs('podman', 'conmon', 'docker', 'runc', 'busybox').describe('Podman', () => {
  // Its health checks are timers of systemd.
  behaves(startPodman, { health: false });
});

test.each([
  ['unix:///var/run/docker.sock', null],
  ['tcp://10.0.0.1:2376', null],
  ['tcp://[::1]', null],
  ['docker.sock', 'must be'],
  ['unix://docker.sock', 'absolute'],
  ['unix:///', 'no socket'],
  [`unix:///${'x'.repeat(200)}`, 'too long'],
  ['http://10.0.0.1:2375', 'must begin with'],
  ['tcp://10.0.0.1:2376/x', 'path'],
  ['tcp://me@10.0.0.1:2376', 'more than a place'],
])('%s as the address of an engine', (address, problem) => {
  const make = () => new Engines({ certificates: null }).at(address).address;
  if (problem === null) expect(make()).toBe(address);
  else expect(make).toThrow(problem);
});
