import { z } from '@hono/zod-openapi';
import type { Api } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { docsPage, STYLE_SOURCE } from './docs-page.ts';
import { guarded } from './guard.ts';

const documentRoute = guarded('public', {
  method: 'get',
  path: '/v1/openapi.json',
  summary: 'This API as an OpenAPI 3.1 document',
  responses: {
    200: {
      description: 'The document',
      content: { 'application/json': { schema: z.object({}).loose() } },
    },
    304: { description: 'The client has it' },
  },
});

const docsRoute = guarded('public', {
  method: 'get',
  path: '/docs',
  summary: 'The same for people',
  responses: {
    200: { description: 'A page', content: { 'text/html': { schema: z.string() } } },
  },
});

/** The OpenAPI 3.1 document, made from the schemas that check requests. */
export function documentOf(api: Api, deps: Pick<ApiDeps, 'version' | 'publicUrl'>) {
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Postern',
      version: deps.version,
      description: 'An SSH bastion that records. Send Authorization: Bearer TOKEN.',
    },
    servers: [{ url: deps.publicUrl() }],
  });
}

/** Registered last, so that the document has every route. */
export function documentRoutes(api: Api, deps: ApiDeps): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
  });
  api.openapi(documentRoute, (c) => c.json({ ...documentOf(api, deps) }, 200));
  api.openapi(docsRoute, (c) => {
    c.header('Content-Security-Policy', `default-src 'none'; style-src ${STYLE_SOURCE}`);
    return c.html(docsPage(documentOf(api, deps)));
  });
}
