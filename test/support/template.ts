import { cpSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openStore } from '../../src/store/database.ts';
import { SECRET_KEY, silent } from '../store/options.ts';

/**
 * Fills `dataDir` with an empty, migrated database: a copy of the run's first one where that is
 * there (0.1 s), for making one takes seconds of a processor. Whoever comes while it is being made
 * makes one too.
 */
export async function useTemplate(dataDir: string): Promise<void> {
  const shared = inject('shared');
  if (shared === undefined) return;
  const [template, making] = [join(shared, 'template'), join(shared, 'making')];
  if (!existsSync(template)) {
    try {
      mkdirSync(making);
    } catch {
      return;
    }
    const store = await openStore({
      databaseUrl: null,
      dataDir: making,
      secretKey: SECRET_KEY,
      migrate: true,
      log: silent,
    });
    await store.close();
    renameSync(making, template);
  }
  cpSync(template, dataDir, { recursive: true });
}
