import { join } from 'node:path';
import { auditStates } from '../domain/audit-state.ts';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Store } from '../domain/store.ts';
import { keptFile } from './kept-file.ts';

/** In the data directory: the token with scope `admin` of this machine's own commands. */
export function adminTokenFile(dataDir: string): string {
  return join(dataDir, 'admin-token');
}

/**
 * Sees to it that the admin token is good: the configured one where there is one, and else the one in
 * the data directory, made on first start. Each node has one at a time: its earlier one is good no more.
 */
export async function ensureAdminToken(
  store: Pick<Store, 'tokens' | 'transaction'>,
  node: string,
  dataDir: string,
  configured: string | null,
): Promise<void> {
  const text = configured ?? keptFile(adminTokenFile(dataDir), () => `${newBearer()}\n`).trim();
  const hash = await hashBearer(text);
  const known = await store.tokens.getByHash(hash, new Date());
  if (known?.kind === 'bootstrap') return;
  const name = `admin-token of ${node}`;
  const wanted = { kind: 'bootstrap', name, scopes: ['admin'], hash } as const;
  try {
    await store.transaction(async ({ tokens, audit }) => {
      await tokens.revokeNamed('bootstrap', name);
      const token = await tokens.create({ ...wanted, userId: null, expiresAt: null });
      await audit.append({
        ...{ at: new Date(), type: 'token.created', actor: null, source: null },
        ...{ userId: null, machineId: null, sessionId: null },
        detail: { name, id: formatId('tok', token.id), scopes: 'admin' },
        ...auditStates(null, token),
      });
    });
  } catch (error) {
    // Another node with the same configuration has just made it.
    if (!(error instanceof PosternError && error.code === 'thing.exists')) throw error;
  }
}
