import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { env } from 'node:process';
import { PassThrough, Readable } from 'node:stream';
import { Exec, KubeConfig, type V1Status } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Upstream } from '../../src/domain/upstream.ts';
import { KubeClusters } from '../../src/kube/clusters.ts';
import type { TestDocker } from '../support/docker.ts';
import { within } from '../support/eventually.ts';
import { APP } from '../support/image-root.ts';
import { type TestKubernetes, type TestPod, TOKEN } from '../support/kubernetes.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { answersSftp } from './answers-sftp.ts';
import { openPodStage, type PodStage } from './pod-stage.ts';

needs(
  'dockerd',
  'docker',
  'runc',
  'busybox',
  'bash',
  'sftp-server',
  'dpkg-query',
  'rsync',
  'openssl',
).describe('a pod', () => {
  let stage: PodStage;
  let docker: TestDocker;
  let kubernetes: TestKubernetes;
  beforeAll(async () => {
    stage = await openPodStage();
    ({ docker, kubernetes } = stage);
  }, 120_000);
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });
  const connect = (...to: Parameters<PodStage['connect']>) => stage.connect(...to);

  const shell = { program: { type: 'shell' }, pty: null, env: [] } as const;

  async function output(upstream: Upstream, command: string): Promise<string> {
    const program = { type: 'exec', command } as const;
    const channel = await upstream.open({ program, pty: null, env: [] });
    let text = '';
    channel.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    channel.stderr.resume();
    channel.stdin.end();
    await within('the exit', channel.exited);
    return text;
  }

  test('is entered by who the kubeconfig says', async () => {
    for (const cluster of ['token', 'certificate']) {
      await connect({ choice: { pod: 'small-0' }, cluster });
    }
    expect([...kubernetes.seen].toSorted()).toEqual(['client', 'postern']);
  });

  test('runs programs as the user that its container has', async () => {
    const upstream = await connect({ choice: { pod: 'large-0' } });
    expect(await output(upstream, 'id -un; echo "$USER,$LOGNAME"')).toBe(`${APP.name}\n,\n`);
  });

  test('is entered in the container that is named, or annotated, or its first', async () => {
    const containers = { web: 'small', side: 'large' };
    kubernetes.add({ namespace: 'shop', name: 'two', containers });
    const annotations = { 'kubectl.kubernetes.io/default-container': 'side' };
    kubernetes.add({ namespace: 'shop', name: 'two-annotated', containers, annotations });
    const who = async (pod: string, container: string | null) =>
      await output(await connect({ choice: { pod }, container }), 'id -un');
    expect(await who('two', null)).toBe('root\n');
    expect(await who('two', 'side')).toBe(`${APP.name}\n`);
    expect(await who('two-annotated', null)).toBe(`${APP.name}\n`);
    expect(await who('two-annotated', 'web')).toBe('root\n');
    await expect(who('two', 'other')).rejects.toThrow(
      'the pod shop/two has no container other: there are web, side',
    );
  });

  test('by its labels is the newest that is ready', async () => {
    const labels = { app: 'queue', tier: 'back' };
    const add = (name: string, created: number, more: Partial<TestPod> = {}): void =>
      kubernetes.add({
        namespace: 'jobs',
        name,
        labels,
        created,
        containers: { web: 'small' },
        ...more,
      });
    add('q-1', 100);
    add('q-2', 300, { containers: { web: 'large' } });
    add('q-3', 400, { ready: false });
    add('q-4', 500, { leaving: true });
    add('q-5', 600, { labels: { app: 'queue' } });
    const place = { namespace: 'jobs', choice: { selector: labels } };
    expect(await output(await connect(place), 'id -un')).toBe(`${APP.name}\n`);
    kubernetes.change('jobs/q-2', { ready: false });
    expect(await output(await connect(place), 'id -un')).toBe('root\n');
    kubernetes.change('jobs/q-1', { leaving: true });
    kubernetes.change('jobs/q-2', { leaving: true });
    kubernetes.change('jobs/q-3', { leaving: true });
    await expect(connect(place)).rejects.toThrow('the pod jobs/q-4 is being deleted');
  });

  test('by its labels is found among thousands that were evicted', async () => {
    const about = { namespace: 'crowd', labels: { app: 'crowded' } };
    for (let n = 0; n < 3000; n++) {
      const containers = { web: null };
      kubernetes.add({ ...about, name: `c-${n}`, created: 1000 + n, failed: true, containers });
    }
    const place = { namespace: 'crowd', choice: { selector: about.labels } };
    await expect(connect(place)).rejects.toThrow(/the pod crowd\/c-\d+ is Failed/);
    kubernetes.add({ ...about, name: 'the-one', created: 1, containers: { web: 'small' } });
    expect(await output(await connect(place), 'id -un')).toBe('root\n');
  });

  test('that is not there, or does not run, is not reached', async () => {
    kubernetes.add({ namespace: 'shop', name: 'pulling', containers: { web: null } });
    const refused = (place: Parameters<typeof connect>[0], text: string) =>
      expect(connect(place)).rejects.toMatchObject({
        code: 'machine.unreachable',
        message: expect.stringContaining(text),
      });
    await refused({ choice: { pod: 'none' } }, 'there is no pod shop/none');
    const selector = { app: 'nothing', tier: 'none' };
    await refused({ choice: { selector } }, 'there is no pod shop/app=nothing,tier=none');
    await refused(
      { choice: { pod: 'pulling' } },
      'the pod shop/pulling is Pending, ImagePullBackOff: its container web does not run',
    );
  });

  test('without any shell says so', async () => {
    await docker.run('bare', { image: 'distroless' });
    kubernetes.add({ namespace: 'shop', name: 'bare-0', containers: { web: 'bare' } });
    const bare = await connect({ choice: { pod: 'bare-0' } });
    await expect(bare.open(shell)).rejects.toMatchObject({
      code: 'machine.refused',
      message: expect.stringMatching(/its image has no shell \(bash, sh\)/),
    });
  });

  test('what its roles do not allow is said in their words', async () => {
    const only = async (verb: Parameters<typeof kubernetes.forbidden.add>[0], text: string) => {
      kubernetes.forbidden.add(verb);
      try {
        const open = async () => {
          const upstream = await connect({
            choice: verb === 'list pods' ? { selector: { app: 'queue' } } : { pod: 'small-0' },
          });
          await upstream.open(shell);
        };
        await expect(open()).rejects.toMatchObject({
          code: 'machine.unreachable',
          message: expect.stringContaining(text),
        });
      } finally {
        kubernetes.forbidden.delete(verb);
      }
    };
    const who = 'User "postern" cannot';
    const where = 'in API group "" in the namespace "shop"';
    await only('get pods', `"small-0" is forbidden: ${who} get resource "pods" ${where}`);
    await only('list pods', `pods is forbidden: ${who} list resource "pods" ${where}`);
    await only('create pods/exec', `${who} create resource "pods/exec" ${where}`);
  });

  test('of a cluster without v5.channel.k8s.io is refused: input could not end there', async () => {
    kubernetes.newest = 'v4';
    try {
      const upstream = await connect({ choice: { pod: 'small-0' } });
      await expect(upstream.open(shell)).rejects.toThrow('it does not speak v5.channel.k8s.io');
    } finally {
      kubernetes.newest = 'v5';
    }
  });

  test('whose container ends takes its sessions along, and they know why', async () => {
    await docker.run('brief', { image: 'busybox' });
    kubernetes.add({ namespace: 'shop', name: 'brief-0', containers: { web: 'brief' } });
    const program = { type: 'exec', command: 'sleep 1000' } as const;
    for (const end of [
      () => docker.cli('restart', '--time', '0', 'brief'),
      async () => {
        kubernetes.change('shop/brief-0', { leaving: true });
        await docker.cli('kill', 'brief');
      },
    ]) {
      const upstream = await connect({ choice: { pod: 'brief-0' } });
      const channel = await upstream.open({ program, pty: null, env: [] });
      channel.stdout.resume();
      channel.stderr.resume();
      await end();
      expect(await within('the exit', channel.exited)).toBeNull();
      expect(await within('the end', upstream.closed)).toBe('stopped');
    }
  });

  test('that was deleted before a program of its session is gone', async () => {
    kubernetes.add({ namespace: 'shop', name: 'gone-0', containers: { web: 'small' } });
    const upstream = await connect({ choice: { pod: 'gone-0' } });
    kubernetes.pods.delete('shop/gone-0');
    await expect(upstream.open(shell)).rejects.toMatchObject({ code: 'machine.stopped' });
    expect(await within('the end', upstream.closed)).toBe('stopped');
  });

  test.each([
    ["with its image's own server", 'large-0'],
    ['without one', 'small-0'],
  ])('serves files %s', async (_how, pod) => {
    await answersSftp(await connect({ choice: { pod } }));
  });

  test('is connected through, by a program in it', async () => {
    const server = createServer((socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const upstream = await stage.connect({ choice: { pod: 'small-0' } });
      const to = { type: 'tcp', host: '127.0.0.1', port } as const;
      const link = await upstream.dial(to, { address: '127.0.0.1', port: 1 });
      link.stream.write('there and back');
      const back = await within('the echo', once(link.stream, 'data'));
      expect(String(back[0])).toBe('there and back');
      link.close();
      upstream.close();
    } finally {
      server.close();
    }
  });

  test('of the cluster that Postern runs in is entered by its service account', async () => {
    const root = scratch();
    const account = root.join('var/run/secrets/kubernetes.io/serviceaccount');
    mkdirSync(account, { recursive: true });
    writeFileSync(`${account}/token`, TOKEN);
    writeFileSync(`${account}/ca.crt`, kubernetes.ca);
    const { hostname, port } = new URL(kubernetes.url);
    const place = { cluster: 'in-cluster', choice: { pod: 'small-0' } };
    Object.assign(env, { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port });
    const inside = new KubeClusters({ kubeconfig: null, root: root.path });
    try {
      expect(await output(await connect(place, inside), 'echo in')).toBe('in\n');
    } finally {
      for (const name of ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT']) {
        Reflect.deleteProperty(env, name);
      }
      await inside.close();
      root[Symbol.dispose]();
    }
  });

  test('is run by the client of Kubernetes itself as by Postern', async () => {
    const config = new KubeConfig();
    config.loadFromFile(kubernetes.kubeconfig());
    config.setCurrentContext('token');
    const [out, err] = [new PassThrough(), new PassThrough()];
    let text = '';
    out.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    err.resume();
    const { promise, resolve } = Promise.withResolvers<V1Status>();
    const command = ['sh', '-c', 'cat; echo done; exit 5'];
    const input = Readable.from([Buffer.from('all of it\n')]);
    await new Exec(config).exec('shop', 'small-0', 'web', command, out, err, input, false, resolve);
    const status = await within('the status', promise);
    expect([text, status.reason, status.details?.causes]).toEqual([
      ...['all of it\ndone\n', 'NonZeroExitCode'],
      [{ reason: 'ExitCode', message: '5' }],
    ]);
  });
});
