import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type HostKey, loadHostKey } from '../ssh/host-key.ts';

/** Files of the data directory that say what clients meet at the door; both are optional. */
export interface DoorFiles {
  /** `ssh_host_ed25519_key.next`: the key that will take the host key's place. */
  readonly nextHostKeys: readonly HostKey[];
  /** `banner`: shown before authentication. */
  readonly banner: string | undefined;
}

/** Bytes of a banner. */
const MOST_BANNER = 8192;
/** Line ends and tabs aside, what a terminal would take for a command. */
const CONTROL = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u;

/** Reads them; throws an Error that names the file when one cannot be used. */
export function readDoorFiles(dataDir: string): DoorFiles {
  return { nextHostKeys: nextHostKeys(dataDir), banner: banner(join(dataDir, 'banner')) };
}

function nextHostKeys(dataDir: string): readonly HostKey[] {
  const path = join(dataDir, 'ssh_host_ed25519_key.next');
  const text = contents(path, true);
  if (text === null) return [];
  try {
    return [loadHostKey(text)];
  } catch (error) {
    throw new Error(`${path} is no ed25519 private key in OpenSSH format`, { cause: error });
  }
}

function banner(path: string): string | undefined {
  const text = contents(path, false)?.replaceAll('\r\n', '\n');
  if (text === undefined || text === '') return undefined;
  if (Buffer.byteLength(text) > MOST_BANNER) {
    throw new Error(`${path} is longer than ${MOST_BANNER} bytes`);
  }
  if (CONTROL.test(text)) throw new Error(`${path} has control characters`);
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  return whole.replaceAll('\n', '\r\n');
}

function contents(path: string, secret: boolean): string | null {
  try {
    if (secret && (statSync(path).mode & 0o077) !== 0) {
      throw new Error(`${path} can be read by others; make it yours alone: chmod 600 ${path}`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
