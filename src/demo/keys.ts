import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateHostKey } from '../ssh/host-key.ts';

/** A key pair as it lies on disk: the private half in OpenSSH's form, the public one as one line. */
export interface KeptKey {
  readonly privatePem: string;
  readonly publicLine: string;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new Error(`cannot read ${path}`, { cause: error });
  }
}

/** Whole or not at all: a half-written key would stop the next start. */
function writeSecret(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}

/**
 * The Ed25519 key `name` under `directory`, made (0600) when there is none yet. The public half is
 * written first, so that a private half never stands without it. Throws when it cannot be read.
 */
export function keepKey(directory: string, name: string): KeptKey {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  const privatePem = readIfThere(path);
  const publicLine = readIfThere(`${path}.pub`);
  if (privatePem !== null && publicLine !== null) {
    return { privatePem, publicLine: publicLine.trim() };
  }
  const made = generateHostKey();
  writeSecret(`${path}.pub`, `${made.publicLine}\n`);
  writeSecret(path, made.privatePem);
  return made;
}
