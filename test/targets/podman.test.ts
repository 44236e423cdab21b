import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPodman, type TestDocker } from '../support/docker.ts';
import { within } from '../support/eventually.ts';
import { APP } from '../support/image-root.ts';
import { needs } from '../support/requirements.ts';
import { conforms } from './conformance.ts';
import { CONTAINER_MANNERS, enter, subjectIn } from './container-subject.ts';

needs(
  'podman',
  'conmon',
  'docker',
  'runc',
  'busybox',
  'bash',
  'sftp-server',
  'dpkg-query',
  'rsync',
  'perl',
).describe('a container of Podman', () => {
  let podman: TestDocker;
  beforeAll(async () => {
    podman = await startPodman();
    await podman.run('large', { image: 'debian', network: 'none' });
  }, 120_000);
  afterAll(async () => {
    await podman?.[Symbol.asyncDispose]();
  });

  conforms(() => subjectIn(podman, 'large', APP.name), CONTAINER_MANNERS);

  test('without a shell, or without such a user, is refused', async () => {
    await podman.run('bare', { image: 'distroless', network: 'none' });
    const shell = { program: { type: 'shell' }, pty: null, env: [] } as const;
    const bare = await enter(podman, { name: 'bare' });
    await expect(bare.open(shell)).rejects.toThrow(/its image has no shell/);
    const stranger = await enter(podman, { name: 'large' }, { login: 'stranger' });
    await expect(stranger.open(shell)).rejects.toThrow(/unable to find user stranger/);
  });

  test('that is killed takes its sessions along, and they know why', async () => {
    await podman.run('brief', { image: 'busybox', network: 'none' });
    const upstream = await enter(podman, { name: 'brief' });
    const program = { type: 'exec', command: 'sleep 1000' } as const;
    const channel = await upstream.open({ program, pty: null, env: [] });
    channel.stdout.resume();
    channel.stderr.resume();
    await podman.cli('kill', 'brief');
    expect(await within('the exit', channel.exited)).toBeNull();
    expect(await within('the end', upstream.closed)).toBe('stopped');
  });

  test('is reached by forwards', async () => {
    const upstream = await enter(podman, { name: 'large' }, { login: APP.name });
    const to = { type: 'tcp', host: '127.0.0.1', port: 9 } as const;
    const dialled = upstream.dial(to, { address: '', port: 0 });
    await expect(dialled).rejects.toThrow(/could not open 127.0.0.1:9: Connection refused/);
  });
});
