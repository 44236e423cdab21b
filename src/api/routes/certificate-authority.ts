import { z } from '@hono/zod-openapi';
import type { Api } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { guarded } from '../guard.ts';

const authoritySchema = z
  .object({
    public_key: z.string().openapi({ description: 'A line of sshd’s TrustedUserCAKeys' }),
    fingerprint: z.string(),
  })
  .openapi('CertificateAuthority');

const authorityRoute = guarded('machines:read', {
  method: 'get',
  path: '/v1/ca',
  summary: 'The key that signs the certificates which Postern logs in to machines with',
  responses: { 200: json(enveloped(authoritySchema), 'Its public half') },
});

export function certificateAuthorityRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(authorityRoute, (c) => {
    const { publicLine, fingerprint } = deps.certificates;
    return c.json(success({ public_key: `${publicLine} postern`, fingerprint }), 200);
  });
}
