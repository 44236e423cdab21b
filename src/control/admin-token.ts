import { join } from 'node:path';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import type { TokenStore } from '../domain/token.ts';
import { keptFile } from './kept-file.ts';

/** In the data directory: the token with scope `admin` of this machine's own commands. */
export function adminTokenFile(dataDir: string): string {
  return join(dataDir, 'admin-token');
}

/**
 * Sees to it that the admin token is good: the configured one where there is one, and else the one in
 * the data directory, made on first start. There is one at a time: an earlier one is good no more.
 */
export async function ensureAdminToken(
  tokens: TokenStore,
  dataDir: string,
  configured: string | null,
): Promise<void> {
  const text = configured ?? keptFile(adminTokenFile(dataDir), () => `${newBearer()}\n`).trim();
  const hash = await hashBearer(text);
  const known = await tokens.getByHash(hash, new Date());
  if (known?.kind === 'bootstrap') return;
  await tokens.revokeKind('bootstrap');
  await tokens.create({
    userId: null,
    kind: 'bootstrap',
    name: 'admin-token',
    scopes: ['admin'],
    expiresAt: null,
    hash,
  });
}
