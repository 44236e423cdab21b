import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent, NewAuditEvent } from '../../src/domain/audit.ts';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { PosternError } from '../../src/domain/errors.ts';
import type { TotpPolicy } from '../../src/domain/factor.ts';
import type { Store, Stores } from '../../src/domain/store.ts';
import type { NewToken } from '../../src/domain/token.ts';
import { createConsole } from '../../src/web/console.ts';
import { addMachine, addSession, openStage, type Stage } from '../api/stage.ts';
import * as example from '../store/examples.ts';
import { codeOf } from '../support/codes.ts';
import { consoleDeps } from './deps.ts';

/** Everything that the console changes is in the audit: who, what, from where, before and after. */

const ORIGIN = 'http://127.0.0.1:8080';
const PASSWORD = 'a-good-password-of-the-console';

let stage: Stage;
let passwordHash: string;
let made = 0;

beforeAll(async () => {
  const opened = await openStage();
  stage = { ...opened, deps: { ...opened.deps, terminateTimeoutMs: 30_000 } };
  passwordHash = await stage.deps.passwords.hash(PASSWORD);
});
afterAll(() => stage.close());

/** A browser and its user, each time others. */
async function somebody(totp: TotpPolicy = 'optional', store: Store = stage.store) {
  made += 1;
  const name = `n${Date.now()}x${made}`;
  const user = await stage.store.users.create({
    ...{ name, email: null, role: 'admin', passwordHash, totp },
  });
  const app = createConsole({ ...consoleDeps(stage), store });
  const cookies = new Map<string, string>();
  const ask = async (path: string, form?: Record<string, string>): Promise<Response> => {
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ');
    const response = await app.request(`${ORIGIN}${path}`, {
      headers: { 'sec-fetch-site': 'same-origin', cookie },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(key, value);
    }
    return response;
  };
  const signIn = () => ask('/signin', { name, password: PASSWORD, next: '/' });
  const isIn = async () => (await ask('/')).status === 200;
  return { user, name, ask, signIn, isIn };
}

type Somebody = Awaited<ReturnType<typeof somebody>>;

interface Act {
  readonly totp?: TotpPolicy;
  /** Before it; answers its path and what its form says. */
  readonly prepare: (who: Somebody) => Promise<readonly [string, Record<string, string>]>;
  /** Its events, each with what it says of the thing. */
  readonly events: readonly (readonly [AuditEvent['type'], object | null, object | null])[];
}

const SIGNED_IN = ['console.signed_in', null, { kind: 'web' }] as const;

async function enrolled({ ask, signIn }: Somebody): Promise<readonly [string, { code: string }]> {
  await signIn();
  const page = await (await ask('/signin/code')).text();
  const secret = /[?&](?:amp;)?secret=([A-Z2-7]+)/.exec(page)?.[1] ?? '';
  return ['/signin/code', { code: codeOf(secret) }];
}

async function asked({ user, signIn }: Somebody): Promise<string> {
  const { store } = stage;
  await signIn();
  const { user: asker } = await somebody();
  const machine = await addMachine(stage, `m${asker.name}`);
  const ends = { to: { userId: asker.id }, on: { machineId: machine.id } };
  const grant = await store.grants.create(example.grant(ends));
  const approval = await store.approvals.create({
    ...{ grantId: grant.id, userId: asker.id, userName: asker.name, login: 'deploy' },
    ...{ kind: 'shell', machineId: machine.id, machineName: machine.name, node: 'node-a' },
    ...{ by: { userId: user.id }, byName: `user ${user.name}`, source: '192.0.2.7' },
    ...{ askedAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000) },
  });
  return `/approvals/apr_${approval?.id}`;
}

const ACTS: Readonly<Record<string, Act>> = {
  '/signin': {
    prepare: async ({ name }) => ['/signin', { name, password: PASSWORD, next: '/' }],
    events: [SIGNED_IN],
  },
  '/signin/code': {
    totp: 'required',
    prepare: enrolled,
    events: [['totp.enrolled', { second_factor: false }, { second_factor: true }], SIGNED_IN],
  },
  '/signin/:link': {
    prepare: async ({ user }) => {
      const link = newBearer();
      const expiresAt = new Date(Date.now() + 60_000);
      const hash = await hashBearer(link);
      await stage.store.tokens.createSignIn({ hash, userId: user.id, expiresAt });
      return [`/signin/${link}`, {}];
    },
    events: [SIGNED_IN],
  },
  '/signout': {
    prepare: async ({ signIn }) => {
      await signIn();
      return ['/signout', {}];
    },
    events: [['console.signed_out', { kind: 'web' }, null]],
  },
  '/approvals/:id': {
    prepare: async (who) => [await asked(who), { verdict: 'approved', reason: 'go on' }],
    events: [
      [
        'approval.granted',
        { status: 'pending', decided_by: null },
        { status: 'approved', reason: 'go on' },
      ],
    ],
  },
  '/sessions/:id/terminate': {
    prepare: async ({ user, name, signIn }) => {
      await signIn();
      const session = await addSession(stage, user, await addMachine(stage, `m${name}`));
      return [`/sessions/sess_${session.id}/terminate`, {}];
    },
    events: [['session.terminated', { status: 'pending' }, { status: 'stopped' }]],
  },
};

/** The control plane notes it, for all ways to begin a session. */
const NOT_HERE = ['/terminal'];

async function newest(): Promise<number> {
  const { rows } = await stage.store.audit.list({}, { limit: 1 });
  return rows[0]?.id ?? 0;
}

test('every form of the console is tried here', () => {
  const { routes } = createConsole(consoleDeps(stage));
  const forms = routes.filter(({ method }) => method === 'POST').map(({ path }) => path);
  expect([...Object.keys(ACTS), ...NOT_HERE].sort()).toEqual([...new Set(forms)].sort());
});

test.each(Object.entries(ACTS))(
  '%s says who, what, from where, before and after',
  async (_, act) => {
    const who = await somebody(act.totp);
    const [path, form] = await act.prepare(who);
    const last = await newest();
    const response = await who.ask(path, form);
    expect(response.status).toBeLessThan(400);
    const { rows } = await stage.store.audit.list({}, { limit: 100 });
    const events = rows.filter(({ id }) => id > last).toReversed();
    expect(events.map(({ type }) => type)).toEqual(act.events.map(([type]) => type));
    for (const [at, [, before, after]] of act.events.entries()) {
      expect(events[at]).toMatchObject({ actor: who.name, source: '192.0.2.1', before, after });
    }
    const said = JSON.stringify(rows);
    for (const secret of [PASSWORD, form['code'], path.split('/signin/')[1]]) {
      if (secret !== undefined && secret !== 'code') expect(said).not.toContain(secret);
    }
  },
);

/** The stage's store, whose audit takes no event of this type; `tokens`: what was made in it. */
function without(type: AuditEvent['type']): { readonly store: Store; readonly tokens: number[] } {
  const made: number[] = [];
  const deaf = <Some extends Stores>({ audit, tokens, ...stores }: Some) => ({
    ...stores,
    audit: Object.assign(Object.create(audit), {
      append: (event: NewAuditEvent) =>
        event.type === type ? Promise.reject(new PosternError('store.down')) : audit.append(event),
    }),
    tokens: Object.assign(Object.create(tokens), {
      create: async (token: NewToken) => {
        const { id } = await tokens.create(token);
        made.push(id);
        return { ...token, id };
      },
      getByHash: (hash: string, now: Date) => tokens.getByHash(hash, now),
      revoke: (id: number) => tokens.revoke(id),
    }),
  });
  const { store } = stage;
  const work: Store['transaction'] = (within) => store.transaction((some) => within(deaf(some)));
  return { store: { ...deaf(store), transaction: work }, tokens: made };
}

test('who cannot be noted as signed in has no token', async () => {
  const { store, tokens } = without('console.signed_in');
  const who = await somebody('optional', store);
  expect((await who.signIn()).status).toBe(503);
  expect(tokens).toHaveLength(1);
  expect(await stage.store.tokens.revoke(tokens[0] ?? 0)).toBeNull();
});

test('who cannot be noted as signed out stays in', async () => {
  const who = await somebody('optional', without('console.signed_out').store);
  await who.signIn();
  expect((await who.ask('/signout', {})).status).toBe(503);
  expect(await who.isIn()).toBe(true);
});
