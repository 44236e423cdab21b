import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROLES, type Role, type Scope, scopesOfRole } from '../../src/domain/role.ts';
import { type ExampleIds, exampleIds, withExamples } from './example-ids.ts';
import { type History, openHistory } from './history.ts';
import { type ServedOperation, servedOperations } from './operations.ts';
import { UNPERMITTED } from './shop.ts';
import { type Answer, addUser, call, tokenFor } from './stage.ts';

/** Every operation of the OpenAPI document, tried by somebody who is signed in, on what is ada's. */

let history: History;
let ids: ExampleIds;
let operations: readonly ServedOperation[];
/** Of a member and a viewer, with all that their roles allow. */
const strangers = new Map<Role, string>();

beforeAll(async () => {
  history = await openHistory();
  ids = await exampleIds(history);
  operations = await servedOperations(history.stage);
  for (const role of ROLES.filter((one) => one !== 'admin')) {
    const user = await addUser(history.stage, `stranger-${role}`, role);
    strangers.set(role, await tokenFor(history.stage, user, scopesOfRole(role)));
  }
});

afterAll(() => history.stage.close());

/** Tokens of those whose role holds what the operation demands. */
function strangersFor({ access }: ServedOperation): string[] {
  if (access === 'public') return [];
  return [...strangers]
    .filter(([role]) => access === 'signed-in' || scopesOfRole(role).includes(access as Scope))
    .map(([, token]) => token);
}

const isOne = ({ path }: ServedOperation): boolean => path.includes('{');

/** What tells that something is ada's or of her machine. */
const MARKS = ['"ada"', 'web1', 'ada@example.org', 'second channel'];

/** What reading changes, what never ends, and what says another thing at another time. */
const MOVING = [
  '/v1/audit',
  '/v1/tokens',
  '/v1/events',
  '/v1/sessions/stats',
  '/v1/sessions/{id}/replay',
];

/** Everything else that an admin reads with a GET, as JSON. */
async function everything(): Promise<Record<string, unknown>> {
  const gets = operations.filter(({ method, path }) => {
    return method === 'GET' && !MOVING.includes(path);
  });
  const all: Record<string, unknown> = {};
  for (const { name, path, operation } of gets) {
    if (operation.responses['200']?.content?.['application/json'] === undefined) continue;
    const { body } = await call(history.stage, 'GET', withExamples(path, ids), {
      token: history.admin,
    });
    all[name] = body.data;
  }
  return all;
}

/** What says that a thing is not there; sessions of containers have the words of Cloud 66. */
function absence({ body }: Answer): string {
  return typeof body.error === 'string' ? body.error : body.error?.code;
}

function absent(path: string): readonly [number, string] {
  if (/^\/(v1|api\/3)\/stacks\/[^/]+\/sessions/.test(path)) return [400, UNPERMITTED];
  return path.includes('/stacks/') ? [404, 'no stack shop that you may see'] : [404, 'NOT_FOUND'];
}

test('what is named by its id is not there for others, and stays as it was', async () => {
  const before = await everything();
  for (const one of operations.filter(isOne)) {
    for (const token of strangersFor(one)) {
      const body = one.operation.requestBody?.required === true ? {} : undefined;
      const path = withExamples(one.path, ids);
      const answer = await call(history.stage, one.method, path, { token, body });
      expect([one.name, answer.status, absence(answer)]).toEqual([one.name, ...absent(one.path)]);
    }
  }
  expect(await everything()).toEqual(before);
});

test('the same is there for who sees everything', async () => {
  const gets = operations.filter((one) => one.method === 'GET' && isOne(one));
  // The build of a replay is known to who has its index.
  const found = gets.filter((one) => strangersFor(one).length > 0 && !one.path.includes('{build}'));
  expect(found.length).toBeGreaterThan(5);
  for (const { name, path } of found) {
    const answer = await call(history.stage, 'GET', withExamples(path, ids), {
      token: history.admin,
    });
    expect([name, answer.status === 404]).toEqual([name, false]);
  }
});

test('what is not named by an id tells others nothing of hers', async () => {
  for (const one of operations.filter((each) => !isOne(each) && each.method === 'GET')) {
    // Never ends; test/e2e/events.test.ts looks at whose events come.
    if (one.path === '/v1/events') continue;
    for (const token of strangersFor(one)) {
      const query = one.operation.parameters?.some(({ name }) => name === 'q') ? '?q=total' : '';
      const status = one.operation.parameters?.some(({ name }) => name === 'status');
      const all = status && one.path !== '/v1/machines' ? '?status=all' : query;
      const { status: code, body } = await call(history.stage, 'GET', one.path + all, { token });
      expect([one.name, code]).toEqual([one.name, 200]);
      const text = JSON.stringify(body);
      for (const mark of MARKS)
        expect([one.name, mark, text.includes(mark)]).toEqual([one.name, mark, false]);
    }
  }
});

test('the marks that are looked for are in what an admin sees', async () => {
  const text = JSON.stringify(await everything());
  for (const mark of MARKS) expect([mark, text.includes(mark)]).toEqual([mark, true]);
});
