import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, type SessionView, startBastion } from '../support/bastion.ts';
import { crash } from '../support/crash.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { startKubernetes, type TestKubernetes } from '../support/kubernetes.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';

const setup = (alice: SshClient): string => `
users:
  - name: alice
    role: member
    keys: [${JSON.stringify(alice.publicKey)}]
machines:
  - name: shop
    kind: kubernetes
    cluster: token
    namespace: shop
    selector: { app: web }
  - name: other
    kind: kubernetes
    cluster: nowhere
    namespace: shop
    pod: web-0
grants:
  - to: { user: alice }
    on: { machine: shop }
    allow: [shell, exec, sftp]
  - to: { user: alice }
    on: { machine: other }
    allow: [exec]
`;

needs('ssh', 'sftp', 'dockerd', 'docker', 'runc', 'busybox', 'openssl').describe(
  'a pod through the bastion',
  () => {
    let docker: TestDocker;
    let kubernetes: TestKubernetes;
    let bastion: Bastion;
    let alice: SshClient;
    beforeAll(async () => {
      docker = await startDocker();
      await docker.run('web', { image: 'busybox' });
      kubernetes = await startKubernetes(docker);
      const labels = { app: 'web' };
      kubernetes.add({ namespace: 'shop', name: 'web-0', labels, containers: { nginx: 'web' } });
      const settings = { POSTERN_KUBECONFIG: kubernetes.kubeconfig() };
      bastion = await startBastion({ settings });
      alice = await newClient(() => bastion.ssh);
      await bastion.apply(setup(alice));
    }, 120_000);
    afterAll(async () => {
      alice?.[Symbol.dispose]();
      await bastion?.[Symbol.asyncDispose]();
      await kubernetes?.[Symbol.asyncDispose]();
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
      const word = randomBytes(8).toString('hex');
      const command = `echo ${word}; cat; echo err >&2; exit 42`;
      const done = await alice.ssh('alice+shop', command, { input: 'in' });
      expect([done.stdout.toString(), done.status]).toEqual([`${word}\nin`, 42]);
      expect(done.stderr).toBe('err\n');
      const session = await ended('shop');
      expect(session).toMatchObject({
        ...{ kind: 'exec', status: 'stopped', login: 'container', exit_status: 42 },
        machine: { name: 'shop', host: 'shop/app=web' },
      });
      await eventually('its transcript', async () =>
        (await bastion.api(`sessions/${session.id}/transcript`)).text.includes(word),
      );
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
    });

    test('has files, without the help of its image', async () => {
      using files = scratch();
      const directory = files.path;
      const content = randomBytes(300_000);
      writeFileSync(`${directory}/up`, content);
      const done = await alice.sftp('alice+shop', [
        `put ${directory}/up /tmp/there`,
        `get /tmp/there ${directory}/down`,
      ]);
      expect(done).toMatchObject({ status: 0 });
      expect(readFileSync(`${directory}/down`).equals(content)).toBe(true);
    });

    test('is not another user than its own, and not of another cluster', async () => {
      const root = await alice.ssh('alice+root@shop', 'id');
      expect([root.status, root.stderr]).toEqual([
        255,
        expect.stringContaining('no grant allows you the login root on shop'),
      ]);
      const other = await alice.ssh('alice+other', 'id');
      expect([other.status, other.stderr]).toEqual([
        255,
        expect.stringContaining(
          'the cluster cannot be used: no context of the kubeconfig has its name',
        ),
      ]);
    });

    test('loses the programs of a bastion that was killed, once that is back', async () => {
      const word = `98${randomBytes(3).readUIntBE(0, 3)}`;
      const runs = async (): Promise<boolean> =>
        (await docker.processes('web')).some((line) => line.includes(word));
      alice.spawn('alice+shop', `exec sleep ${word}`);
      await eventually('it runs', runs);
      await crash(bastion);
      expect(await runs()).toBe(true);
      await bastion.start();
      await eventually('it is gone', async () => !(await runs()));
      expect(await ended('shop')).toMatchObject({ end_reason: 'node_died' });
    });

    test('that is deleted ends its sessions, and says so', async () => {
      await docker.run('brief', { image: 'busybox' });
      const labels = { app: 'web' };
      const containers = { nginx: 'brief' };
      kubernetes.add({ namespace: 'shop', name: 'web-1', labels, containers, created: 10 });
      const word = `99${randomBytes(3).readUIntBE(0, 3)}`;
      const run = alice.ssh('alice+shop', `exec sleep ${word}`);
      await eventually('it runs', async () =>
        (await docker.processes('brief')).some((line) => line.includes(word)),
      );
      kubernetes.change('shop/web-1', { leaving: true });
      await docker.cli('kill', 'brief');
      const done = await within('its end', run);
      expect([done.status, done.stderr]).toEqual([
        255,
        expect.stringContaining('postern: shop was stopped'),
      ]);
      const onward = await alice.ssh('alice+shop', 'echo onward');
      expect(onward.stdout.toString()).toBe('onward\n');
    });
  },
);
