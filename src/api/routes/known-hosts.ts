import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { authorityLine } from '../../domain/known-host.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { guarded } from '../guard.ts';
import { knownAuthorityText, knownHosts, knownHostsLine, knownHostsText } from '../known-hosts.ts';
import { namedSchema } from '../views/named.ts';

const knownHostSchema = z
  .object({
    machine: namedSchema('mch'),
    hosts: z.array(z.string()),
    key: z.string(),
    line: z.string(),
  })
  .openapi('KnownHost');

const authoritySchema = z
  .object({ public_key: z.string(), fingerprint: z.string(), line: z.string() })
  .openapi('HostAuthority', { description: 'Signs host certificates of all those keys' });

const bodySchema = z.object({
  known_hosts: z.array(knownHostSchema),
  certificate_authority: authoritySchema,
});

const content = {
  ...json(enveloped(bodySchema), '').content,
  'text/plain': { schema: z.string() },
};

const route = guarded('signed-in', {
  method: 'get',
  path: '/v1/known-hosts',
  summary: 'The host keys that Postern presents to ssh -J, of the machines that the caller may see',
  request: {
    query: z.strictObject({ format: z.enum(['json', 'text', 'authority']).default('json') }),
  },
  responses: {
    200: {
      description:
        'The keys and their authority; with format=text the keys as a known_hosts file, with format=authority its one @cert-authority line',
      content,
    },
  },
});

export function knownHostsRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(route, async (c) => {
    const { format } = c.req.valid('query');
    if (format === 'authority') return c.text(knownAuthorityText(deps), 200);
    const all = await knownHosts(deps, callerOf(c).viewer);
    if (format === 'text') return c.text(knownHostsText(all), 200);
    const known_hosts = all.map((one) => ({
      machine: { id: formatId('mch', one.machine.id), name: one.machine.name },
      hosts: [...one.hosts],
      key: one.key,
      line: knownHostsLine(one),
    }));
    const { publicLine, fingerprint } = deps.hostAuthority;
    const certificate_authority = {
      public_key: publicLine,
      fingerprint,
      line: authorityLine(publicLine),
    };
    return c.json(success({ known_hosts, certificate_authority }), 200);
  });
}
