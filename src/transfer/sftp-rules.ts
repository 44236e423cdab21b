import { Fields } from './fields.ts';
import { Sftp } from './sftp-messages.ts';

const MOST_NAME = 256;
const MOST_PATH = 4096;

/** Bits of OPEN (draft-ietf-secsh-filexfer-02 section 6.3). */
const READ = 0x01;
const WRITE = 0x02;
const WRITING = WRITE | 0x04 | 0x08 | 0x10 | 0x20;

/** Looking around: names and attributes, no content, and nothing changes. */
const LOOKING: readonly number[] = [
  Sftp.Close,
  Sftp.Lstat,
  Sftp.Fstat,
  Sftp.Opendir,
  Sftp.Readdir,
  Sftp.Realpath,
  Sftp.Stat,
  Sftp.Readlink,
];

/** All that changes something on the machine. */
const CHANGING: readonly number[] = [
  Sftp.Write,
  Sftp.Setstat,
  Sftp.Fsetstat,
  Sftp.Remove,
  Sftp.Mkdir,
  Sftp.Rmdir,
  Sftp.Rename,
  Sftp.Symlink,
];

/** OpenSSH's extensions (PROTOCOL, section 4), and drafts' that it has. */
const LOOKING_EXTENDED: readonly string[] = [
  'statvfs@openssh.com',
  'fstatvfs@openssh.com',
  'limits@openssh.com',
  'expand-path@openssh.com',
  'users-groups-by-id@openssh.com',
  'home-directory',
];
const CHANGING_EXTENDED: readonly string[] = [
  'posix-rename@openssh.com',
  'hardlink@openssh.com',
  'fsync@openssh.com',
  'lsetstat@openssh.com',
];

/**
 * Whether a request is one that this direction needs; `fields` stand behind its number. What is not
 * named is not. Throws Unreadable.
 */
export function allowedRequest(ways: 'upload' | 'download', type: number, fields: Fields): boolean {
  if (LOOKING.includes(type)) return true;
  if (type === Sftp.Read) return ways === 'download';
  if (CHANGING.includes(type)) return ways === 'upload';
  if (type === Sftp.Open) {
    fields.string(MOST_PATH);
    const flags = fields.uint32();
    return ways === 'download' ? flags === READ : (flags & WRITE) !== 0 && (flags & ~WRITING) === 0;
  }
  if (type !== Sftp.Extended) return false;
  const name = fields.string(MOST_NAME).toString('latin1');
  if (LOOKING_EXTENDED.includes(name)) return true;
  return ways === 'upload' && CHANGING_EXTENDED.includes(name);
}

const NAMES: Readonly<Record<number, string>> = {
  [Sftp.Open]: 'open',
  [Sftp.Read]: 'read',
  [Sftp.Write]: 'write',
  [Sftp.Setstat]: 'setstat',
  [Sftp.Fsetstat]: 'fsetstat',
  [Sftp.Remove]: 'remove',
  [Sftp.Mkdir]: 'mkdir',
  [Sftp.Rmdir]: 'rmdir',
  [Sftp.Rename]: 'rename',
  [Sftp.Symlink]: 'symlink',
  [Sftp.Extended]: 'an extension',
};

/** Whose first field is a handle. */
const WITH_HANDLE: readonly number[] = [Sftp.Read, Sftp.Write, Sftp.Fsetstat];

/** What a refused request was, for the audit: its name, and the first text in it (a path, as a rule). */
export function nameOf(type: number, head: Buffer): { request: string; path: string } {
  const request = NAMES[type] ?? `request ${type}`;
  if (NAMES[type] === undefined || WITH_HANDLE.includes(type)) return { request, path: '' };
  const first = new Fields(head.subarray(5)).string(MOST_PATH).toString('utf8');
  return type === Sftp.Extended ? { request: first, path: '' } : { request, path: first };
}
