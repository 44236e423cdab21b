import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { basename } from 'node:path';

/** What accounts that nobody logs in to have for a shell. */
const NO_SHELLS = ['nologin', 'false', 'true', 'sync'];

function usable(path: string): boolean {
  if (!path.startsWith('/') || NO_SHELLS.includes(basename(path))) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The wanted shell if it can be run, else the account's own, else bash, else sh. */
export function chooseShell(wanted: string | null): string {
  const candidates = [wanted ?? '', userInfo().shell ?? '', '/bin/bash'];
  return candidates.find(usable) ?? '/bin/sh';
}

/** Where Debian, Fedora, Arch and macOS put OpenSSH's sftp-server. */
const SFTP_SERVERS = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
  '/usr/lib/misc/sftp-server',
  '/usr/libexec/sftp-server',
];

/** Null when this machine has none. */
export function findSftpServer(): string | null {
  return SFTP_SERVERS.find(usable) ?? null;
}
