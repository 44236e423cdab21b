import { expect, test } from 'vitest';
import { readSetupFile } from '../../src/cli/setup-file.ts';

const read = (text: string) => readSetupFile(text, { env: {}, directory: '/' });

test('a setup may have pods, by name or by labels', () => {
  const found = read(`machines:
- name: web
  kind: kubernetes
  cluster: arn:aws:eks:eu-west-1:1234:cluster/prod
  namespace: shop
  selector: { app: web, app.kubernetes.io/part-of: shop }
  container: nginx
  shell: [/bin/ash]
- name: db
  kind: kubernetes
  cluster: in-cluster
  namespace: shop
  pod: db-0
`);
  expect('setup' in found && found.setup.machines).toMatchObject([
    {
      ...{ kind: 'kubernetes', cluster: 'arn:aws:eks:eu-west-1:1234:cluster/prod' },
      ...{ namespace: 'shop', selector: { app: 'web', 'app.kubernetes.io/part-of': 'shop' } },
      ...{ container: 'nginx', shell: ['/bin/ash'], login: 'container' },
    },
    { cluster: 'in-cluster', pod: 'db-0', container: null, shell: [], login: 'container' },
  ]);
});

test('what is wrong with a pod in a setup is named, with its line', () => {
  const found = read(`machines:
- name: web
  kind: kubernetes
  cluster: a b
  namespace: Shop
  selector: { app: "a b" }
  pod: web-0
  engine: unix:///var/run/docker.sock
  container: { stack: shop, service: web }
- name: db
  kind: kubernetes
`);
  const problems = 'problems' in found ? found.problems : [];
  const lines = problems.map(({ line, field, message }) => `${line}: ${field} ${message}`);
  expect(lines).toEqual([
    '4: machines[0].cluster "a b" is no name of a context',
    '5: machines[0].namespace "Shop" is no namespace: 1 to 63 lower-case letters, digits or "-"',
    '6: machines[0].selector cannot stand beside pod',
    '6: machines[0].selector has not the labels of a pod: { app: web }',
    '8: machines[0].engine is not known',
    '9: machines[0].container must be text',
    '10: machines[1] lacks cluster',
    '10: machines[1] lacks namespace',
    '10: machines[1] lacks pod',
  ]);
});
