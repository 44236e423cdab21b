import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in package.json. */
export function readVersion(): string {
  const file = join(import.meta.dirname, '../../package.json');
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}
