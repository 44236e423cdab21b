import { newTotpSecret } from '../../src/control/totp.ts';
import { Secret } from '../../src/domain/secret.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import * as example from '../store/examples.ts';
import type { TestEngine } from '../support/test-engine.ts';
import type { History } from './history.ts';
import { addRecording, addSession, addUser, tokenFor } from './stage.ts';

/** What one operation of the API is asked for, and what the audit says of it. */
export interface Act {
  /** What stands for the ids in its path, one after the other. */
  readonly ids?: readonly (number | string)[];
  readonly body?: unknown;
  /** Null: the admin's. */
  readonly token?: string;
  readonly actor?: string;
  readonly type: string;
  readonly states: 'made' | 'changed' | 'removed' | 'none';
}

/** Texts that no event may have. */
export const SECRETS = {
  password: 'first-horse-battery-staple',
  other: 'second-horse-battery-staple',
  machine: 'hunter2-hunter2-hunter2',
  totp: newTotpSecret(),
};

const publicKey = (): string => generateHostKey().publicLine;
const auth = { type: 'password', password: SECRETS.machine };

/**
 * Everything that changes something, by its name in the OpenAPI document, with what it is done to made before it;
 * each name is new, so that each can be done again.
 */
export function actsOf({ stage, ada, web1, ended, live }: History, engine: TestEngine) {
  const { store } = stage;
  let made = 0;
  const name = (): string => {
    made += 1;
    return `n${Date.now()}x${made}`;
  };
  const person = () => addUser(stage, name());
  const machine = () => store.machines.create(example.machine({ name: name() }));
  const group = () => store.groups.create(name(), [ada.id], null);
  const rule = { pattern: 'rm\\s+-rf', kind: null, machineId: null, groupId: null };
  const authority = async () => {
    const { algorithm, blob, fingerprint } = example.key(name());
    const key = { name: name(), algorithm, blob, fingerprint };
    return await store.authorities.create({ ...key, matchUserName: true, principals: {} });
  };
  const recorded = async () => {
    const session = await addSession(stage, ada, web1, {});
    await addRecording(stage, session, 1, { outputs: ['hello\r\n'] });
    await store.sessions.end(session.id, {
      ...{ endedAt: new Date(), reason: 'client_closed', bytesIn: 1, bytesOut: 1 },
    });
    return session.id;
  };
  const held = async () => {
    const id = await recorded();
    await store.recordings.hold(id, { at: new Date(), by: 'eve', reason: 'a case' });
    return id;
  };
  const asked = async (): Promise<Pick<Act, 'ids' | 'token' | 'actor'>> => {
    const [lena, bob] = [await person(), await person()];
    const to = { userId: bob.id };
    const grant = await store.grants.create(example.grant({ to, on: { machineId: web1.id } }));
    const approval = await store.approvals.create({
      ...{ grantId: grant.id, userId: bob.id, userName: bob.name, login: 'deploy', kind: 'shell' },
      ...{ machineId: web1.id, machineName: web1.name, by: { userId: lena.id } },
      ...{ byName: `user ${lena.name}`, node: 'node-a', source: '192.0.2.7' },
      ...{ askedAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000) },
    });
    const token = await tokenFor(stage, lena, ['sessions:read', 'sessions:write']);
    return { ids: [approval?.id ?? 0], token, actor: lena.name };
  };
  /** Somebody who may enter the containers of a new stack. */
  const stack = async (): Promise<Pick<Act, 'ids' | 'token' | 'actor'>> => {
    const [user, project] = [await person(), 'shop'];
    const { address } = engine;
    const one = await store.stacks.create(
      example.stack({ name: name(), engine: address, project }),
    );
    const to = { userId: user.id };
    await store.grants.create(example.grant({ to, on: { stackId: one.id } }));
    const token = await tokenFor(stage, user, ['redeploy']);
    return { ids: [one.name], token, actor: user.name };
  };
  const reaching = async (): Promise<Pick<Act, 'ids' | 'token' | 'actor'>> => {
    const user = await person();
    await store.grants.create(
      example.grant({ to: { userId: user.id }, on: { machineId: web1.id } }),
    );
    const token = await tokenFor(stage, user, ['sessions:write', 'machines:read']);
    return { ids: [web1.id], token, actor: user.name };
  };

  const acts: Readonly<Record<string, () => Promise<Act>>> = {
    'POST /v1/counters/rebuild': async () => {
      // As if one had been missed.
      await stage.counters.count({ ...live, status: 'failed' });
      return { type: 'counters.rebuilt', states: 'changed' };
    },
    'DELETE /v1/sessions/{id}': async () => {
      const { id } = await addSession(stage, ada, web1, {});
      return { ids: [id], type: 'session.terminated', states: 'changed' };
    },
    'DELETE /v1/sessions/{id}/recording': async () => {
      return { ids: [await recorded()], type: 'recording.removed', states: 'removed' };
    },
    'POST /v1/sessions/{id}/recording/analysis': async () => {
      return { ids: [ended.id], type: 'recordings.analysed_again', states: 'none' };
    },
    'POST /v1/recordings/analysis': async () => {
      return { type: 'recordings.analysed_again', states: 'none' };
    },
    'POST /v1/sessions/{id}/recording/verification': async () => {
      return { ids: [ended.id], type: 'recording.verified', states: 'none' };
    },
    'PUT /v1/sessions/{id}/legal-hold': async () => {
      const body = { reason: 'a case' };
      return { ids: [await recorded()], body, type: 'recording.held', states: 'changed' };
    },
    'DELETE /v1/sessions/{id}/legal-hold': async () => {
      return { ids: [await held()], type: 'recording.released', states: 'changed' };
    },
    'POST /v1/recordings/sweep': async () => ({
      ...{ body: { dry_run: false }, type: 'recordings.swept', states: 'none' },
    }),
    'POST /v1/alert-rules': async () => ({
      ...{ body: { name: name(), pattern: 'x' }, type: 'alert_rule.created', states: 'made' },
    }),
    'DELETE /v1/alert-rules/{id}': async () => {
      const { id } = await store.alerts.create({ ...rule, name: name() });
      return { ids: [id], type: 'alert_rule.removed', states: 'removed' };
    },
    'POST /v1/machines/{id}/test': async () => {
      return { ...(await reaching()), body: {}, type: 'machine.tried', states: 'none' };
    },
    'POST /v1/machines': async () => {
      const body = { name: name(), host: 'a.example.org', username: 'deploy', auth };
      return { body, type: 'machine.created', states: 'made' };
    },
    'PUT /v1/machines/{id}': async () => {
      const { id, name: same } = await machine();
      const body = { name: same, host: 'b.example.org', username: 'root', auth };
      return { ids: [id], body, type: 'machine.changed', states: 'changed' };
    },
    'PATCH /v1/machines/{id}': async () => {
      const body = { host: 'b.example.org', auth };
      return { ids: [(await machine()).id], body, type: 'machine.changed', states: 'changed' };
    },
    'DELETE /v1/machines/{id}': async () => {
      return { ids: [(await machine()).id], type: 'machine.removed', states: 'removed' };
    },
    'POST /v1/users': async () => {
      const body = { name: name(), role: 'member', password: SECRETS.password };
      return { body, type: 'user.created', states: 'made' };
    },
    'PUT /v1/users/{id}': async () => {
      const { id, name: same } = await person();
      const body = { name: same, role: 'viewer', email: null, password: SECRETS.password };
      return { ids: [id], body, type: 'user.changed', states: 'changed' };
    },
    'PATCH /v1/users/{id}': async () => {
      const body = { role: 'viewer', password: SECRETS.other };
      return { ids: [(await person()).id], body, type: 'user.changed', states: 'changed' };
    },
    'DELETE /v1/users/{id}': async () => {
      return { ids: [(await person()).id], type: 'user.removed', states: 'removed' };
    },
    'PUT /v1/users/{id}/permissions': async () => {
      const machine_id = `mch_${(await machine()).id}`;
      const body = { machine_access: [{ machine_id, access_level: 'connect_only' }] };
      const type = 'user.permissions_changed';
      return { ids: [(await person()).id], body, type, states: 'changed' };
    },
    'DELETE /v1/users/{id}/totp': async () => {
      const { id } = await person();
      await store.factors.begin(id, new Secret(SECRETS.totp));
      return { ids: [id], type: 'totp.reset', states: 'changed' };
    },
    'POST /v1/users/{id}/keys': async () => {
      const body = { key: publicKey() };
      return { ids: [(await person()).id], body, type: 'key.added', states: 'made' };
    },
    'DELETE /v1/users/{id}/keys/{key_id}': async () => {
      const { id } = await store.users.addKey(ada.id, example.key(name()));
      return { ids: [ada.id, id], type: 'key.removed', states: 'removed' };
    },
    'POST /v1/groups': async () => ({
      ...{ body: { name: name(), members: [`usr_${ada.id}`] }, type: 'group.created' },
      states: 'made',
    }),
    'PATCH /v1/groups/{id}': async () => {
      return {
        ...{ ids: [(await group()).id], body: { members: [] }, type: 'group.changed' },
        states: 'changed',
      };
    },
    'DELETE /v1/groups/{id}': async () => {
      return { ids: [(await group()).id], type: 'group.removed', states: 'removed' };
    },
    'POST /v1/grants': async () => {
      const to = { user: ada.name };
      const body = { to, on: { machine_id: `mch_${(await machine()).id}` }, allow: ['shell'] };
      return { body, type: 'grant.created', states: 'made' };
    },
    'DELETE /v1/grants/{id}': async () => {
      const on = { machineId: (await machine()).id };
      const { id } = await store.grants.create(example.grant({ to: { userId: ada.id }, on }));
      return { ids: [id], type: 'grant.removed', states: 'removed' };
    },
    'POST /v1/approvals/{id}/approve': async () => {
      const body = { reason: 'go on' };
      return { ...(await asked()), body, type: 'approval.granted', states: 'changed' };
    },
    'POST /v1/approvals/{id}/deny': async () => {
      const body = { reason: 'not now' };
      return { ...(await asked()), body, type: 'approval.denied', states: 'changed' };
    },
    'POST /v1/certificate-authorities': async () => ({
      ...{ body: { name: name(), key: publicKey() }, type: 'authority.created', states: 'made' },
    }),
    'PATCH /v1/certificate-authorities/{id}': async () => {
      const body = { principals: { ops: [ada.name] } };
      return { ids: [(await authority()).id], body, type: 'authority.changed', states: 'changed' };
    },
    'DELETE /v1/certificate-authorities/{id}': async () => {
      return { ids: [(await authority()).id], type: 'authority.removed', states: 'removed' };
    },
    'POST /v1/revocations': async () => {
      const body = { kind: 'key_id', value: name(), reason: 'lost' };
      return { body, type: 'revocation.created', states: 'made' };
    },
    'DELETE /v1/revocations/{id}': async () => {
      const entry = { kind: 'key_id', value: name(), authority: null, reason: 'lost' } as const;
      const { id } = await store.revocations.create(entry);
      return { ids: [id], type: 'revocation.removed', states: 'removed' };
    },
    'POST /v1/revocations/import': async () => {
      const body = { entries: [{ kind: 'key_id', value: name() }], reason: 'lost' };
      return { body, type: 'revocation.imported', states: 'made' };
    },
    'POST /v1/tokens': async () => ({
      ...{ body: { name: name(), scopes: ['audit:read'] }, type: 'token.created', states: 'made' },
    }),
    'DELETE /v1/tokens/{id}': async () => {
      const none = { userId: null, expiresAt: null, hash: name() };
      const token = { kind: 'api', name: name(), scopes: ['audit:read'], ...none } as const;
      return {
        ...{ ids: [(await store.tokens.create(token)).id], type: 'token.revoked' },
        states: 'removed',
      };
    },
    'POST /v1/setup': async () => {
      const user = { name: name(), email: null, role: 'member', keys: [] };
      const body = { users: [{ ...user, password: SECRETS.other }] };
      return { body, type: 'user.created', states: 'made' };
    },
    'POST /v1/stacks/{stack_id}/sessions': async () => {
      const body = { service_name: 'web' };
      return { ...(await stack()), body, type: 'container_session.created', states: 'made' };
    },
    'POST /api/3/stacks/{uid}/sessions.json': async () => {
      const body = { service_name: 'web' };
      return { ...(await stack()), body, type: 'container_session.created', states: 'made' };
    },
  };
  return acts;
}
