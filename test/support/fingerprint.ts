import { join } from 'node:path';
import type { Bastion } from './bastion.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';

/** The bastion's host key as people compare it: `SHA256:…`. */
export async function fingerprintOf(bastion: Bastion): Promise<string> {
  const file = join(bastion.dataDir, 'ssh_host_ed25519_key');
  const { stdout } = await must(the('ssh-keygen'), ['-lf', file]);
  return /SHA256:\S+/.exec(stdout.toString())?.[0] ?? '';
}
