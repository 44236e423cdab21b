import { writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { rootReasonOf } from '../../src/domain/log.ts';
import { KubeClusters } from '../../src/kube/clusters.ts';
import { scratch } from '../support/scratch.ts';

const files = scratch();
const open: KubeClusters[] = [];
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  files[Symbol.dispose]();
});

function clustersOf(kubeconfig: string | null): KubeClusters {
  const clusters = new KubeClusters({ kubeconfig, root: files.path });
  open.push(clusters);
  return clusters;
}

const CONFIG = `apiVersion: v1
kind: Config
clusters:
- name: plain
  cluster: { server: "http://127.0.0.1:1" }
- name: careless
  cluster: { server: "https://127.0.0.1:1", insecure-skip-tls-verify: true }
- name: behind
  cluster: { server: "https://127.0.0.1:1", proxy-url: "http://127.0.0.1:2" }
- name: away
  cluster: { server: "https://127.0.0.1:1" }
users:
- name: robot
  user: { token: secret-token }
- name: runner
  user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/false } }
- name: provided
  user: { auth-provider: { name: gcp, config: { cmd-path: /bin/false } } }
- name: typist
  user: { username: admin, password: secret }
- name: nobody
  user: {}
contexts:
- { name: plain, context: { cluster: plain, user: robot } }
- { name: careless, context: { cluster: careless, user: robot } }
- { name: behind, context: { cluster: behind, user: robot } }
- { name: runner, context: { cluster: away, user: runner } }
- { name: provided, context: { cluster: away, user: provided } }
- { name: typist, context: { cluster: away, user: typist } }
- { name: nobody, context: { cluster: away, user: nobody } }
- { name: lost, context: { cluster: nowhere, user: robot } }
- { name: away, context: { cluster: away, user: robot } }
`;

test('what of a kubeconfig is denied is named', async () => {
  const file = files.join('kubeconfig');
  writeFileSync(file, CONFIG);
  const clusters = clustersOf(file);
  for (const [name, reason] of [
    ['plain', 'its server is no https:// address'],
    ['careless', 'it has insecure-skip-tls-verify'],
    ['behind', 'it has a proxy-url, which is not possible here'],
    ['runner', 'its user needs a program to be run (exec)'],
    ['provided', 'its user has an auth-provider'],
    ['typist', 'its user has a password'],
    ['nobody', 'its user has neither a token nor a client certificate'],
    ['lost', 'its context names a cluster that is not there'],
    ['other', 'no context of the kubeconfig has its name'],
    ['in-cluster', 'Postern itself runs in no cluster (KUBERNETES_SERVICE_HOST is not set)'],
  ] as const) {
    const message = `the cluster cannot be used: ${reason}`;
    const failure = { code: 'cluster.setting', message };
    await expect(clusters.at(name).pod('shop', 'web')).rejects.toMatchObject(failure);
  }
});

test('a cluster that does not answer is told from one that cannot be', async () => {
  const file = files.join('away');
  writeFileSync(file, CONFIG);
  const away = clustersOf(file).at('away');
  await expect(away.pod('shop', 'web')).rejects.toMatchObject({ code: 'cluster.unreachable' });
  const request = { namespace: 'shop', pod: 'web', container: 'web', command: ['true'], env: [] };
  await expect(away.exec({ ...request, shell: null, terminal: null })).rejects.toMatchObject({
    code: 'cluster.unreachable',
  });
});

test('without a kubeconfig, or with a broken one, nothing of it is said', async () => {
  await expect(clustersOf(null).at('prod').pod('shop', 'web')).rejects.toThrow(
    'POSTERN_KUBECONFIG names no kubeconfig',
  );
  const file = files.join('broken');
  await expect(clustersOf(file).at('prod').pod('shop', 'web')).rejects.toThrow(/cannot be read/);
  writeFileSync(file, 'users:\n- name: a\n  user: { token: secret-token\n b');
  const refused = clustersOf(file).at('prod').pod('shop', 'web');
  await expect(refused).rejects.toThrow('the kubeconfig cannot be read');
  const detail = await refused.catch((error: unknown) => rootReasonOf(error));
  expect(detail).toBe(`prod: ${file}: it is no YAML`);
});
