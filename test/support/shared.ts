import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A directory of the run, where files leave for each other what is slow to make. */
    shared: string;
  }
}

/** Vitest's global set-up: makes that directory, and removes it after the run. */
export function setup(project: TestProject): () => void {
  const shared = mkdtempSync(join(tmpdir(), 'postern-shared-'));
  project.provide('shared', shared);
  return () => rmSync(shared, { recursive: true, force: true });
}
