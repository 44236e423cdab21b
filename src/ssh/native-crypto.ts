import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const BUILD = 'protocol/crypto/build';

/**
 * Whether ssh2's compiled addon is the one that our setup built, whose objects may be collected at
 * any time. Any other build is treated as one that needs `cipher-keeper.ts`.
 */
export function isOwnBuild(): boolean {
  const library = dirname(createRequire(import.meta.url).resolve('ssh2'));
  try {
    const mark = readFileSync(join(library, BUILD, 'postern.sha256'), 'utf8').trim();
    const addon = readFileSync(join(library, BUILD, 'Release/sshcrypto.node'));
    return createHash('sha256').update(addon).digest('hex') === mark;
  } catch {
    return false;
  }
}
