import { z } from '@hono/zod-openapi';
import type { Api } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { guarded } from '../guard.ts';
import { METRICS_TYPE, metricsText } from '../metrics-text.ts';

/** At the root, where Prometheus looks; public where the settings say so. */
export function metricsRoute(api: Api, deps: ApiDeps): void {
  const route = guarded(deps.openMetrics ? 'public' : 'stats:read', {
    method: 'get',
    path: '/metrics',
    summary: "This node's figures, for Prometheus",
    responses: {
      200: {
        description: 'In the text format, version 0.0.4',
        content: { [METRICS_TYPE]: { schema: z.string() } },
      },
    },
  });
  api.openapi(route, async (c) => {
    const text = metricsText(await deps.metrics());
    return c.text(text, 200, { 'Content-Type': METRICS_TYPE });
  });
}
