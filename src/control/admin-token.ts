import { join } from 'node:path';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import { PosternError } from '../domain/errors.ts';
import type { TokenStore } from '../domain/token.ts';
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
  tokens: TokenStore,
  node: string,
  dataDir: string,
  configured: string | null,
): Promise<void> {
  const text = configured ?? keptFile(adminTokenFile(dataDir), () => `${newBearer()}\n`).trim();
  const hash = await hashBearer(text);
  const known = await tokens.getByHash(hash, new Date());
  if (known?.kind === 'bootstrap') return;
  const name = `admin-token of ${node}`;
  await tokens.revokeNamed('bootstrap', name);
  const none = { userId: null, expiresAt: null };
  try {
    await tokens.create({ kind: 'bootstrap', name, scopes: ['admin'], hash, ...none });
  } catch (error) {
    // Another node with the same configuration has just made it.
    if (!(error instanceof PosternError && error.code === 'thing.exists')) throw error;
  }
}
