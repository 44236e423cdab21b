import type { ApiDeps } from '../src/api/deps.ts';
import { documentOf } from '../src/api/document.ts';
import { createApi } from '../src/api/server.ts';

/** Stands for everything that the API works with: it is looked at, and nothing is asked of it. */
const UNUSED: unknown = new Proxy(() => UNUSED, { get: () => UNUSED });

/** The OpenAPI document of this code, without the address and version of a server, as JSON. */
export function apiDocument(): string {
  const deps = Object.assign(Object.create(UNUSED as ApiDeps), {
    version: 'v1',
    publicUrl: () => '/',
    requestsPerMinute: 1,
  });
  const document = documentOf(createApi(deps), deps);
  return `${JSON.stringify(document, null, 2)}\n`;
}
