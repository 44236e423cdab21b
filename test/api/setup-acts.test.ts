import { expect, test } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { call, openStage, type Stage, tokenFor } from './stage.ts';

/** What a file sets up, changes and prunes is in the audit, thing by thing. */

const PASSWORDS = [
  'first-horse-battery',
  'second-horse-battery',
  'hunter2-hunter2',
  'hunter3-hunter3',
];
const [key, otherKey, authority] = [generateHostKey(), generateHostKey(), generateHostKey()];

/** Two set-ups with the same names that differ in each thing. */
function setup(second: boolean) {
  const stack = { name: 'shop', project: 'shop', login: 'root', recording: 'required' };
  const terms = {
    ...{ logins: [], allow: second ? ['shell', 'exec'] : ['shell'], forward_to: [] },
    ...{ from_networks: [], until: null, max_session: null, idle_timeout: null },
  };
  return {
    users: [
      {
        ...{ name: 'zoe', email: null, role: second ? 'viewer' : 'member' },
        ...{ keys: [(second ? otherKey : key).publicLine], password: PASSWORDS[second ? 1 : 0] },
      },
      { name: 'root', email: null, role: 'admin', keys: [], password: null },
    ],
    groups: [{ name: 'ops', members: second ? [] : ['zoe'] }],
    machines: [
      {
        ...{ name: 'web1', host: second ? 'b.example.org' : 'a.example.org', login: 'deploy' },
        ...{ kind: 'ssh', recording: 'required', tags: {}, description: '' },
        auth: { type: 'password', password: PASSWORDS[second ? 3 : 2] },
      },
    ],
    grants: [{ to: { group: 'ops' }, on: { machine: 'web1' }, ...terms }],
    certificate_authorities: [
      { name: 'ca', key: authority.publicLine, match_user_name: second, principals: {} },
    ],
    alerts: [
      { name: 'deletes', pattern: second ? 'rm' : 'mkfs', kind: null, machine: null, group: null },
    ],
    stacks: [
      {
        ...{ ...stack, session_limit: second ? 14 : 15, over_limit: 'evict-oldest' },
        engine: 'unix:///nowhere/docker.sock',
      },
    ],
  };
}

/** What there is in the end: nobody but an admin. */
const NOTHING = {
  users: [{ name: 'root', email: null, role: 'admin', keys: [], password: null }],
  ...{ groups: [], machines: [], grants: [], certificate_authorities: [], alerts: [], stacks: [] },
};

interface Change {
  readonly action: 'create' | 'update' | 'remove';
  readonly kind: string;
  readonly name: string;
}

async function applied(stage: Stage, token: string, body: object) {
  const { rows } = await stage.store.audit.list({}, { limit: 1 });
  const last = rows[0]?.id ?? 0;
  const answer = await call(stage, 'POST', '/v1/setup', { token, body: { ...body, prune: true } });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const changes: readonly Change[] = answer.body.data.changes;
  const all = await stage.store.audit.list({}, { limit: 100 });
  return { changes, events: all.rows.filter(({ id }) => id > last).toReversed() };
}

function shape({ before, after }: AuditEvent): Change['action'] {
  if (before === null) return 'create';
  return after === null ? 'remove' : 'update';
}

test('each thing that a set-up makes, changes and removes is an event with before and after', async () => {
  const stage = await openStage();
  try {
    const token = await tokenFor(stage, null, ['admin']);
    const kinds = new Set<string>();
    for (const body of [setup(false), setup(true), NOTHING]) {
      const { changes, events } = await applied(stage, token, body);
      const said = events.map((event) => [shape(event), event.detail['name']]);
      expect(said).toEqual(changes.map(({ action, name }) => [action, name]));
      for (const event of events) {
        expect(event).toMatchObject({ actor: 't', source: '192.0.2.1', detail: { by: 'setup' } });
        expect([event.type, Object.keys({ ...event.before, ...event.after }).length]).not.toEqual([
          event.type,
          0,
        ]);
      }
      for (const { action, kind } of changes) kinds.add(`${action} ${kind}`);
    }
    const things = [
      ...['alert_rule', 'certificate_authority', 'grant', 'group', 'machine', 'stack', 'user'],
    ];
    const wanted = ['create', 'update', 'remove'].flatMap((action) =>
      things.map((kind) => `${action} ${kind}`),
    );
    // A key is not changed, but another one.
    expect([...kinds].sort()).toEqual([...wanted, 'create key', 'remove key'].sort());
    let all = '';
    for await (const event of stage.store.audit.walk({})) all += JSON.stringify(event);
    for (const secret of PASSWORDS) expect(all).not.toContain(secret);
  } finally {
    await stage.close();
  }
});
