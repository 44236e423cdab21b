import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { METRICS_TYPE, metricsText } from '../../src/api/metrics-text.ts';
import { Meters } from '../../src/domain/meters.ts';
import { anotherApi, call, openStage, type Stage, tokenFor } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

describe('/metrics', () => {
  const metrics = () =>
    Promise.resolve([
      { name: 'postern_x', type: 'gauge' as const, help: 'x', samples: [{ value: 1.5 }] },
    ]);
  const text = '# HELP postern_x x\n# TYPE postern_x gauge\npostern_x 1.5\n';
  const get = (on: Stage, token?: string) =>
    on.api.request('/metrics', {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    });

  test('asks for a token with stats:read', async () => {
    const own = anotherApi(stage, { metrics });
    expect((await get(own)).status).toBe(401);
    const other = await tokenFor(stage, null, ['machines:read']);
    expect((await get(own, other)).status).toBe(403);
    const answer = await get(own, await tokenFor(stage, null, ['stats:read']));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, METRICS_TYPE]);
    expect(await answer.text()).toBe(text);
  });

  test('asks for none where the settings open it, and for nothing else', async () => {
    const open = anotherApi(stage, { metrics, openMetrics: true });
    expect(await (await get(open)).text()).toBe(text);
    expect((await call(open, 'GET', '/v1/sessions/stats')).status).toBe(401);
    expect((await call(open, 'POST', '/metrics')).status).toBe(405);
  });

  test('counts tokens that are not valid', async () => {
    const meters = new Meters();
    const own = anotherApi(stage, { meters });
    await get(own);
    await get(own, 'not-a-token');
    expect(metricsText(meters.metrics)).toContain('postern_auth_failures_total{door="api"} 1\n');
  });
});

describe('the text format', () => {
  test('escapes what would end a label or a line', () => {
    const samples = [{ labels: { a: 'x"y\\z\nw', b: '' }, value: 2 }];
    expect(metricsText([{ name: 'm', type: 'counter', help: 'one\ntwo \\', samples }])).toBe(
      '# HELP m one\\ntwo \\\\\n# TYPE m counter\nm{a="x\\"y\\\\z\\nw",b=""} 2\n',
    );
  });

  test('writes numbers as Prometheus reads them', () => {
    const values = [0, 1e21, 2 ** 53, 0.1, Number.POSITIVE_INFINITY, Number.NaN];
    const samples = values.map((value) => ({ value }));
    const lines = metricsText([{ name: 'm', type: 'gauge', help: '', samples }]).split('\n');
    expect(lines.slice(2, -1)).toEqual(
      ['0', '1e+21', '9007199254740992', '0.1', '+Inf', 'NaN'].map((value) => `m ${value}`),
    );
  });
});
