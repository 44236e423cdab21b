import { expect, test } from 'vitest';
import { readSetupFile } from '../../src/cli/setup-file.ts';

const read = (text: string) => readSetupFile(text, { env: {}, directory: '/' });

test('a setup may have containers, by name or by stack and service', () => {
  const text = `machines:
- name: web
  kind: docker
  engine: unix:///var/run/docker.sock
  container: shop-web-1
  login: root
  shell: [/bin/zsh]
- name: db
  kind: docker
  engine: tcp://10.0.0.1:2376
  container: { stack: shop, service: db }
  login: postgres
`;
  const found = read(text);
  expect('setup' in found && found.setup.machines).toMatchObject([
    {
      kind: 'docker',
      engine: 'unix:///var/run/docker.sock',
      container: 'shop-web-1',
      shell: ['/bin/zsh'],
    },
    { engine: 'tcp://10.0.0.1:2376', container: { stack: 'shop', service: 'db' }, shell: [] },
  ]);
});

test('what is wrong with a container in a setup is named, with its line', () => {
  const text = `machines:
- name: web
  kind: docker
  engine: http://10.0.0.1
  container: { stack: shop, servce: a b }
  host: 10.0.0.5
  shell: [bin/zsh]
`;
  const found = read(text);
  const problems = 'problems' in found ? found.problems : [];
  const lines = problems.map(({ line, field, message }) => `${line}: ${field} ${message}`);
  expect(lines).toEqual([
    '2: machines[0] lacks login',
    '4: machines[0].engine http://10.0.0.1 is no address of a container engine: it must begin with unix:// or tcp://',
    '5: machines[0].container.servce is not known; did you mean service?',
    '5: machines[0].container lacks service',
    '6: machines[0].host is not known',
    '7: machines[0].shell[0] "bin/zsh" is neither an absolute path nor the name of a shell',
  ]);
});
