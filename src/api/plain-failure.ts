import { z } from '@hono/zod-openapi';
import type { PosternError } from '../domain/errors.ts';
import { guarded } from './guard.ts';

/** How clients of container sessions read failures (spec/api.md, "Container sessions"). */
export const plainFailureSchema = z
  .object({
    error: z.string(),
    error_description: z.string(),
    details: z
      .string()
      .openapi({ description: 'The same, and what is particular to this request' }),
  })
  .openapi('PlainFailure');

/** Whether the failures of a path have that form. */
export function isPlain(path: string): boolean {
  return path.startsWith('/api/3/') || path === '/v1/stacks' || path.startsWith('/v1/stacks/');
}

export function plainFailure(error: Pick<PosternError, 'message' | 'params' | 'problems'>) {
  const { message, params, problems } = error;
  const particular = [
    ...(typeof params['detail'] === 'string' ? [params['detail']] : []),
    ...problems.map((problem) => `${problem.field} ${problem.message}`),
  ];
  const details = particular.length === 0 ? message : `${message}: ${particular.join('; ')}`;
  return { error: message, error_description: message, details };
}

type Route = Parameters<typeof guarded>[1];

/** A route of the family: its scope is `redeploy`. */
export function plainRoute<R extends Route>(route: R): R {
  return guarded('redeploy', route, plainFailureSchema);
}
