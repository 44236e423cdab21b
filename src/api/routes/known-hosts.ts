import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { guarded } from '../guard.ts';
import { knownHosts, knownHostsLine, knownHostsText } from '../known-hosts.ts';
import { namedSchema } from '../views/named.ts';

const knownHostSchema = z
  .object({
    machine: namedSchema('mch'),
    hosts: z.array(z.string()),
    key: z.string(),
    line: z.string(),
  })
  .openapi('KnownHost');

const content = {
  ...json(enveloped(z.object({ known_hosts: z.array(knownHostSchema) })), '').content,
  'text/plain': { schema: z.string() },
};

const route = guarded('signed-in', {
  method: 'get',
  path: '/v1/known-hosts',
  summary: 'The host keys that Postern presents to ssh -J, of the machines that the caller may see',
  request: { query: z.strictObject({ format: z.enum(['json', 'text']).default('json') }) },
  responses: {
    200: { description: 'The keys; with format=text as a known_hosts file', content },
  },
});

export function knownHostsRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(route, async (c) => {
    const all = await knownHosts(deps, callerOf(c).viewer);
    if (c.req.valid('query').format === 'text') return c.text(knownHostsText(all), 200);
    const known_hosts = all.map((one) => ({
      machine: { id: formatId('mch', one.machine.id), name: one.machine.name },
      hosts: [...one.hosts],
      key: one.key,
      line: knownHostsLine(one),
    }));
    return c.json(success({ known_hosts }), 200);
  });
}
