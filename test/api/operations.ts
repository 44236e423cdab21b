import { type Document, type Operation, operationsOf } from '../../scripts/open-api.ts';
import type { Access } from '../../src/api/guard.ts';
import { call, type Stage } from './stage.ts';

/** One operation of the document that a running API answers. */
export interface ServedOperation {
  readonly name: string;
  readonly method: string;
  /** With `{…}` in it. */
  readonly path: string;
  readonly access: Access;
  readonly operation: Operation;
}

export async function servedDocument(stage: Pick<Stage, 'api'>): Promise<Document> {
  return (await call(stage, 'GET', '/v1/openapi.json')).body;
}

export async function servedOperations(stage: Pick<Stage, 'api'>): Promise<ServedOperation[]> {
  return [...operationsOf(await servedDocument(stage))].map(([name, operation]) => {
    const [method = '', path = ''] = name.split(' ');
    return { name, method, path, access: operation['x-postern-access'] as Access, operation };
  });
}
