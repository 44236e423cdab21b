import { z } from '@hono/zod-openapi';
import type { IdKind } from '../../domain/ids.ts';
import { outId } from '../fields.ts';

/** A reference as it is answered: id and name. */
export function namedSchema(kind: IdKind) {
  return z.object({ id: outId(kind), name: z.string() });
}
