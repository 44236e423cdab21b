import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { Bastion, SessionView } from '../support/bastion.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** Milliseconds within which what was taken away must be gone. */
const IN_TIME_MS = 2000;

/** What a test applies. */
interface State {
  readonly to: { readonly user: string } | { readonly group: string };
  readonly terms: Readonly<Record<string, unknown>> & { readonly allow: readonly string[] };
  readonly members: readonly string[];
  readonly tag: string;
}

/** A running `ssh` and what it said. */
interface Live {
  readonly id: string;
  readonly ended: Promise<number | null>;
  readonly errors: () => string;
}

needs('ssh', 'sshd').describe('a live session', () => {
  let stage: Stage;
  let bastion: Bastion;
  beforeAll(async () => {
    stage = await openStage();
    bastion = stage.bastion;
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** A user of this test's own, with a group, a machine and a grant; `change` applies another state. */
  async function scene(name: string, first: Partial<State> = {}) {
    const client = await newClient(() => bastion.ssh);
    let state: State = {
      to: { user: name },
      terms: { allow: ['shell', 'exec'] },
      members: [name],
      tag: name,
      ...first,
    };
    const apply = async (change: Partial<State> = {}): Promise<void> => {
      state = { ...state, ...change };
      const answer = await bastion.api('setup', {
        method: 'POST',
        body: setup(name, client.publicKey, state),
      });
      expect(answer).toMatchObject({ status: 200 });
    };
    await apply();
    return { client, apply, [Symbol.dispose]: () => client[Symbol.dispose]() };
  }

  function setup(name: string, key: string, { to, terms, members, tag }: State): unknown {
    const { host, port, login, keyFile } = stage.sshd;
    const user = { name, email: null, role: 'member', keys: [key], password: null };
    const machine = {
      ...{ name: `${name}-box`, kind: 'ssh', host, port, login, host_key: null },
      auth: { type: 'key', private_key: readFileSync(keyFile, 'utf8') },
      ...{ host_key_policy: 'accept-new', recording: 'off', tags: { for: tag }, description: '' },
    };
    const nothing = { logins: [], forward_to: [], from_networks: [], until: null };
    const grant = { ...nothing, max_session: null, idle_timeout: null, ...terms };
    return {
      users: [user],
      groups: [{ name: `${name}-group`, members }],
      machines: [machine],
      grants: [{ to, on: { tag: { key: 'for', value: name } }, ...grant }],
      dry_run: false,
      prune: false,
    };
  }

  async function running(name: string, client: SshClient, child?: ChildProcess): Promise<Live> {
    const ssh = child ?? client.spawn(`${name}+${name}-box`, 'echo ready; exec sleep 1000');
    const ended = new Promise<number | null>((resolve) => ssh.once('close', resolve));
    let errors = '';
    ssh.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    let out = '';
    ssh.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    await eventually('the program runs', () => out.includes('ready'));
    const session = await eventually('it is active', async () => {
      const [found] = await bastion.sessions(`status=active&search=${name}`);
      return found;
    });
    return { id: session.id, ended, errors: () => errors };
  }

  async function endsRevoked(live: Live, line: string): Promise<SessionView> {
    const before = performance.now();
    expect(await within('ssh ends', live.ended, IN_TIME_MS)).toBe(255);
    expect(performance.now() - before).toBeLessThan(IN_TIME_MS);
    expect(live.errors()).toContain(`postern: ${line}`);
    const session = await eventually('the row says so', async () => {
      const found = await bastion.session(live.id);
      return found.ended_at === null ? null : found;
    });
    expect(session).toMatchObject({ status: 'stopped', end_reason: 'access_revoked' });
    const answer = await bastion.api(`audit?session_id=${live.id}&type=session.ended`);
    const { events } = dataOf(answer) as { events: readonly { detail: unknown }[] };
    expect(events).toMatchObject([{ detail: { reason: 'access_revoked' } }]);
    return session;
  }

  async function idOf(kind: 'users' | 'machines', name: string): Promise<string> {
    const data = dataOf(await bastion.api(`${kind}?search=${name}`)) as Record<
      string,
      readonly { readonly id: string }[]
    >;
    return data[kind]?.[0]?.id ?? '';
  }

  async function change(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await bastion.api(path, { method, ...(body === undefined ? {} : { body }) });
    expect(answer).toMatchObject({ body: { success: true } });
  }

  test('ends when its grant is removed', async () => {
    using here = await scene('ann');
    const live = await running('ann', here.client);
    const list = dataOf(await bastion.api(`grants?user_id=${await idOf('users', 'ann')}`));
    const [grant] = (list as { grants: readonly { id: string }[] }).grants;
    await change('DELETE', `grants/${grant?.id}`);
    await endsRevoked(live, 'your access to ann-box was taken back');
    expect(await here.client.ssh('ann+ann-box', 'true')).toMatchObject({ status: 255 });
  });

  test('ends when its grant is narrowed to another login', async () => {
    using here = await scene('ben');
    const live = await running('ben', here.client);
    await here.apply({ terms: { allow: ['shell', 'exec'], logins: ['nobody'] } });
    await endsRevoked(live, `no grant allows you the login ${stage.sshd.login} on ben-box`);
  });

  test('ends when its grant is narrowed to other networks', async () => {
    using here = await scene('cat');
    const live = await running('cat', here.client);
    await here.apply({ terms: { allow: ['shell', 'exec'], from_networks: ['192.0.2.0/24'] } });
    await endsRevoked(live, 'your grant on cat-box is not valid from this address');
  });

  test('ends when a capability that it uses is taken back, and not for another', async () => {
    using here = await scene('dan', { terms: { allow: ['shell', 'exec', 'sftp'] } });
    const live = await running('dan', here.client);
    await here.apply({ terms: { allow: ['shell', 'exec'] } });
    // The next change is seen after this one.
    await here.apply({ terms: { allow: ['shell'] } });
    await endsRevoked(live, 'you may not use exec on dan-box any more');
  });

  test('ends when its grant is made to have expired, and when it expires', async () => {
    using here = await scene('eve');
    const live = await running('eve', here.client);
    const soon = new Date(Date.now() + 1200).toISOString();
    await here.apply({ terms: { allow: ['shell', 'exec'], until: soon } });
    await endsRevoked(live, 'your grant on eve-box has expired');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
  });

  test('ends when its user is disabled', async () => {
    using here = await scene('fay');
    const live = await running('fay', here.client);
    await change('PATCH', `users/${await idOf('users', 'fay')}`, { disabled: true });
    await endsRevoked(live, 'your account was disabled or removed');
  });

  test('ends when its user is removed', async () => {
    using here = await scene('gus');
    const live = await running('gus', here.client);
    await change('DELETE', `users/${await idOf('users', 'gus')}`);
    const session = await endsRevoked(live, 'your account was disabled or removed');
    expect(session.user.name).toBe('gus');
  });

  test('ends when the key that signed in is removed, and not for another key', async () => {
    using here = await scene('hal');
    const live = await running('hal', here.client);
    const user = await idOf('users', 'hal');
    using other = await newClient(() => bastion.ssh);
    const added = await bastion.api(`users/${user}/keys`, {
      method: 'POST',
      body: { key: other.publicKey },
    });
    expect(added.status).toBe(201);
    const { keys } = dataOf(await bastion.api(`users/${user}/keys`)) as {
      keys: readonly { readonly id: string; readonly fingerprint: string }[];
    };
    const made = (added.body?.data as { readonly id: string } | undefined)?.id;
    const newer = keys.find(({ id }) => id === made);
    const older = keys.find(({ id }) => id !== made);
    await change('DELETE', `users/${user}/keys/${newer?.id}`);
    expect((await bastion.session(live.id)).status).toBe('active');
    await change('DELETE', `users/${user}/keys/${older?.id}`);
    await endsRevoked(
      live,
      'the key, certificate or password that you signed in with is not valid any more',
    );
  });

  test('ends when the password that signed in is changed', async () => {
    using here = await scene('ida');
    const user = await idOf('users', 'ida');
    await change('PATCH', `users/${user}`, { password: 'a first long password' });
    const child = here.client.spawnWithPassword(
      'ida+ida-box',
      'a first long password',
      'echo ready; exec sleep 1000',
    );
    const live = await running('ida', here.client, child);
    await change('PATCH', `users/${user}`, { password: 'another long password' });
    await endsRevoked(
      live,
      'the key, certificate or password that you signed in with is not valid any more',
    );
  });

  test('ends when its machine is removed', async () => {
    using here = await scene('jan');
    const live = await running('jan', here.client);
    await change('DELETE', `machines/${await idOf('machines', 'jan-box')}`);
    const session = await endsRevoked(live, 'machine jan-box was removed');
    expect(session.machine.name).toBe('jan-box');
  });

  test('ends when its user leaves the group that was granted', async () => {
    using here = await scene('kim', { to: { group: 'kim-group' } });
    const live = await running('kim', here.client);
    await here.apply({ members: [] });
    await endsRevoked(live, 'your access to kim-box was taken back');
  });

  test('ends when its machine loses the tag that was granted', async () => {
    using here = await scene('lea');
    const live = await running('lea', here.client);
    await here.apply({ tag: 'nobody' });
    await endsRevoked(live, 'your access to lea-box was taken back');
  });

  test('ends under a terminal, which shows why', async () => {
    using here = await scene('max');
    await using screen = here.client.terminal('max+max-box');
    await screen.until('a prompt', () => screen.text !== '');
    await change('PATCH', `users/${await idOf('users', 'max')}`, { disabled: true });
    expect(await screen.exited(IN_TIME_MS)).toBe(255);
    expect(screen.text).toContain('postern: your account was disabled or removed');
  });

  test('ends though nothing runs in it, and nothing begins on its connection', async () => {
    using here = await scene('ned');
    const control = here.client.path('control');
    const master = ['-o', 'ControlMaster=yes', '-o', `ControlPath=${control}`, '-N'];
    const child = here.client.spawn('ned+ned-box', null, master);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await eventually('the master listens', () => existsSync(control));
    const through = ['-o', `ControlPath=${control}`];
    expect(await here.client.ssh('ned+ned-box', 'true', { more: through })).toMatchObject({
      status: 0,
    });
    const [session] = await bastion.sessions('status=active&search=ned');
    await change('DELETE', `users/${await idOf('users', 'ned')}`);
    await within('the connection ends', ended, IN_TIME_MS);
    await eventually('the row says so', async () => {
      return (await bastion.session(session?.id ?? '')).end_reason === 'access_revoked';
    });
  });

  test('goes on while its machine is renamed and moved, and others lose what is theirs', async () => {
    using here = await scene('oda');
    using other = await scene('pia');
    const live = await running('oda', here.client);
    const gone = await running('pia', other.client);
    await change('PATCH', `machines/${await idOf('machines', 'oda-box')}`, {
      name: 'oda-crate',
      host: '127.0.0.3',
      description: 'moved',
    });
    await change('DELETE', `users/${await idOf('users', 'pia')}`);
    await endsRevoked(gone, 'your account was disabled or removed');
    expect((await bastion.session(live.id)).status).toBe('active');
    await change('DELETE', `sessions/${live.id}`);
    expect(await live.ended).toBe(255);
  });
});
