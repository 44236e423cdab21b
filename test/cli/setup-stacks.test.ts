import { expect, test } from 'vitest';
import { readSetupFile } from '../../src/cli/setup-file.ts';

/** `stacks:` of a set-up file. */

function read(text: string) {
  const found = readSetupFile(text, { env: {}, directory: '/' });
  return 'problems' in found
    ? found.problems.map(({ line, field, message }) => `${line}: ${field} ${message}`)
    : found.setup;
}

test('a stack is a compose project by its name, with 15 sessions a service, unless the file says more', () => {
  const text = `stacks:
  - name: shop
    engine: unix:///var/run/docker.sock
  - name: back
    engine: tcp://10.0.0.5:2376
    compose_project: backend
    labels: { stack: my.stack, service: my.service }
    login: app
    recording: best_effort
    session_limit: 3
    over_limit: reject
  - { name: metal, kind: server }
grants:
  - { to: { user: a }, on: { stack: shop }, allow: [shell] }
`;
  expect(read(text)).toMatchObject({
    stacks: [
      {
        ...{ name: 'shop', kind: 'container', engine: 'unix:///var/run/docker.sock' },
        ...{ project: 'shop', stack_label: 'com.docker.compose.project' },
        ...{ service_label: 'com.docker.compose.service', login: 'root', recording: 'required' },
        ...{ session_limit: 15, over_limit: 'evict-oldest' },
      },
      {
        ...{ name: 'back', project: 'backend', stack_label: 'my.stack' },
        ...{ service_label: 'my.service', login: 'app', recording: 'best_effort' },
        ...{ session_limit: 3, over_limit: 'reject' },
      },
      { name: 'metal', kind: 'server', engine: null },
    ],
    grants: [{ on: { stack: 'shop' } }],
  });
});

test('a file without a list of stacks says nothing of them', () => {
  expect(read('users: []\n')).not.toHaveProperty('stacks');
});

test('the engine of a stack is an address of an engine', () => {
  const text = 'stacks:\n  - name: shop\n    engine: http://169.254.169.254/\n';
  expect(read(text)).toEqual([
    '3: stacks[0].engine http://169.254.169.254/ is no address of a container engine: it must begin with unix:// or tcp://',
  ]);
});

test('what is wrong is named with its line', () => {
  const text = `stacks:
  - name: shop
  - name: metal
    kind: server
    engine: unix:///x
  - name: shop
    engine: unix:///x
    session_limit: 0
    over_limit: newest
    labels: { stak: a }
`;
  expect(read(text)).toEqual([
    '2: stacks[0] lacks engine',
    '5: stacks[1].engine cannot be given: a stack of kind server has none',
    '6: stacks[2].name "shop" is there already, on line 2',
    '8: stacks[2].session_limit must be a whole number from 1 to 1000',
    '9: stacks[2].over_limit "newest" is none of evict-oldest, reject',
    '10: stacks[2].labels.stak is not known; did you mean stack?',
  ]);
});
