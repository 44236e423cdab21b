import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadyFacts } from '../domain/ready.ts';

/** In the data directory: how commands on this machine find the server. */
export const READY_FILE = 'ready.json';

/** Where a server with these settings says that it is ready. */
export function readyFiles(config: {
  readonly dataDir: string;
  readonly readyFile: string | null;
}): readonly string[] {
  const own = join(config.dataDir, READY_FILE);
  return config.readyFile === null ? [own] : [own, config.readyFile];
}

/** Whole or not at all: who waits for the file never reads half of it. */
export function writeReadyFile(file: string, facts: ReadyFacts): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Removes the file if this process wrote it; another server's stays. */
export function removeReadyFile(file: string): void {
  if (readReadyFile(file)?.pid === process.pid) rmSync(file, { force: true });
}

/** Null when there is none, or none that can be read. */
export function readReadyFile(file: string): ReadyFacts | null {
  try {
    const facts: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isReadyFacts(facts) ? facts : null;
  } catch {
    return null;
  }
}

function isReadyFacts(facts: unknown): facts is ReadyFacts {
  return (
    typeof facts === 'object' &&
    facts !== null &&
    'http' in facts &&
    typeof facts.http === 'object' &&
    facts.http !== null &&
    'url' in facts.http &&
    typeof facts.http.url === 'string' &&
    'pid' in facts &&
    typeof facts.pid === 'number' &&
    'admin_token_file' in facts &&
    typeof facts.admin_token_file === 'string'
  );
}
