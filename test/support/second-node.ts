import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bastion } from './bastion.ts';

/** The settings of a bastion's that a node beside it has too. */
const SHARED = ['DATABASE_URL', 'REDIS_URL'];

/** Another node, ready, on the database (and Redis) of `first`, which is to outlive it. */
export async function startSecondNode(first: Bastion): Promise<Bastion> {
  const shared = Object.entries(first.settings).filter(([name]) => SHARED.includes(name));
  const POSTERN_SECRET_KEY = readFileSync(join(first.dataDir, 'secret-key'), 'utf8').trim();
  const node = new Bastion(
    { settings: Object.fromEntries(shared), [Symbol.asyncDispose]: () => Promise.resolve() },
    { settings: { POSTERN_SECRET_KEY } },
  );
  try {
    await node.start();
    return node;
  } catch (error) {
    await node[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}
