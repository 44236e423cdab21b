import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { withCertificate } from '../support/certify.ts';
import { ContainerSessionClient, type Plain } from '../support/container-sessions.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { plainEnvironment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { Screen } from '../support/screen.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { makeKey } from '../support/sshd.ts';

const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
};

needs('ssh', 'ssh-keygen', 'dockerd', 'docker', 'busybox').describe(
  'container sessions: who may have one, and until when',
  () => {
    let docker: TestDocker;
    let bastion: Bastion;
    let api: ContainerSessionClient;
    let ada: SshClient;
    /** Has neither key nor password. */
    let ben: SshClient;
    /** Has nothing but certificates. */
    let dora: SshClient;

    beforeAll(async () => {
      docker = await startDocker();
      bastion = await startBastion();
      [ada, ben, dora] = [
        await newClient(() => bastion.ssh),
        await newClient(() => bastion.ssh),
        await newClient(() => bastion.ssh),
      ];
      await docker.run('shop-web-1', { image: 'busybox', labels: LABELS });
      await makeKey(dora.path('ca'));
      const map = ['--no-user-names', '--principal=ops=dora'];
      const added = await bastion.cli('ca', 'add', 'staff', `${dora.path('ca')}.pub`, ...map);
      expect(added).toMatchObject({ status: 0 });
      const engine = JSON.stringify(docker.address);
      await bastion.apply(`
users:
  - { name: ada, role: member, keys: [${JSON.stringify(ada.publicKey)}] }
  - { name: ben, role: member }
  - { name: dora, role: member }
machines:
  - { name: lost, kind: docker, engine: "unix:///nowhere/docker.sock", container: x, login: root }
stacks:
  - { name: shop, engine: ${engine} }
  - { name: one, engine: ${engine}, compose_project: shop, session_limit: 1, over_limit: reject }
  - { name: gone, engine: "unix:///nowhere/docker.sock" }
  - { name: metal, kind: server }
grants:
  - { to: { user: ada }, on: { machine: lost }, allow: [exec] }
  - { to: { user: ada }, on: { stack: shop }, allow: [shell, exec] }
  - { to: { user: ada }, on: { stack: one }, allow: [shell, exec] }
  - { to: { user: ada }, on: { stack: gone }, allow: [shell] }
  - { to: { user: ada }, on: { stack: metal }, allow: [shell] }
  - { to: { user: ben }, on: { stack: shop }, allow: [shell, exec] }
  - { to: { user: dora }, on: { stack: shop }, allow: [shell, exec] }
`);
      api = new ContainerSessionClient(bastion);
      for (const user of ['ada', 'ben', 'dora']) await api.giveToken(user);
    });

    afterAll(async () => {
      for (const client of [ada, ben, dora]) client?.[Symbol.dispose]();
      await bastion?.[Symbol.asyncDispose]();
      await docker?.[Symbol.asyncDispose]();
    });

    /** Somebody in the shell of a session of theirs. */
    async function entered(): Promise<Screen> {
      const session = await api.ready('ada');
      const screen = ada.terminal(session.connection_info.username);
      await screen.shows('#');
      return screen;
    }

    async function sessionsOf(stack: string, status: string) {
      const { id } = await api.ask('ada', stack);
      return await bastion.sessions(`status=${status}&stack_id=${id}&limit=100`);
    }

    // On a server, container-session-nodes.test.ts asks two nodes.
    test.skipIf(inject('backend') === 'postgres')(
      '40 at once leave 15, and whom they put out of their shells read why',
      async () => {
        await using screens = new AsyncDisposableStack();
        const before = [];
        for (let one = 0; one < 3; one++) before.push(screens.use(await entered()));
        const early = new Set((await sessionsOf('shop', 'all')).map(({ id }) => id));
        const made = await Promise.all(Array.from({ length: 40 }, () => api.create('ada')));
        for (const { id } of made) await api.finished('ada', 'shop', id);
        for (const screen of before) {
          expect(await screen.exited(40_000)).not.toBe(0);
          expect(screen.raw).toContain('a newer session: service web of stack shop has at most 15');
        }
        const rows = await eventually('the others have ended', async () => {
          const all = await sessionsOf('shop', 'all');
          return all.filter(({ ended_at }) => ended_at === null).length === 15 ? all : null;
        });
        const live = rows.filter(({ ended_at }) => ended_at === null);
        expect(live.map(({ status }) => status)).toEqual(Array(15).fill('active'));
        expect(live.filter(({ id }) => early.has(id))).toEqual([]);
        const others = rows.filter(({ id, ended_at }) => ended_at !== null && !early.has(id));
        expect(others.map(({ end_reason }) => end_reason)).toEqual(Array(25).fill('evicted'));
        const come = async (id: string): Promise<number> => {
          const { connection_info } = await api.ask('ada', `shop/sessions/fetch?session_id=${id}`);
          return (await ada.ssh(connection_info.username, 'exit 3')).status;
        };
        expect(await come(live[0]?.id ?? '')).toBe(3);
        expect(await come(others[0]?.id ?? '')).toBe(255);
      },
    );

    test('of a container that nobody can enter fail, and say why', async () => {
      const labels = { ...LABELS, 'com.docker.compose.service': 'bare' };
      await docker.run('shop-bare-1', { image: 'distroless', labels });
      const made = await api.create('ada', 'shop', 'bare');
      expect(made).toMatchObject({ status: 'pending' });
      expect(await api.finished('ada', 'shop', made.id)).toMatchObject({
        status: 'failed',
        error:
          'Invalid session - Session creation failed: shop.bare refused the request: its image has no shell (bash, sh)',
      });
      const session = await api.ask('ada', 'shop/sessions/fetch?service_name=bare');
      expect(session).toMatchObject({ status: 'failed' });
    });

    test('end with the token that made them: the shell, who reads why, and what waits', async () => {
      const tokens = [await api.giveToken('ada'), await api.giveToken('ben')];
      await using screen = await entered();
      const waiting = await api.ready('ben');
      const { username, password = '' } = waiting.connection_info;
      expect(password).not.toBe('');
      expect(await bastion.cli('token', 'rm', tokens[1] ?? '')).toMatchObject({ status: 0 });
      const late = await ben.withPassword(username, password, 'true');
      expect(late).toMatchObject({ status: 255 });
      expect(await bastion.cli('token', 'rm', tokens[0] ?? '')).toMatchObject({ status: 0 });
      expect(await screen.exited(40_000)).not.toBe(0);
      expect(screen.raw).toContain(
        'the API token that this session was made with is not valid any more',
      );
      for (const user of ['ada', 'ben']) await api.giveToken(user);
      await api.stopped('ben', waiting.id);
      const { end_reason } = await bastion.session(`sess_${waiting.id}`);
      expect(end_reason).toBe('access_revoked');
    });

    test('end with their user’s account', async () => {
      const [user] = await usersNamed('ada');
      const disable = async (disabled: boolean) =>
        await bastion.api(`users/${user}`, { method: 'PATCH', body: { disabled } });
      expect(await disable(false)).toMatchObject({ status: 200 });
      await using screen = await entered();
      const waiting = await api.ready('ada');
      expect(await disable(true)).toMatchObject({ status: 200 });
      try {
        expect(await screen.exited(40_000)).not.toBe(0);
        expect(screen.raw).toContain('your account was disabled or removed');
      } finally {
        await disable(false);
      }
      await api.stopped('ada', waiting.id);
      expect(await ada.ssh(waiting.connection_info.username, 'true')).toMatchObject({
        status: 255,
      });
    });

    async function usersNamed(name: string): Promise<readonly string[]> {
      const listed = await bastion.cli('user', 'ls', '--search', name, '--json');
      const users = JSON.parse(String(listed.stdout)) as { id: string; name: string }[];
      return users.filter((user) => user.name === name).map(({ id }) => id);
    }

    test('of who signs in with certificates alone are entered with one, and have no password', async () => {
      const { id, connection_info } = await api.ready('dora');
      expect(connection_info.password).toBeUndefined();
      const { username } = connection_info;
      expect(await dora.ssh(username, 'true')).toMatchObject({ status: 255 });
      const certified = await withCertificate(dora, dora.path('ca'), { principals: 'ops' });
      expect(await dora.ssh(username, 'exit 4', { more: certified })).toMatchObject({ status: 4 });
      await api.stopped('dora', id);
    });

    /** Runs a line as it stands, where `ssh` has this person's key and known hosts, as in ~/.ssh. */
    function typed(client: SshClient, line: string): Screen {
      const bin = client.path('bin');
      mkdirSync(bin, { recursive: true });
      const config = [
        `IdentityFile ${client.identity}`,
        'IdentitiesOnly yes',
        `UserKnownHostsFile ${client.path('known_hosts')}`,
        'GlobalKnownHostsFile /dev/null',
      ];
      writeFileSync(client.path('config'), `${config.join('\n')}\n`);
      const program = `#!/bin/sh\nexec '${the('ssh')}' -F '${client.path('config')}' "$@"\n`;
      writeFileSync(`${bin}/ssh`, program);
      chmodSync(`${bin}/ssh`, 0o700);
      const { PATH = '' } = plainEnvironment();
      return new Screen('/bin/sh', ['-c', line], { env: { PATH: `${bin}:${PATH}` } });
    }

    test('connection_info is good as it stands: the line is typed, and that is all', async () => {
      const people: [string, SshClient][] = [
        ['ada', ada],
        ['ben', ben],
      ];
      for (const [user, client] of people) {
        const { id } = await api.ready(user);
        const path = `/api/3/stacks/shop/sessions/fetch.json?session_id=${id}`;
        const answer = await api.answer(user, path);
        const { response } = JSON.parse(answer.text) as { response: Plain & { command: string } };
        const { host, port, username, password } = response.connection_info;
        expect(response.command).toBe(`ssh -p ${port} ${username}@${host}`);
        await using screen = typed(client, response.command);
        await screen.until('it asks, or has begun', ({ text }) => /yes\/no|assword:|#/.test(text));
        if (screen.text.includes('yes/no')) screen.type('yes\r');
        if (user === 'ben') {
          await screen.shows(/assword:/);
          screen.type(`${password}\r`);
        }
        await screen.shows('#');
        screen.type('hostname; exit 6\r');
        expect(await screen.exited(40_000)).toBe(6);
        await api.stopped(user, id);
      }
    });

    test('of an engine that is away: neither HTTP nor ssh says where it is, the log does', async () => {
      const why = 'cannot reach the container engine: its socket is not there';
      const refused = await api.ask('ada', 'gone/sessions', 'POST', { service_name: 'web' });
      expect(refused.details).toBe(`Invalid session - Session creation failed: ${why}`);
      const { stderr } = await ada.ssh('ada+lost', 'true');
      expect(String(stderr)).toBe(`postern: cannot reach lost: ${why}\n`);
      await eventually('both are in the log', () => {
        const lines = bastion.log.split('\n').filter((line) => line.includes('unix:///nowhere/'));
        return ['request refused', 'the machine was not reached'].every((what) =>
          lines.some((line) => line.includes(what)),
        );
      });
    });

    test('are refused over HTTP in the words of the page, per user and stack', async () => {
      const refused = async (user: string, path: string, body?: unknown) => {
        const answer = await api.answer(user, path, body === undefined ? 'GET' : 'POST', body);
        const { error, error_description, details } = JSON.parse(answer.text);
        expect([error_description, details.startsWith(error)]).toEqual([error, true]);
        return [answer.status, error];
      };
      const web = { service_name: 'web' };
      const unpermitted = 'Insufficient permissions - User lacks SSH key download permissions';
      expect(await refused('ben', 'one/sessions', web)).toEqual([400, unpermitted]);
      expect(await refused('ben', 'one/sessions/fetch?service_name=web')).toEqual([
        400,
        unpermitted,
      ]);
      expect(await refused('ada', 'metal/sessions', web)).toEqual([
        400,
        'Invalid stack type - Stack is not container-based',
      ]);
      expect(await refused('ada', 'shop/sessions', { service_name: 'db' })).toEqual([
        400,
        'Invalid service - Service not found in active rollout variant',
      ]);
      // Of a try before this one.
      for (const { id } of await sessionsOf('one', 'active')) {
        await bastion.api(`sessions/${id}`, { method: 'DELETE' });
      }
      const held = await api.ready('ada', 'one');
      expect(await refused('ada', 'one/sessions', web)).toEqual([
        400,
        'Too many session open! - Maximum concurrent sessions exceeded',
      ]);
      await bastion.api(`sessions/${held.id}`, { method: 'DELETE' });
      expect(await refused('ada', 'gone/sessions', web)).toEqual([
        400,
        'Invalid session - Session creation failed',
      ]);
      expect(await refused('ada', 'shop/sessions/fetch?session_id=999999999')).toEqual([
        400,
        'Invalid session - Session not found or inaccessible',
      ]);
      await api.giveToken('ben', 'sessions:read');
      try {
        expect(await refused('ben', 'shop/sessions', web)).toEqual([
          403,
          'this token lacks the scope redeploy',
        ]);
      } finally {
        await api.giveToken('ben');
      }
    });
  },
);
