import { randomUUID } from 'node:crypto';
import type { StackAction } from '../../src/domain/container-session.ts';
import type { Store } from '../../src/domain/store.ts';
import * as example from '../store/examples.ts';
import type { History } from './history.ts';

/** What stands for `{…}` in a path, by the word before it, or by its own name: `{channel}`. */
export type ExampleIds = Readonly<Record<string, string>>;

/** Of things that only admins reach: the demand is looked at before the thing is. */
const ADMINS = [
  'groups',
  'grants',
  'certificate-authorities',
  'revocations',
  'tokens',
  'alert-rules',
];

/** Of ada's, with whom bob has nothing to do; makes what `openHistory` has not made. */
export async function exampleIds({ stage, ada, web1, ended }: History): Promise<ExampleIds> {
  const { store } = stage;
  const key = await store.users.addKey(ada.id, example.key(randomUUID()));
  const to = { userId: ada.id };
  const grant = await store.grants.create(example.grant({ to, on: { machineId: web1.id } }));
  const askedAt = new Date();
  const approval = await store.approvals.create({
    ...{ grantId: grant.id, userId: ada.id, userName: ada.name, login: 'deploy', kind: 'shell' },
    ...{ machineId: web1.id, machineName: web1.name, by: to, byName: `user ${ada.name}` },
    ...{ node: 'node-a', source: '192.0.2.7', askedAt },
    expiresAt: new Date(askedAt.getTime() + 3_600_000),
  });
  const action = await stackAction(store, ada.id);
  return {
    ...Object.fromEntries(ADMINS.map((word) => [word, '1'])),
    sessions: String(ended.id),
    machines: String(web1.id),
    users: String(ada.id),
    keys: String(key.id),
    approvals: String(approval?.id),
    replay: '1',
    // A build and a segment of a replay: no such one is there.
    '{channel}': '0'.repeat(32),
    '{build}': '0',
    stacks: 'shop',
    services: 'web',
    actions: String(action.id),
    '{uid_json}': 'shop.json',
    '{id_json}': `${action.id}.json`,
    '{name_json}': 'web.json',
    '{container_json}': `${'0'.repeat(64)}.json`,
  };
}

/** Of a stack named shop, whose engine is nowhere. */
async function stackAction(store: Store, userId: number): Promise<StackAction> {
  const stack = await store.stacks.create(example.stack({ name: 'shop' }));
  const machineId = await store.stacks.machineOf(stack, 'web');
  // Without it the session, which nobody has come to, would be ended.
  const ends = { to: { userId }, on: { stackId: stack.id } };
  await store.grants.create(example.grant({ ...ends, allow: ['shell'] }));
  const { id: sessionId } = await store.containerSessions.create(
    example.session({ userId, machineId, machineName: 'shop.web' }),
    {
      stackId: stack.id,
      service: 'web',
      code: 'abcd2345',
      tokenId: null,
      expiresAt: new Date(Date.now() + 6e6),
    },
  );
  return await store.stackActions.create({
    ...{ userId, userName: 'ada', stackId: stack.id, sessionId, action: 'create_session' },
    ...{ node: 'node-b', startedAt: new Date() },
  });
}

/** `/v1/users/{id}/keys/{key_id}` with ids, `own` before the examples. Throws for a kind of id that has no example above. */
export function withExamples(path: string, ids: ExampleIds, own: ExampleIds = {}): string {
  const parts = path.split('/');
  return parts
    .map((part, at) => {
      if (!part.startsWith('{')) return part;
      const before = parts[at - 1] ?? '';
      const [name = part, ending = ''] = /^(\{.+\})(.*)$/.exec(part)?.slice(1) ?? [];
      const id = own[name] ?? (name.endsWith('_json}') ? ids[name] : (ids[before] ?? ids[name]));
      if (id === undefined) {
        throw new Error(
          `${path} needs an example of ${name}: add "${before}" to test/api/example-ids.ts`,
        );
      }
      return id + ending;
    })
    .join('/');
}
