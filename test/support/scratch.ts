import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory (0700) that is removed with everything in it. */
export interface Scratch extends Disposable {
  readonly path: string;
  join(...parts: readonly string[]): string;
}

export function scratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'postern-test-'));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
